"""Invariant 18, sealed: config is encrypted in the database, and a value that was withdrawn does not come back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.postgres.config_vars import PostgresConfigVars
from functions.common.adapters.postgres.releases import PostgresReleaseLedger
from functions.common.domain.release import Release, ReleaseKind
from functions.common.domain.tokens import new_config_key
from functions.common.errors import Rejected
from functions.common.ports.apps import ConfigScope
from functions.common.ports.releases import Proposal, StartedRelease
from functions.common.settings import SettingError
from tests.api_world import ApiWorld, api_world
from tests.world import World

VALUE = "correct-horse-battery"
OLD, NEW = new_config_key(), new_config_key()
CONFIG, RENEWAL, ROLLBACK = "/v1/apps/shop/config", "/v1/config/renewal", "/v1/apps/shop/rollback"
PRODUCTION = ConfigScope.PRODUCTION


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[ApiWorld]:
    with api_world(database, tmp_path, SLIPWAY_CONFIG_KEYS=OLD) as world:
        world.app("shop")
        assert world.call("PATCH", CONFIG, {"PASSWORD": VALUE, "EMPTY": "", "UNICODE": "\u00fc\u2028"}).status == 200
        yield world


def config_of(world: World, *keys: str) -> PostgresConfigVars:
    return PostgresConfigVars(database=world.database, cipher=FernetCipher(keys=keys))


def released(world: World, cause: str) -> Release:
    """Begin a release and return it."""
    proposal = Proposal(
        cause=cause, app="hello", environment="production", kind=ReleaseKind.DEPLOY, digest="sha256:1", image="i",
        processes={"web": "run"}, sha="a",
    )  # fmt: skip
    begun = PostgresReleaseLedger(database=world.database).begin(proposal)
    assert isinstance(begun, StartedRelease)
    return begun.release


def stored(api: ApiWorld) -> str:
    rows = api.database.run("select value from config_vars union all select config::text from releases")
    return " ".join(value for (value,) in rows)


def test_invariant_18_sealed_values_are_not_in_the_database(api: ApiWorld) -> None:
    assert VALUE not in stored(api)
    assert api.get(CONFIG + "?reveal=true")["config"] == {"PASSWORD": VALUE, "EMPTY": "", "UNICODE": "\u00fc\u2028"}
    assert api.call("PATCH", CONFIG, {"PASSWORD": VALUE}).body["changed"] == []


def test_invariant_18_sealed_a_release_has_the_encrypted_values(world: World) -> None:
    config_of(world, OLD).change("hello", PRODUCTION, {"PASSWORD": VALUE})
    release = released(world, "one")
    assert VALUE not in release.config["PASSWORD"]
    assert FernetCipher(keys=[OLD]).open(release.config["PASSWORD"]) == VALUE


def test_invariant_18_sealed_a_new_key_replaces_the_old_one_everywhere(world: World) -> None:
    config_of(world).change("hello", PRODUCTION, {"PLAIN": VALUE})  # before there was a key
    config_of(world, OLD).change("hello", PRODUCTION, {"PASSWORD": VALUE})
    released(world, "one")

    assert config_of(world, NEW, OLD).renew() == 4
    assert config_of(world, NEW, OLD).renew() == 0
    assert config_of(world, NEW).read("hello", PRODUCTION) == {"PLAIN": VALUE, "PASSWORD": VALUE}
    ((config,),) = world.database.run("select config from releases")
    assert {key: FernetCipher(keys=[NEW]).open(value) for key, value in config.items()} == {
        "PLAIN": VALUE,
        "PASSWORD": VALUE,
    }


def test_invariant_18_sealed_a_missing_key_is_named_and_the_value_is_not(world: World) -> None:
    config_of(world, OLD).change("hello", PRODUCTION, {"PASSWORD": VALUE})
    with pytest.raises(Rejected, match="SLIPWAY_CONFIG_KEYS"):
        config_of(world, NEW).read("hello", PRODUCTION)


def test_invariant_18_sealed_the_api_renews_and_says_how_much(api: ApiWorld) -> None:
    api.database.run("insert into config_vars (app, scope, key, value) values ('shop', 'preview', 'OLD', 'plain')")
    assert api.call("POST", RENEWAL).body == {"renewed": 1}
    assert "plain" not in stored(api)


def test_invariant_18_sealed_a_rollback_restores_a_value_only_by_name(api: ApiWorld) -> None:
    columns = "app, environment, number, kind, cause, push, sha, sequence, digest, image, processes, config, state"
    api.database.run(
        f"insert into releases ({columns}) select 'shop', 'production', n, 'push', n::text, '', 'a', 0, "  # noqa: S608 - constants
        "'sha256:' || n, 'i', '{}', (select jsonb_object_agg(key, value) from config_vars), "
        "case n when 1 then 'retired' else 'live' end from generate_series(1, 2) as n"
    )
    api.call("PATCH", CONFIG, {"PASSWORD": None, "EMPTY": "not now"})

    assert api.call("POST", ROLLBACK, {"to": 1}).status == 202
    assert set(api.get(CONFIG)["config"]) == {"EMPTY", "UNICODE"}
    refused = api.call("POST", ROLLBACK, {"to": 1, "config": ["PASSWORD", "OTHER"]})
    assert (refused.status, refused.body["error"]) == (422, "config: release 1 has no OTHER")
    assert set(api.get(CONFIG)["config"]) == {"EMPTY", "UNICODE"}
    assert api.call("POST", ROLLBACK, {"to": 1, "config": ["PASSWORD"]}).status == 202
    assert api.get(CONFIG + "?reveal=true")["config"]["PASSWORD"] == VALUE


@pytest.mark.parametrize("keys", ["short", "=" * 44, f"{'a' * 43}=,x", "a" * 44, "a" * 43])
def test_invariant_18_sealed_a_key_that_is_none_stops_the_start(database: str, tmp_path: Path, keys: str) -> None:
    with (
        pytest.raises(SettingError, match="SLIPWAY_CONFIG_KEYS") as error,
        api_world(database, tmp_path, SLIPWAY_CONFIG_KEYS=keys),
    ):
        pass
    assert keys not in str(error.value)
