"""The adapters that settings choose, on a cluster and on one machine."""

from pathlib import Path
from typing import get_args

import pytest

from functions.common import settings as catalogue
from functions.common.adapters.kubernetes.names import Entrance, Kind, Traffic
from functions.common.adapters.local.repositories import GitNotes
from functions.common.domain.delivery import Provider
from functions.common.platform.cluster import pipeline, registry, runtime
from functions.common.platform.core import Core
from functions.common.platform.kubernetes import KubernetesPlatform
from functions.common.platform.local import LocalPlatform
from functions.common.settings import SettingError, Settings, Webhooks, Workloads
from tests.local.repositories import HOOK_SECRET

CLUSTER = {
    "DATABASE_URL": "postgresql://x:y@127.0.0.1:1/z",
    "DEFAULT_DOMAIN": "apps.example.org",
    "REGISTRY_URL": "registry.example.org/apps",
    "DEPLOY_TLS_ISSUER": "letsencrypt",
    "CLOUDFLARE_ZONE_ID": "z",
    "CLOUDFLARE_API_TOKEN": "t",
    "CLUSTER_IP": "203.0.113.10",
}
FORGE = {"GITEA_URL": "https://git.example.org", "GITEA_TOKEN": "t", "GITEA_DEFAULT_ORG": "team"}
PORTS = [name for name in dir(LocalPlatform) if not name.startswith("_")]


def cluster(**changes: str) -> Settings:
    return Settings(environment={**CLUSTER, **changes})


def local(home: Path, **changes: str) -> Settings:
    fixed = {
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(home),
        "SLIPWAY_GIT_URL": "http://127.0.0.1:9",
    }
    return Settings(environment={**CLUSTER, **fixed, **changes})


@pytest.mark.parametrize("port", PORTS)
def test_both_platforms_have_an_adapter_for_every_port(port: str, tmp_path: Path) -> None:
    for settings, platform in ((cluster(), KubernetesPlatform), (local(tmp_path), LocalPlatform)):
        chosen = Core(settings=settings).platform

        assert isinstance(chosen, platform)
        assert getattr(chosen, port)()  # composing calls nothing: there is no cluster here


@pytest.mark.parametrize(("given", "owner"), [("", "slipway"), ("team", "team")])
def test_on_one_machine_repositories_without_an_owner_belong_to_the_default_one(
    tmp_path: Path, given: str, owner: str
) -> None:
    platform = Core(settings=local(tmp_path, GITEA_DEFAULT_ORG=given)).platform
    statuses = platform.commit_statuses()

    assert (
        platform.repositories().create("hello", webhook_secret=HOOK_SECRET) == f"http://127.0.0.1:9/{owner}/hello.git"
    )
    assert platform.forge_heads().heads("http://127.0.0.1:9/hello.git") == {}
    assert isinstance(statuses, GitNotes)
    assert statuses.owner == owner


def test_with_a_forge_both_platforms_show_statuses_there(tmp_path: Path) -> None:
    for settings in (cluster(**FORGE), local(tmp_path, **FORGE)):
        assert type(Core(settings=settings).platform.commit_statuses()).__name__ == "GiteaStatuses"


def test_a_forge_needs_the_address_at_which_its_webhooks_arrive() -> None:
    with pytest.raises(SettingError, match="SLIPWAY_GATEWAY_URL is missing"):
        Core(settings=cluster(**FORGE)).platform.repositories()


@pytest.mark.parametrize("missing", ["GITEA_TOKEN", "GITEA_DEFAULT_ORG"])
@pytest.mark.parametrize("port", ["forge_heads", "repositories", "commit_statuses"])
def test_a_forge_needs_a_token_and_an_organisation(port: str, missing: str) -> None:
    platform = Core(settings=cluster(**{name: value for name, value in FORGE.items() if name != missing})).platform
    with pytest.raises(SettingError, match=f"{missing} is missing"):
        getattr(platform, port)()


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
    assert registry(cluster(REGISTRY_URL=text)) == (url, name)
    assert pipeline(cluster(REGISTRY_URL=text)).insecure == url.startswith("http://")


def test_a_single_app_may_have_a_kind_of_its_own() -> None:
    found = runtime(cluster(SLIPWAY_DEPLOY_KINDS="shop=knative, site=deployment"))

    assert [found.kind_of(app) for app in ("shop", "site", "other")] == [Kind.KNATIVE, Kind.DEPLOYMENT, Kind.ROLLOUT]


def test_with_dns_none_names_exist_already_and_need_no_cloudflare() -> None:
    zone = Core(settings=Settings(environment={"SLIPWAY_DNS": "none"})).platform.dns_zone()

    assert zone.ensure("hello.example.org", owner="hello").value == "unchanged"


def test_without_a_forge_heads_cannot_be_read_and_nothing_can_be_created() -> None:
    platform = Core(settings=cluster()).platform

    assert platform.forge_heads().heads("https://github.example.org/a/b.git") is None
    with pytest.raises(Exception, match="GITEA_URL"):
        platform.repositories().create("shop", webhook_secret=HOOK_SECRET)


def test_settings_know_the_values_that_adapters_know() -> None:
    workloads = Workloads.model_fields

    assert set(get_args(catalogue.Kind)) == set(Kind)
    assert set(get_args(workloads["entrance"].annotation)) == set(Entrance)
    assert set(get_args(workloads["traffic"].annotation)) == set(Traffic)
    assert set(Webhooks.model_fields) - {"shared"} <= {provider.value for provider in Provider}
