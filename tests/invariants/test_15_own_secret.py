"""15 own secret: who holds the webhook secret of one app announces its repository alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.postgres.apps import PostgresWebhookSecrets
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.delivery import Provider
from functions.common.domain.git_url import repository_key
from tests.api_world import ApiWorld, api_world
from tests.fakes.loopback_broker import LoopbackBroker
from tests.webhook_sender import PUSHES, SECRET, Sender, forge_headers, payload, sender

OF_HELLO, OF_VAULT, OF_GIT = "the secret of hello", "the secret of vault", "the secret of the git server"
GIT = "http://127.0.0.1:8081"
SETTINGS = {
    "SLIPWAY_GIT_URL": GIT,
    "SLIPWAY_GIT_SECRET": OF_GIT,
    "GITEA_URL": "https://git.example.org",
    "GITEA_TOKEN": "x",
    "GITEA_DEFAULT_ORG": "team",
    "GITHUB_HOSTS": "github.com,ghe.example.org",
}
HOSTS = {Provider.GITHUB: "ghe.example.org", Provider.GITLAB: "gitlab.example.org"}
FORGE = "git.example.org"


@pytest.fixture
def forge(database: str, broker: LoopbackBroker) -> Sender:
    return sender(database, broker.url, **SETTINGS)


def push_of(provider: Provider, name: str, host: str = "") -> tuple[str, bytes]:
    """Return the clone URL of a repository of the forge, and a push to it."""
    push = json.loads(payload(f"{provider}/push"))
    url = f"https://{host or HOSTS.get(provider, FORGE)}/team/{name}.git"
    if provider is Provider.GITLAB:
        push["project"] = {"path_with_namespace": f"team/{name}", "git_http_url": url}
    else:
        push["repository"] = {"full_name": f"team/{name}", "clone_url": url}
    return url, json.dumps(push).encode()


def announce(forge: Sender, provider: Provider, body: bytes, secret: str, *, delivery: str = "d") -> int:
    headers = forge_headers(provider, PUSHES[provider], delivery + secret, body, secret=secret)
    return forge.post(f"/v1/webhooks/{provider}", body, headers).status_code


def add_app(database: str, name: str, url: str, secret: str = "") -> None:
    rows = Postgres(database)
    sql = "insert into projects (name, git_url, git_key) values (:name, :url, :key)"
    rows.run(sql, name=name, url=url, key=repository_key(url))
    if secret:
        PostgresWebhookSecrets(database=rows, cipher=FernetCipher()).put(name, secret)
    rows.close()


@pytest.mark.parametrize("provider", list(Provider))
def test_invariant_15_a_secret_announces_the_repository_of_its_app_alone(
    provider: Provider, database: str, forge: Sender, broker: LoopbackBroker
) -> None:
    hello, of_hello = push_of(provider, "hello")
    vault, of_vault = push_of(provider, "vault")
    _, of_nobody = push_of(provider, "nobody")
    add_app(database, "hello", hello, OF_HELLO)
    add_app(database, "vault", vault, OF_VAULT)

    refused = [(of_vault, OF_HELLO), (of_vault, SECRET), (of_hello, OF_VAULT), (of_nobody, OF_HELLO), (of_hello, "")]
    assert [announce(forge, provider, body, secret) for body, secret in refused] == [401] * 5
    assert broker.events == []
    accepted = [(of_hello, OF_HELLO), (of_vault, OF_VAULT), (of_nobody, SECRET)]
    assert [
        announce(forge, provider, body, secret, delivery=str(number)) for number, (body, secret) in enumerate(accepted)
    ] == [202] * 3


def test_invariant_15_the_secret_of_the_forge_is_for_repositories_without_one(database: str, forge: Sender) -> None:
    url, body = push_of(Provider.GITEA, "hello")
    add_app(database, "old", url)
    assert announce(forge, Provider.GITEA, body, SECRET) == 202

    add_app(database, "twin", url, OF_HELLO)
    assert announce(forge, Provider.GITEA, body, SECRET, delivery="again") == 401
    assert announce(forge, Provider.GITEA, body, OF_HELLO) == 202


def test_invariant_15_all_refusals_look_alike(database: str, forge: Sender) -> None:
    hello, of_hello = push_of(Provider.GITEA, "hello")
    _, of_nobody = push_of(Provider.GITEA, "nobody")
    add_app(database, "hello", hello, OF_HELLO)

    answers = [
        forge.post("/v1/webhooks/gitea", body, forge_headers("gitea", "push", "d", body, secret="guessed"))
        for body in (of_hello, of_nobody, b"{}", b"nonsense")
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.get_data() for answer in answers}) == 1


def test_invariant_15_a_forge_announces_no_repository_of_another_forge(forge: Sender, broker: LoopbackBroker) -> None:
    elsewhere = [
        (Provider.GITHUB, FORGE),
        (Provider.GITHUB, "gitlab.com"),
        (Provider.GITHUB, "unknown.example.org"),  # it has a list
        (Provider.GITLAB, "github.com"),
        (Provider.GITLAB, "ghe.example.org"),
        (Provider.GITLAB, FORGE),
        (Provider.GITEA, "github.com"),
        (Provider.FORGEJO, "gitlab.com"),
    ]
    for number, (provider, host) in enumerate(elsewhere):
        _, body = push_of(provider, "hello", host)
        assert announce(forge, provider, body, SECRET, delivery=str(number)) == 400, (provider, host)
    assert broker.events == []

    own = [(Provider.GITHUB, "github.com"), (Provider.GITLAB, "own.example.org"), (Provider.FORGEJO, FORGE)]
    for provider, host in own:
        assert announce(forge, provider, push_of(provider, "hello", host)[1], SECRET) == 202, (provider, host)


def test_invariant_15_the_git_servers_secret_is_for_its_repositories_alone(database: str, forge: Sender) -> None:
    url, here = f"{GIT}/team/hello.git", json.loads(payload("forgejo/push"))
    here["repository"] = {"full_name": "team/hello", "clone_url": url}
    body = json.dumps(here).encode()
    add_app(database, "hello", url)

    assert announce(forge, Provider.FORGEJO, body, SECRET) == 401
    assert announce(forge, Provider.FORGEJO, body, OF_GIT) == 202
    assert announce(forge, Provider.GITEA, body, OF_GIT) == 400
    assert announce(forge, Provider.FORGEJO, push_of(Provider.FORGEJO, "hello")[1], OF_GIT) == 401


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(database, tmp_path, SLIPWAY_GATEWAY_URL="https://paas.example.net") as world:
        yield world


def secrets(api: ApiWorld) -> dict[str, str]:
    return {app: secret for app, secret in api.database.run("select app, secret from webhook_secrets")}  # noqa: C416 - rows are lists


def test_invariant_15_the_secret_is_shown_once_and_only_to_the_owner(api: ApiWorld) -> None:
    made = api.app("shop", git_url="https://github.com/team/shop.git")
    first = made["webhook_secret"]
    assert made["webhook_url"] == "https://paas.example.net/v1/webhooks/github"
    assert secrets(api) == {"shop": first}

    assert api.get("/v1/apps/shop/webhook") == {"url": made["webhook_url"], "own_secret": True, "secret": ""}
    second = api.call("POST", "/v1/apps/shop/webhook").body["secret"]
    assert secrets(api) == {"shop": second}
    assert len(second) > 40
    assert second != first
    for path in ("/v1/apps", "/v1/apps/shop", "/v1/apps/shop/config", "/v1/apps/shop/audit", "/v1/events"):
        assert second not in api.call("GET", path).text
    assert not [event for event in api.broker.events if second in json.dumps(event)]
    assert api.call("DELETE", "/v1/apps/shop/webhook").body["own_secret"] is False
    assert secrets(api) == {}


def test_invariant_15_a_hook_that_slipway_makes_has_the_apps_secret(api: ApiWorld) -> None:
    made = api.app("shop")
    assert made["webhook_secret"] == ""
    assert secrets(api) == api.repositories.secrets

    api.call("POST", "/v1/apps/shop/webhook")
    assert secrets(api) == api.repositories.secrets


def test_invariant_15_another_app_of_a_repository_ends_no_hook(api: ApiWorld) -> None:
    """An app from before apps had secrets has the hook of its repository with the secret of the forge."""
    url = "https://github.com/team/shop.git"
    api.app("old", git_url=url)
    api.call("DELETE", "/v1/apps/old/webhook")

    assert api.app("new", git_url=url)["webhook_secret"] == ""
    api.app("moved", git_url="https://github.com/team/other.git")
    api.call("PUT", "/v1/apps/moved/git", {"url": url})
    assert secrets(api) == {}


def test_invariant_15_an_app_that_moves_gets_another_secret(api: ApiWorld) -> None:
    first = api.app("shop", git_url="https://github.com/team/shop.git")["webhook_secret"]
    api.call("PUT", "/v1/apps/shop/git", {"branch": "next"})
    assert secrets(api) == {"shop": first}

    api.call("PUT", "/v1/apps/shop/git", {"url": "https://github.com/team/other.git"})
    assert secrets(api).keys() == {"shop"}
    assert secrets(api)["shop"] != first


def identified(body: bytes, number: int) -> bytes:
    """Return a push with the id that its forge gives to the repository."""
    push = json.loads(body)
    push["project" if "project" in push else "repository"]["id"] = number
    return json.dumps(push).encode()


@pytest.mark.parametrize("provider", list(Provider))
def test_invariant_15_a_secret_announces_its_repository_under_a_new_name_that_no_app_has(
    provider: Provider, database: str, forge: Sender, broker: LoopbackBroker
) -> None:
    url, _ = push_of(provider, "hello")
    _, renamed = push_of(provider, "renamed")
    vault, of_vault = push_of(provider, "vault")
    add_app(database, "hello", url, OF_HELLO)
    add_app(database, "vault", vault)
    rows = Postgres(database)
    rows.run("update projects set forge_id = :id where name = 'hello'", id=f"{HOSTS.get(provider, FORGE)}#7")
    rows.close()

    refused = [(renamed, OF_HELLO), (identified(renamed, 8), OF_HELLO), (identified(of_vault, 7), OF_HELLO)]
    refused += [(identified(renamed, 7), SECRET), (identified(renamed, 7), OF_VAULT)]
    assert [announce(forge, provider, body, secret) for body, secret in refused] == [401] * 5
    assert announce(forge, provider, identified(renamed, 7), OF_HELLO, delivery="new") == 202
    assert [event["data"]["signer"] for event in broker.events] == ["hello"]
