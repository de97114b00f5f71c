"""TLS to PostgreSQL as DATABASE_URL asks for it, against a real TLS end with a certificate for `localhost`."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.url import PostgresUrl
from functions.common.errors import Rejected, Unavailable
from tests.tls_front import TlsFront, tls_front

LONG = "x" * 300_000


@pytest.fixture(scope="module")
def front(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFront]:
    with tls_front(PostgresUrl.parse(server).port, tmp_path_factory.mktemp("tls")) as front:
        yield front


def at(front: TlsFront, options: str, host: str = "localhost") -> Postgres:
    url = f"postgresql://postgres@{host}:{front.port}/postgres?{options}"
    return Postgres(url.replace("ROOT", str(front.root_certificate)))


@pytest.mark.parametrize(
    "options",
    [
        "",
        "sslmode=prefer",
        "sslmode=require",
        "sslmode=require&sslrootcert=ROOT",
        "sslmode=verify-ca&sslrootcert=ROOT",
        "sslmode=verify-full&sslrootcert=ROOT",
    ],
)
def test_statements_and_answers_of_any_length_work(front: TlsFront, options: str) -> None:
    postgres = at(front, options)
    for text in ("", LONG):
        assert postgres.run("select :text::text, 2", text=text) == [[text, 2]]
    postgres.close()


@pytest.mark.parametrize(
    "options", ["sslmode=verify-ca", "sslmode=verify-full", "sslmode=verify-full&sslrootcert=system"]
)
def test_a_certificate_of_an_unknown_authority_is_refused(front: TlsFront, options: str) -> None:
    with pytest.raises(Unavailable, match=r"is not trusted .*sslrootcert"):
        at(front, options).run("select 1")


def test_verify_full_refuses_a_certificate_for_another_name(front: TlsFront) -> None:
    assert at(front, "sslmode=verify-ca&sslrootcert=ROOT", host="127.0.0.1").run("select 1") == [[1]]
    with pytest.raises(Unavailable, match="is not trusted"):
        at(front, "sslmode=verify-full&sslrootcert=ROOT", host="127.0.0.1").run("select 1")


def test_root_certificates_that_cannot_be_read_are_named(front: TlsFront) -> None:
    with pytest.raises(Unavailable, match=r"cannot be read: /nowhere\.pem"):
        at(front, "sslmode=verify-full&sslrootcert=/nowhere.pem").run("select 1")


def test_a_server_that_requires_tls_does_not_answer_without_it(front: TlsFront) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        at(front, "sslmode=disable").run("select 1")


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_without_tls_is_refused_where_it_is_required(server: str, mode: str) -> None:
    with pytest.raises(Unavailable, match=f"offers no TLS.*sslmode={mode}"):
        Postgres(f"{server}?sslmode={mode}").run("select 1")


@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_a_server_that_hangs_up_is_not_reported_as_one_without_tls(mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def hang_up() -> None:
            client, _ = door.accept()
            client.recv(8)  # what it leaves unread would be a reset, not an end
            client.close()

        Thread(target=hang_up, daemon=True).start()
        with pytest.raises(Unavailable, match="does not answer"):
            Postgres(f"postgresql://127.0.0.1:{door.getsockname()[1]}/postgres?sslmode={mode}").run("select 1")


@pytest.mark.parametrize("mode", ["disable", "prefer"])
def test_a_server_without_tls_is_accepted_where_it_is_not_required(server: str, mode: str) -> None:
    assert Postgres(f"{server}?sslmode={mode}").run("select 1") == [[1]]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("postgresql://u:secret@host/db?sslmode=sometimes", "sslmode must be one of .*not 'sometimes'"),
        ("postgresql://u:secret@host/db?sslmode=require&sslcert=/c", "asks for sslcert"),
        ("postgresql://u:secret@one,two:5432,5433/db", "DATABASE_URL cannot be read"),
        ("postgresql://u:secret@host:port/db", "DATABASE_URL cannot be read"),
    ],
)
def test_an_invalid_url_is_refused_at_once_and_its_password_is_not_shown(url: str, error: str) -> None:
    with pytest.raises(Rejected, match=error) as refused:
        Postgres(url)
    assert "secret" not in str(refused.value)


def test_a_url_is_parsed_as_libpq_parses_it() -> None:
    found = PostgresUrl.parse("postgresql://a%40b:p%2Fw@db.example/my%20app?application_name=x")
    assert (found.host, found.port, found.user, found.password) == ("db.example", 5432, "a@b", "p/w")
    assert (found.database, found.ssl_mode.value) == ("my app", "prefer")
    assert "p/w" not in repr(found)
