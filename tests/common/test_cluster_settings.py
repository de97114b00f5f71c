"""The settings of a cluster: what they choose, and what is refused with the setting's name."""

import pytest

from functions.common.adapters.kubernetes.names import Kind
from functions.common.errors import SlipwayError
from functions.common.settings import Settings
from functions.common.wiring import cluster, platform
from functions.common.wiring.cluster_settings import pipeline, registry, runtime
from functions.common.wiring.core import Core

GIVEN = {
    "DATABASE_URL": "postgresql://x:y@127.0.0.1:1/z",
    "DEFAULT_DOMAIN": "apps.example.org",
    "REGISTRY_URL": "registry.example.org/apps",
    "DEPLOY_TLS_ISSUER": "letsencrypt",
    "CLOUDFLARE_ZONE_ID": "z",
    "CLOUDFLARE_API_TOKEN": "t",
    "CLUSTER_IP": "203.0.113.10",
}


def settings(**changes: str) -> Settings:
    return Settings(environment={**GIVEN, **changes})


@pytest.mark.parametrize(
    ("text", "url", "name"),
    [
        ("registry.example.org/apps", "https://registry.example.org", "registry.example.org/apps"),
        ("http://registry.example.org:5000", "http://registry.example.org:5000", "registry.example.org:5000"),
        ("https://zot.registry.svc/", "https://zot.registry.svc", "zot.registry.svc"),
        ("zot.a.svc.cluster.local:5000", "http://zot.a.svc.cluster.local:5000", "zot.a.svc.cluster.local:5000"),
    ],
)
def test_a_registry_in_the_cluster_is_plain_http(text: str, url: str, name: str) -> None:
    assert registry(settings(REGISTRY_URL=text)) == (url, name)
    assert pipeline(settings(REGISTRY_URL=text)).insecure == url.startswith("http://")


def test_a_single_app_may_have_a_kind_of_its_own() -> None:
    found = runtime(settings(SLIPWAY_DEPLOY_KINDS="shop=knative, site=deployment"))

    assert [found.kind_of(app) for app in ("shop", "site", "other")] == [Kind.KNATIVE, Kind.DEPLOYMENT, Kind.ROLLOUT]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLIPWAY_DEPLOY_KIND", "statefulset"),
        ("SLIPWAY_DEPLOY_KINDS", "shop"),
        ("SLIPWAY_ENTRANCE", "ingress"),  # without DEPLOY_NAMESPACE
        ("SLIPWAY_ENTRANCE", "door"),
        ("SLIPWAY_GATEWAY", "slipway"),
        ("SLIPWAY_TRAFFIC", "x"),
        ("SLIPWAY_REPLICAS", "two"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SlipwayError, match=name):
        runtime(settings(**{name: value}))


def test_every_part_of_a_cluster_is_composed_without_a_call() -> None:
    core = Core(settings=settings())
    for choose in (
        platform.builder,
        platform.image_store,
        platform.deployer,
        platform.running_workloads,
        platform.dns_zone,
        platform.certificates,
        platform.forge_heads,
        platform.repositories,
        platform.commit_statuses,
        platform.build_logs,
        platform.runtime_logs,
    ):
        assert choose(core)


def test_names_that_stand_already_need_no_cloudflare() -> None:
    zone = cluster.dns_zone(Settings(environment={"SLIPWAY_DNS": "none"}))

    assert zone.ensure("hello.example.org", owner="hello").value == "unchanged"


def test_without_a_forge_heads_cannot_be_read_and_nothing_can_be_made() -> None:
    assert cluster.forge_heads(settings()).heads("https://github.example.org/a/b.git") is None
    with pytest.raises(SlipwayError, match="GITEA_URL"):
        cluster.repositories(settings()).create("shop")


def test_an_unknown_platform_is_refused_by_name() -> None:
    with pytest.raises(SlipwayError, match="SLIPWAY_PLATFORM"):
        platform.builder(Core(settings=settings(SLIPWAY_PLATFORM="nomad")))
