"""21 at rest: no secret is in the database in the clear, wherever it came from."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.postgres.apps import PostgresWebhookSecrets
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.config_vars import PostgresConfigVars
from functions.common.adapters.postgres.notifications import PostgresChannels
from functions.common.adapters.postgres.releases import PostgresReleaseLedger
from functions.common.adapters.postgres.sealed import PostgresSealedSecrets
from functions.common.domain.release import ReleaseKind
from functions.common.domain.tokens import new_config_key
from functions.common.errors import Unavailable
from functions.common.ports.apps import ConfigScope
from functions.common.ports.notifications import Channel, ChannelKind
from functions.common.ports.releases import Proposal, StartedRelease
from tests.api_world import TOKENS, ApiWorld, api_world
from tests.fakes.loopback_broker import LoopbackBroker
from tests.webhook_sender import payload, sender
from tests.world import World

OLD, NEW = new_config_key(), new_config_key()
GIT_URL = "https://gitlab.example.org/team/shop.git"
# Of settings, of config, of people, of forges: each must be found nowhere.
GIVEN = {
    "PAAS_WEBHOOK_SECRET": "canary-of-all-forges",
    "GITEA_TOKEN": "canary-of-the-forge",
    "GITEA_ADMIN_TOKEN": "canary-of-the-forges-admin",
    "SLIPWAY_LOGIN_SECRET": "canary-of-the-login",
    "SLIPWAY_GIT_SECRET": "canary-of-the-git-server",
    "SLIPWAY_EVENT_TOKEN": "canary-of-events",
    "SMTP_URL": "smtp://user:canary-of-mail@mail.example.org",
    "SLIPWAY_CONFIG_KEYS": OLD,
}
PUBLIC = {
    "GITEA_URL": "https://git.example.org",
    "GITEA_DEFAULT_ORG": "team",
    "SLIPWAY_LOGIN_FORGE": "gitea",
    "SLIPWAY_LOGIN_CLIENT": "client",
    "SMTP_FROM": "paas@example.org",
    "SLIPWAY_GATEWAY_URL": "https://paas.example.org",
    "SLIPWAY_GIT_URL": "http://127.0.0.1:8081",
}
CONFIG, PASSWORD, CHAT = "canary-of-config", "canary of a password", "https://chat.example.org/hooks/canary-of-chat"


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(database, tmp_path, **PUBLIC, **GIVEN) as world:
        yield world


def everything(database: Postgres) -> str:
    """Return all columns of all rows of all tables as text; bytes as what they say."""
    tables = database.run(
        "select format('%I.%I', table_schema, table_name) from information_schema.tables "
        "where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"
    )
    texts = list[str]()
    for (table,) in tables:
        for row in database.run(f"select * from {table}"):  # noqa: S608 - the catalog's names
            texts += [one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in row]
    return "\n".join(texts)


def used(api: ApiWorld, broker: LoopbackBroker, url: str) -> list[str]:
    """Use all that takes or makes a secret, and return the secrets."""
    owner = api.user("owner@example.org", administrator=True)
    made = [api.app("shop", token=owner, git_url=GIT_URL)["webhook_secret"]]
    made.append(api.call("POST", "/v1/apps/shop/webhook", token=owner).body["secret"])
    api.call("PATCH", "/v1/apps/shop/config", {"PASSWORD": CONFIG}, token=owner)
    for path, body in (
        ("/v1/apps/shop/notifications", {"name": "hook", "kind": "webhook", "target": "https://in.example.org/x"}),
        ("/v1/apps/shop/notifications", {"name": "chat", "kind": "slack", "target": CHAT}),
        ("/v1/notifications", {"name": "all", "kind": "webhook", "target": "https://in.example.org/y"}),
    ):
        answer = api.call("POST", path, body, token=owner)
        assert answer.status == 201, answer
        made += [answer.body["secret"]] if answer.body.get("secret") else []
    made.append(api.call("POST", "/v1/tokens", {"name": "ci"}, token=owner).body["token"])
    invited = api.call("POST", "/v1/invitations", {"email": "new@example.org"}, token=owner).body["token"]
    joined = api.call("POST", "/v1/auth/invitation", {"token": invited, "password": PASSWORD}, scope=None)
    made += [invited, joined.body["data"]["access_token"], owner]
    login = {"email": "new@example.org", "password": PASSWORD}
    made.append(api.call("POST", "/v1/auth/login", login, scope=None).body["data"]["access_token"])
    push = json.loads(payload("gitlab/push"))
    push["project"] = {"path_with_namespace": "team/shop", "git_http_url": GIT_URL}
    forge = sender(url, broker.url, **PUBLIC, **GIVEN)
    headers = {"X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": "d-1", "Content-Type": "application/json"}
    for secret, status in ((made[1], 202), ("canary-of-a-guess", 401), (made[0], 401)):
        sent = {**headers, "X-Gitlab-Token": secret, "Cookie": "canary-of-a-cookie"}
        assert forge.post("/v1/webhooks/gitlab", json.dumps(push).encode(), sent).status_code == status
    return made


def test_invariant_21_no_secret_is_in_any_column_after_everything_was_used(
    api: ApiWorld, database: str, broker: LoopbackBroker
) -> None:
    made = used(api, broker, database)
    proposal = Proposal(
        cause="one", app="shop", environment="production", kind=ReleaseKind.DEPLOY, digest="sha256:1", image="i",
        processes={"web": "run"}, sha="a",
    )  # fmt: skip
    api.database.run(
        "insert into environments (app, name, branch, label) values ('shop', 'production', 'main', 'shop') "
        "on conflict do nothing"
    )
    assert isinstance(PostgresReleaseLedger(database=api.database).begin(proposal), StartedRelease)

    found = everything(api.database)
    assert len(made) >= 9
    assert all(made)
    for secret in (*made, *GIVEN.values(), *TOKENS.values(), CONFIG, PASSWORD, CHAT, "canary"):
        assert secret not in found
    assert "owner@example.org" in found  # the search does find what is there
    assert "team/shop" in found


def secrets_of(world: World, *keys: str) -> PostgresWebhookSecrets:
    return PostgresWebhookSecrets(database=world.database, cipher=FernetCipher(keys=keys))


def channels_of(world: World, *keys: str) -> PostgresChannels:
    return PostgresChannels(database=world.database, cipher=FernetCipher(keys=keys))


def test_invariant_21_a_renewal_encrypts_every_kind_of_secret_with_the_newest_key(world: World) -> None:
    names = [f"app-{number}" for number in range(3)]
    for name, keys in zip(
        names, ((), (OLD,), (NEW, OLD)), strict=True
    ):  # before there was a key, with the old, the new
        world.app(name)
        secrets_of(world, *keys).put(name, f"canary-{name}")
        target = f"https://chat.example.org/canary-{name}"
        channels_of(world, *keys).add(Channel(name="c", app=name, kind=ChannelKind.SLACK, target=target))
        channels_of(world, *keys).add(
            Channel(name="w", app=name, kind=ChannelKind.WEBHOOK, target="t", secret="canary")
        )
    config = PostgresConfigVars(database=world.database, cipher=FernetCipher(keys=[NEW, OLD]))
    PostgresConfigVars(database=world.database, cipher=FernetCipher()).change(
        names[0], ConfigScope.PRODUCTION, {"A": "canary"}
    )
    sealed = PostgresSealedSecrets(
        database=world.database, cipher=FernetCipher(keys=[NEW, OLD]), others=(config.renew,)
    )

    assert sealed.renew() == 2 * 4 + 1  # of two apps a webhook, two targets and a secret; one value of config
    assert sealed.renew() == 0
    assert "canary" not in everything(world.database)
    for name in names:
        assert [one.target for one in channels_of(world, NEW).of_app(name)] == [
            f"https://chat.example.org/canary-{name}", "t",
        ]  # fmt: skip
        assert channels_of(world, NEW).of_app(name)[1].secret == "canary"
    key = "forge.example.org/team/hello"
    assert {one.secret for one in secrets_of(world, NEW).of_repository(key)} == {f"canary-{name}" for name in names}


def test_invariant_21_a_secret_whose_key_is_missing_is_no_secret_that_may_be_left_out(world: World) -> None:
    """A webhook would be believed by the forge's secret then, or refused for good: it must come again."""
    world.app("shop")
    secrets_of(world, OLD).put("shop", "canary")

    with pytest.raises(Unavailable) as error:
        secrets_of(world, NEW).of_repository("forge.example.org/team/hello")
    assert "canary" not in str(error.value)
