"""Settings: defaults, what is refused and how, and that no secret shows."""

import pytest
from pydantic import Field, SecretStr

from functions.common.settings import Group, SettingError, Settings, groups, setting

SECRET = "s3cr3t-v4lue"
FORGE = {"GITEA_URL": "https://git.example.org", "GITEA_TOKEN": SECRET, "GITEA_DEFAULT_ORG": "team"}
REQUIRED = {
    "DATABASE_URL": "postgresql://",
    "DEFAULT_DOMAIN": "example.org",
    "REGISTRY_URL": "registry.example.org",
    "DEPLOY_TLS_ISSUER": "letsencrypt",
    "CLUSTER_IP": "203.0.113.10",
    "CLOUDFLARE_ZONE_ID": "zone",
    "CLOUDFLARE_API_TOKEN": SECRET,
    "SLIPWAY_LOCAL_HOME": "/home",
    "SLIPWAY_LOCAL_RUNTIME": "/run",
    "SLIPWAY_GIT_URL": "http://127.0.0.1:1",
}
GROUPS = pytest.mark.parametrize("group", groups(), ids=lambda group: group.__name__)


def settings(**environment: str) -> Settings:
    return Settings(environment=environment)


@GROUPS
def test_every_default_may_also_be_set(group: type[Group]) -> None:
    for field, one in group.model_fields.items():
        extra = one.json_schema_extra if isinstance(one.json_schema_extra, dict) else {}
        for default in (one.default, extra.get("local")):
            if isinstance(default, str | int | float) and default != "":
                given = settings(**REQUIRED, **{one.alias or "": str(default)}).read(group)
                assert getattr(given, field) == default


def test_no_name_belongs_to_two_settings() -> None:
    names = [name for group in groups() for name in group.names()]

    assert len(names) == len(set(names))


def test_an_empty_value_is_unset() -> None:
    assert settings(SLIPWAY_REPLICAS="").workloads.replicas == 2
    with pytest.raises(SettingError, match="DEFAULT_DOMAIN is missing: set it in"):
        _ = settings(DEFAULT_DOMAIN="").apps


@pytest.mark.parametrize(
    ("group", "name", "value", "wanted"),
    [
        ("workloads", "SLIPWAY_DEPLOY_KIND", "statefulset", "'rollout', 'deployment' or 'knative'"),
        ("workloads", "SLIPWAY_DEPLOY_KINDS", "shop", "APP=KIND,..."),
        ("workloads", "SLIPWAY_DEPLOY_KINDS", "shop=pod", "APP=KIND,..."),
        ("workloads", "SLIPWAY_ENTRANCE", "door", "'gateway' or 'ingress'"),
        ("workloads", "SLIPWAY_GATEWAY", "slipway", "NAMESPACE/NAME"),
        ("workloads", "SLIPWAY_TRAFFIC", "x", "'replicas' or 'gateway'"),
        ("workloads", "SLIPWAY_REPLICAS", "two", "a valid integer"),
        ("workloads", "SLIPWAY_REPLICAS", "0", "greater than or equal to 1"),
        ("platform", "SLIPWAY_PLATFORM", "nomad", "'kubernetes' or 'local'"),
        ("releases", "SLIPWAY_CANARY_STEPS", "10,25", "growing percents"),
        ("releases", "SLIPWAY_CANARY_STEPS", "100,10", "growing percents"),
        ("releases", "SLIPWAY_CANARY_STEPS", "0,100", "growing percents"),
        ("releases", "SLIPWAY_CANARY_STEPS", "x,100", "growing percents"),
        ("releases", "SLIPWAY_CANARY_STEPS", "50,50,100", "growing percents"),
        ("releases", "SLIPWAY_CANARY_PAUSE", "-1", "greater than or equal to 0"),
        ("releases", "SLIPWAY_HEALTH_LIMIT", "inf", "a finite number"),
        ("releases", "SLIPWAY_HEALTH_LIMIT", "nan", "a finite number"),
        ("gateway", "SLIPWAY_GATEWAY_URL", "slipway.example.org", "a URL that begins with"),
        ("gateway", "SLIPWAY_GATEWAY_URL", "https://", "a URL that begins with"),
        ("broker", "K_CE_OVERRIDES", "[]", 'JSON {"extensions": {...}}'),
        ("broker", "K_CE_OVERRIDES", "{", 'JSON {"extensions": {...}}'),
        ("dns", "SLIPWAY_DNS", "bind", "or 'none'"),
        ("dns", "CLOUDFLARE_PROXIED", "perhaps", "a valid boolean"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(group: str, name: str, value: str, wanted: str) -> None:
    with pytest.raises(SettingError) as refused:
        getattr(settings(**{name: value}), group)

    text = str(refused.value)
    assert text.startswith(f"the setting {name} must be ")
    assert wanted in text
    assert f"not {value!r}: set it in the ConfigMap or Secret slipway, or in the environment of this function" in text


def test_values_become_what_they_mean() -> None:
    given = settings(
        SLIPWAY_CANARY_STEPS="5, 50,100",
        SLIPWAY_DEPLOY_KINDS="shop=knative, site=deployment,",
        K_CE_OVERRIDES='{"extensions": {"region": 1}}',
    )

    assert given.releases.steps == (5, 50, 100)
    assert given.workloads.kinds == {"shop": "knative", "site": "deployment"}
    assert given.broker.extensions == {"region": "1"}


def test_all_that_is_wrong_in_a_group_is_named_at_once() -> None:
    with pytest.raises(SettingError, match=r"SLIPWAY_TRAFFIC must be .*; the setting SLIPWAY_REPLICAS must be "):
        _ = settings(SLIPWAY_REPLICAS="x", SLIPWAY_TRAFFIC="y").workloads


@pytest.mark.parametrize(
    ("group", "given", "missing"),
    [
        ("dns", {"CLOUDFLARE_ZONE_ID": "z", "CLUSTER_IP": "1.2.3.4"}, "CLOUDFLARE_API_TOKEN"),
        ("workloads", {"SLIPWAY_ENTRANCE": "ingress"}, "DEPLOY_NAMESPACE"),
    ],
)
def test_what_another_setting_requires_is_named(group: str, given: dict[str, str], missing: str) -> None:
    with pytest.raises(SettingError, match=missing):
        getattr(settings(**given), group)


def test_a_forge_without_a_secret_of_its_own_has_the_shared_one() -> None:
    webhooks = settings(PAAS_WEBHOOK_SECRET="shared", GITHUB_WEBHOOK_SECRET="own").webhooks

    assert [webhooks.secret_of(one) for one in ("forgejo", "github")] == ["shared", "own"]
    assert settings().webhooks.secret_of("gitlab") == ""


@pytest.mark.parametrize(("platform", "pause"), [("kubernetes", 30), ("local", 2)])
def test_one_machine_may_have_a_default_of_its_own(platform: str, pause: int) -> None:
    assert settings(SLIPWAY_PLATFORM=platform).releases.pause == pause
    assert settings(SLIPWAY_PLATFORM=platform, SLIPWAY_CANARY_PAUSE="7").releases.pause == 7


def test_a_user_of_one_machine_passes_on_what_is_his_to_choose() -> None:
    given = settings(
        **FORGE, SLIPWAY_CANARY_PAUSE="1", DATABASE_URL="postgresql://other", SLIPWAY_LOCAL_HOME="/other", HOME="/root"
    )

    assert given.inherited() == {**FORGE, "SLIPWAY_CANARY_PAUSE": "1"}
    with pytest.raises(SettingError, match="SLIPWAY_CANARY_PAUSE"):
        settings(SLIPWAY_CANARY_PAUSE="soon").inherited()


def test_no_secret_shows() -> None:
    given = settings(
        **FORGE,
        DATABASE_URL=SECRET,
        PAAS_WEBHOOK_SECRET=SECRET,
        REGISTRY_URL="r",
        REGISTRY_PASSWORD=SECRET,
        SLIPWAY_DNS="none",
        CLOUDFLARE_API_TOKEN=SECRET,
    )
    read = [given.database, given.webhooks, given.registry, given.forge, given.dns]

    assert SECRET not in repr((given, read)) + "".join(str(one) for one in read)


class Guarded(Group):
    """A secret that may be wrong."""

    token: SecretStr = setting("GUARDED_TOKEN", "a token")
    short: SecretStr = Field(alias="GUARDED_SHORT", max_length=3)


def test_a_wrong_secret_is_named_and_not_repeated() -> None:
    with pytest.raises(SettingError) as refused:
        settings(GUARDED_TOKEN="t", GUARDED_SHORT=SECRET).read(Guarded)

    assert "GUARDED_SHORT must be" in str(refused.value)
    assert SECRET not in str(refused.value) + repr(refused.value.__cause__)
