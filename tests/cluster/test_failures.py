"""What breaks on a cluster: poisoned events, a DNS service that is away, killed pods, a restarted API server."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.cluster.kit.broker_ingress import broker_ingress
from tests.cluster.kit.cache import DEFAULT_HOME, Cache, Instance
from tests.cluster.kit.control_plane import CLUSTER, start_control_plane
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import NAMESPACE
from tests.cluster.kit.programs import stop
from tests.cluster.kit.user import User
from tests.fakes.loopback import Reply
from tests.fakes.loopback_cloudflare import LoopbackCloudflare
from tests.local.waiting import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
APP = "tough"
PUBLISHED = "dev.slipway.image.published.v1"
CREATED = "dev.slipway.app.created.v1"
AWAY = 4  # answers of 503
POISON = {"app": "nobody", "environment": "production", "digest": 7, "push": "none"}


def parked(user: User, event: str) -> list[dict[str, Any]]:
    return [one for one in user.paas_json("dead-letters", "list") if one["event"] == event]


def test_an_event_that_was_never_recorded_is_parked_and_changes_nothing(user: User, kubectl: Kubectl) -> None:
    event = broker_ingress(kubectl).send(PUBLISHED, POISON)
    (letter,) = until(lambda: parked(user, event), seconds=60, why="the dead letter")
    assert (letter["type"], letter["code"], "promote-image" in letter["subscriber"]) == (PUBLISHED, 400, True)
    assert "recorded nowhere" in letter["error"]
    assert (letter["app"], letter["push"]) == ("", "")
    assert event in user.paas("dead-letters", "show", str(letter["id"]))

    user.paas("dead-letters", "redrive", str(letter["id"]))

    (again,) = until(lambda: parked(user, event), seconds=60, why="its return")
    assert again["id"] != letter["id"] or again["parked_at"] != letter["parked_at"]
    user.paas("dead-letters", "discard", str(again["id"]))
    assert not parked(user, event)


def test_an_answer_of_503_is_repeated_with_growing_waits_until_it_is_none(
    user: User, kubectl: Kubectl, zone: LoopbackCloudflare
) -> None:
    zone.failures += [Reply(status=503)] * AWAY
    listed = user.paas_json("events", "list", "--app", user.app)
    event = next(one["id"] for one in listed if one["type"] == CREATED)
    began = time.time()
    user.paas("events", "replay", event)

    def answers() -> list[tuple[float, str]]:
        return [one for one in _said(kubectl, "upsert-dns", event) if one[0] > began]

    until(lambda: len(answers()) > AWAY, seconds=60, why="an answer after those of 503")
    said = answers()
    waits = [later - earlier for (earlier, _), (later, _) in pairwise(said)]
    print(f"\nrepeated after {', '.join(f'{wait:.2f}' for wait in waits)} s")
    assert [word for _, word in said] == ["unavailable"] * AWAY + ["handled"]
    assert all(later > earlier for earlier, later in pairwise(waits))
    assert not parked(user, event)


def test_killed_functions_and_a_restarted_api_server_lose_no_push(
    user: User, kubectl: Kubectl, instance: Instance
) -> None:
    kill: tuple[Callable[[], object], ...] = (
        lambda: _kill(kubectl, "serving.knative.dev/service in (resolve-app,start-build)"),
        lambda: _restart_api_server(instance),
        lambda: _kill(kubectl, "serving.knative.dev/service in (record-build,promote-image,track-release)"),
        lambda: kubectl("delete", "pods", "-n", "knative-eventing", "-l", "eventing.knative.dev/brokerRole=filter"),
    )
    for number, strike in enumerate(kill):
        sha = user.commit({"more.txt": f"{number}\n"})
        user.push()
        time.sleep(1 + 3 * number)
        strike()
        began = time.monotonic()
        user.ended(sha, "live", seconds=300)
        print(f"\nstrike {number}: live {time.monotonic() - began:.0f} s later")
        until(lambda sha=sha: sha in user.get()[1], seconds=5)  # type: ignore[misc] # mypy knows no default of a lambda


def _kill(kubectl: Kubectl, selector: str) -> None:
    kubectl("delete", "pods", "-n", NAMESPACE, "-l", selector, "--grace-period=0", "--force")


def _restart_api_server(instance: Instance) -> None:
    stop(instance, "kube-apiserver")
    start_control_plane(Cache(home=DEFAULT_HOME), instance, CLUSTER)


def _said(kubectl: Kubectl, function: str, event: str) -> list[tuple[float, str]]:
    """Return when a function answered for an event, in UNIX seconds, and how, by its log."""
    label = f"serving.knative.dev/service={function}"
    text = kubectl("logs", "-n", NAMESPACE, "-l", label, "-c", "user-container", "--tail=-1")
    lines = [json.loads(line) for line in text.splitlines() if event in line and line.startswith("{")]
    return sorted((datetime.fromisoformat(one["time"]).timestamp(), one["message"].partition(":")[0]) for one in lines)
