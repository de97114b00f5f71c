"""14 read as signed: what a forge did not sign changes neither what a webhook says nor what is cloned for it."""

import json
from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.delivery import Provider
from functions.common.events.push import BranchDeleted, PullRequestClosed, PushReceived, Repository
from tests.fakes.loopback_broker import LoopbackBroker
from tests.push_world import URL, PushWorld, sha
from tests.webhook_sender import PUSHES, Sender, forge_headers, payload, read_json, sender

FORM = "application/x-www-form-urlencoded"
VICTIM = "https://forge.example.org/bank/vault"


@pytest.fixture
def forge(database: str, broker: LoopbackBroker) -> Sender:
    return sender(database, broker.url)


def with_message(provider: Provider, message: str) -> bytes:
    """Return a push whose newest commit has this message: its author is not the owner of the repository."""
    push = json.loads(payload(f"{provider}/push"))
    push["commits"][0]["message"] = message
    return json.dumps(push).encode()


def inner(provider: Provider) -> str:
    """Return a push to another repository, as the field of a form."""
    push = payload(f"{provider}/push").decode()
    for name in ("team/group/hello", "team/hello"):
        push = push.replace(name, "bank/vault")
    return f"&payload={quote_plus(push)}&"


@pytest.mark.parametrize("content_type", [FORM, FORM.upper(), FORM + "; charset=utf-8"])
@pytest.mark.parametrize("provider", list(Provider))
def test_invariant_14_a_form_inside_signed_json_is_not_read(
    provider: Provider, content_type: str, forge: Sender, broker: LoopbackBroker, database: str
) -> None:
    body = with_message(provider, inner(provider))

    answer = forge.send(provider, PUSHES[provider], body, **{"Content-Type": content_type})

    assert answer.status_code in {400, 401}
    assert broker.events == []
    assert Postgres(database).run("select count(*) from webhook_deliveries") == [[0]]
    assert forge.send(provider, PUSHES[provider], body).status_code == 202  # the delivery itself is not lost
    assert "vault" not in json.dumps(broker.events[0]["data"]["repository"])


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/a+json"])
def test_invariant_14_a_form_that_is_called_json_is_refused_in_words(
    content_type: str, forge: Sender, broker: LoopbackBroker
) -> None:
    form = b"payload=" + quote_plus(payload("github/push")).encode()
    headers = forge_headers("github", "push", "d-1", form) | {"Content-Type": content_type}

    answer = forge.post("/v1/webhooks/github", form, headers)

    assert answer.status_code == 400
    assert "Content-Type" in read_json(answer)["error"]
    assert broker.events == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"ref": "refs/heads/main", "ref": "refs/heads/other"}', "ref"),
        (b'{"repository": {"clone_url": "https://a/b/c", "clone_url": "https://d/e/f"}}', "clone_url"),
        (b'{"commits": [{"id": 1, "\\u0069d": 2}]}', "id"),
        (b"payload=%7B%7D&payload=%7B%22ref%22%3A1%7D", "payload"),
        (b"payload=%7B%7D&%70ayload=%7B%22ref%22%3A1%7D", "payload"),
        (b"payload=%7B%7D;payload=%7B%22ref%22%3A1%7D", "JSON"),
        (b"other=1&payload=%7B%7D", "payload"),
        (b"\xef\xbb\xbf{}", "{"),
        ("{}".encode("utf-16"), "{"),
        (b"[{}]", "{"),
        (b"--x\r\n\r\n{}\r\n--x--", "{"),
    ],
)
def test_invariant_14_a_body_with_two_meanings_is_refused(body: bytes, words: str, forge: Sender) -> None:
    headers = forge_headers("github", "push", "d-1", body)
    del headers["Content-Type"]

    answer = forge.post("/v1/webhooks/github", body, headers)

    assert answer.status_code == 400
    assert words in read_json(answer)["error"]


@pytest.mark.parametrize(
    ("provider", "field", "value"),
    [
        ("github", "html_url", VICTIM),
        ("github", "clone_url", f"{VICTIM}.git"),
        ("github", "git_url", "git://forge.example.org/bank/vault.git"),
        ("github", "ssh_url", "git@github.example.org:bank/vault.git"),
        ("github", "full_name", "bank/vault"),
        ("forgejo", "html_url", VICTIM),
        ("forgejo", "html_url", "https://forge.example.org:8443/team/hello"),
        ("gitea", "clone_url", f"{VICTIM}.git"),
        ("gitea", "ssh_url", "ssh://git@forge.example.org:2222/bank/vault.git"),
        ("gitlab", "web_url", VICTIM),
        ("gitlab", "git_http_url", f"{VICTIM}.git"),
        ("gitlab", "git_ssh_url", "git@gitlab.example.org:bank/vault.git"),
        ("gitlab", "path_with_namespace", "bank/vault"),
        ("gitlab", "repository.git_http_url", f"{VICTIM}.git"),
        ("gitlab", "repository.homepage", VICTIM),
    ],
)
def test_invariant_14_a_payload_of_two_repositories_is_refused(
    provider: str, field: str, value: str, forge: Sender, broker: LoopbackBroker
) -> None:
    push = json.loads(payload(f"{provider}/push"))
    place, _, name = field.rpartition(".")
    push.setdefault(place or ("project" if provider == "gitlab" else "repository"), {})[name] = value

    answer = forge.send(provider, PUSHES[Provider(provider)], json.dumps(push).encode())

    assert answer.status_code == 400, read_json(answer)
    assert name in read_json(answer)["error"]
    assert broker.events == []


@pytest.mark.parametrize(
    ("provider", "name", "value"),
    [
        ("forgejo", "ssh_url", "git@bank.example.org:team/hello.git"),
        ("github", "ssh_url", "ssh://git@bank.example.org/team/hello.git"),
    ],
)
def test_invariant_14_an_ssh_url_of_another_host_announces_nothing_there(
    provider: str, name: str, value: str, forge: Sender, broker: LoopbackBroker
) -> None:
    """Forges may have a host of their own for SSH, so that the payload is read; apps of that host do not match."""
    push = json.loads(payload(f"{provider}/push"))
    push["repository"][name] = value

    assert forge.send(provider, PUSHES[Provider(provider)], json.dumps(push).encode()).status_code == 202
    assert not [url for url in broker.events[0]["data"]["repository"]["urls"] if "bank" in url]


@pytest.fixture
def world(database: str) -> Iterator[PushWorld]:
    world = PushWorld(database)
    yield world
    world.database.close()


@pytest.mark.parametrize("stored", [URL, "ssh://git@forge.example.org/team/hello.git"])
def test_invariant_14_the_apps_own_url_is_cloned_and_asked_for_heads(world: PushWorld, stored: str) -> None:
    world.app(url=stored)
    world.head("a")
    urls = ("http://forge.example.org:80/team/hello.git", URL, "https://forge.example.org/team/hello/")
    repository = Repository(full_name="team/hello", urls=urls)
    push = PushReceived.model_validate(world.pushed("p1", "a").data | {"repository": repository})

    (requested,) = world.handle(world.event(push, "p1"))
    deleted = BranchDeleted(provider="forgejo", delivery="d-2", repository=repository, branch="main")
    world.handle(world.event(deleted, "d-2"))
    closed = PullRequestClosed(
        provider="forgejo", delivery="d-3", repository=repository, number=1, branch="b", sha=sha("b"), target="main"
    )
    world.handle(world.event(closed, "d-3"))

    assert requested.data["clone_url"] == stored
    assert set(world.heads.asked) == {stored}
