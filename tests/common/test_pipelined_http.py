"""Pipelined POSTs over a kept connection, with servers that answer in all ways that HTTP/1.1 allows."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from functions.common.adapters.broker.pipelined_http import PipelinedPost
from tests.fakes.loopback_broker import loopback_broker
from tests.patience import patient


@contextmanager
def server(*answers: bytes) -> Iterator[tuple[str, list[int]]]:
    """Yield the URL of a server that gives these answers, one for what it receives at once, and its connections.

    An empty answer closes the connection instead.
    """
    connections: list[int] = []
    left = list(answers)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while left:
            connection, _ = listener.accept()
            connections.append(connection.fileno())
            with connection:
                while left and connection.recv(65536):
                    answer = left.pop(0)
                    connection.sendall(answer)
                    if not answer or b"close" in answer.lower():
                        break

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/ingress", connections
    finally:
        thread.join(patient(5))
        listener.close()


def poster(url: str) -> PipelinedPost:
    return PipelinedPost(url=url, content_type="application/json", timeout_seconds=patient(1))


def statuses(post: PipelinedPost, *bodies: bytes) -> list[int]:
    post.send(bodies)
    return post.statuses(len(bodies))


def test_requests_arrive_in_order() -> None:
    with loopback_broker() as broker:
        post = poster(broker.url)
        found = [statuses(post, *(b'{"n": %d, "lot": %d}' % (n, lot) for n in range(20))) for lot in range(2)]
        post.close()

    assert found == [[202] * 20] * 2
    assert [json.dumps(event) for event in broker.events] == [
        json.dumps({"n": n, "lot": lot}) for lot in range(2) for n in range(20)
    ]


@pytest.mark.parametrize(
    ("first", "connections"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 1),
        (b"HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\nhello", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 1),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 2),
        (b"HTTP/1.1 202 Accepted\r\n\r\nClose", 2),
        (b"HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\nX: close\r\n\r\n", 2),
    ],
)
def test_the_connection_is_kept_where_http_allows_it(first: bytes, connections: int) -> None:
    with server(first, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as (url, seen):
        post = poster(url)
        found = statuses(post, b"{}") + statuses(post, b"{}")
        post.close()

    assert found == [202, 503]
    assert len(seen) == connections


def test_several_answers_may_arrive_together() -> None:
    both = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    with server(both) as (url, _):
        post = poster(url)
        assert statuses(post, b"{}", b"{}") == [202, 503]
        post.close()


def test_after_an_answer_that_closes_the_connection_the_other_statuses_are_missing() -> None:
    closing = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with server(closing, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as (url, _):
        post = poster(url)
        assert statuses(post, b"{}", b"{}") == [202]
        assert statuses(post, b"{}") == [503]
        post.close()


def test_a_broken_connection_gives_no_status_and_is_replaced() -> None:
    with server(b"", b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n") as (url, _):
        post = poster(url)
        assert statuses(post, b"{}") == []
        assert statuses(post, b"{}") == [202]
        post.close()


def test_an_answer_that_is_not_http_gives_no_status() -> None:
    with server(b"SSH-2.0-close\r\n\r\n") as (url, _):
        assert statuses(poster(url), b"{}") == []


def test_without_an_answer_there_is_no_status_after_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert statuses(poster(f"http://127.0.0.1:{listener.getsockname()[1]}/"), b"{}") == []


def test_without_a_server_there_is_no_status() -> None:
    assert statuses(poster("http://127.0.0.1:1/"), b"{}") == []
