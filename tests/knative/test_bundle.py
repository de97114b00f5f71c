"""knative/ holds together: what is listed is there, and what is there is listed."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.common.settings import INTERNAL_NETWORKS
from tests import event_policies
from tests.conftest import ROOT
from tests.event_types import FILE, all_events, text
from tests.manifests import function_manifests
from tests.patience import patient

KNATIVE = ROOT / "knative"
KUSTOMIZATIONS = sorted([*KNATIVE.rglob("kustomization.yaml"), *KNATIVE.rglob("kustomization.yml")])


@pytest.mark.parametrize("file", KUSTOMIZATIONS, ids=lambda file: file.parent.name)
def test_a_kustomization_lists_what_lies_beside_it(file: Path) -> None:
    listed = yaml.safe_load(file.read_text())
    named = [*listed["resources"], *(one["path"] for one in listed.get("patches", []) if "path" in one)]

    assert all((file.parent / one).exists() for one in named)
    beside = {one.name for one in file.parent.glob("*.yaml")} - {file.name}
    assert beside == {one for one in named if "/" not in one}


def test_the_event_types_are_those_of_the_code() -> None:
    assert FILE.read_text() == text()


def test_the_event_policies_are_those_of_the_table() -> None:
    assert event_policies.FILE.read_text() == event_policies.text()
    assert event_policies.sent_types() <= {event.type for event in all_events()}
    senders = {one.name for one in function_manifests() if one.of_kind("SinkBinding")}
    assert senders <= {*event_policies.SENDS, *event_policies.ANY}


def test_builds_and_apps_are_kept_from_the_same_networks() -> None:
    (policy,) = yaml.safe_load_all((KNATIVE / "components" / "networks" / "builds.yaml").read_text())
    blocks = [peer["ipBlock"] for rule in policy["spec"]["egress"] for peer in rule.get("to", []) if "ipBlock" in peer]
    assert {one for block in blocks for one in block["except"]} == set(INTERNAL_NETWORKS)
    assert [block["cidr"] for block in blocks] == ["0.0.0.0/0", "::/0"]


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl renders kustomizations")
@pytest.mark.parametrize("overlay", ["trial", "kafka", "rabbitmq", "nats"])
def test_an_overlay_renders_with_all_components(tmp_path: Path, overlay: str) -> None:
    shutil.copytree(KNATIVE, tmp_path / "knative")
    parts = sorted(one.name for one in (KNATIVE / "components").iterdir())
    own = {"resources": [f"../knative/overlays/{overlay}"], "components": [f"../knative/components/{n}" for n in parts]}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "kustomization.yaml").write_text(yaml.safe_dump(own))

    rendered = subprocess.run(
        ["kubectl", "kustomize", str(tmp_path / "own")], check=True, capture_output=True, text=True, timeout=patient(60)
    ).stdout

    there = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(rendered)}
    policies = [one for (kind, _), one in there.items() if kind == "EventPolicy"]
    assert {"functions", "builds-out"} <= {name for kind, name in there if kind == "NetworkPolicy"}
    assert policies
    for sender in (sender for policy in policies for sender in policy["spec"]["from"]):
        assert (sender["ref"]["kind"], sender["ref"]["name"]) in there


def test_plain_http_is_redirected_and_no_listener_takes_routes_of_any_namespace() -> None:
    there = [*yaml.safe_load_all((KNATIVE / "base" / "gateway.yaml").read_text())]
    (gateway,) = (one for one in there if one["kind"] == "Gateway")
    taken = {one["name"]: one["allowedRoutes"]["namespaces"]["from"] for one in gateway["spec"]["listeners"]}
    assert taken == {"http": "Selector", "apps": "Selector"}

    sections = {one["metadata"]["name"]: _section(one) for one in there if one["kind"] == "HTTPRoute"}
    assert {name for name, section in sections.items() if section == "http"} == {"https"}
    (redirect,) = (one for one in there if one["metadata"]["name"] == "https")
    assert redirect["spec"]["rules"] == [
        {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
    ]


def _section(route: dict[str, Any]) -> str:
    (parent,) = route["spec"]["parentRefs"]
    return str(parent["sectionName"])
