"""Everything at rest: functions at zero pods, and what a push costs that wakes them."""

import json
import time
from collections.abc import Iterator
from datetime import datetime
from statistics import median

import httpx
import pytest

from tests.cluster.kit.cache import Instance
from tests.cluster.kit.install import load_installed
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import NAMESPACE
from tests.cluster.kit.user import User
from tests.local.waiting import until
from tests.manifests import function_manifests
from tests.patience import patient

pytestmark = [pytest.mark.live, pytest.mark.timeout(1800)]
APP = "sleepy"
FUNCTIONS = tuple(manifest.name for manifest in function_manifests())
CHAIN = ("resolve-app", "start-build")  # what a webhook wakes on its way to a PipelineRun
# Times the slowest single cold start of all functions: a kubelet looks at its pods once a second, so a start takes up
# to a second more by chance. The chain is two starts at once; woken one after the other they would take twice the time.
SIDE_BY_SIDE = 1.3
ROUNDS = 3
SETTLED_SECONDS = 2  # by then no pod is being removed any more
UNWATCHED_SECONDS = 10  # who asks what became of a push wakes manage-apps, beside what is measured
HELLO = "hello-of-the-framework"
HELLO_SOURCE = "def hello(request):\n    return '', 204\n"
CLUSTER_LOCAL = {"networking.knative.dev/visibility": "cluster-local"}
LABEL = "serving.knative.dev/service"
MIN_SCALE = "autoscaling.knative.dev/min-scale"


def standing(kubectl: Kubectl, names: tuple[str, ...]) -> set[str]:
    """Return which functions have pods, those included that are on their way out: half a minute, and work for two."""
    found = json.loads(kubectl("get", "pods", "-n", NAMESPACE, "-l", LABEL, "-o", "json"))["items"]
    return {pod["metadata"]["labels"][LABEL] for pod in found} & set(names)


def wait_for_rest(kubectl: Kubectl, names: tuple[str, ...]) -> None:
    """Return when none has a pod: in the quarter of each minute between reconcile's pod of one tick and of the next."""
    until(lambda: not standing(kubectl, names), seconds=400, every=0.5, why=f"zero pods of {', '.join(names)}")
    time.sleep(SETTLED_SECONDS)


def ordered_after(user: User, sha: str) -> float:
    """Push what was committed and return the seconds from its webhook's arrival to the PipelineRun's creation."""
    user.push()
    time.sleep(UNWATCHED_SECONDS)
    ended = user.ended(sha, "live")
    received, started = (
        next(step["at"] for step in ended["steps"] if step["step"] == name and step["state"] == state)
        for name, state in (("push", "received"), ("build", "running"))
    )
    return (datetime.fromisoformat(started) - datetime.fromisoformat(received)).total_seconds()


def cold_start(kubectl: Kubectl, name: str) -> float:
    """Return the seconds that a request to a function at zero waits for its answer."""
    inside = kubectl("get", "service", "kourier-internal", "-n", "kourier-system", "-o", "jsonpath={.spec.clusterIP}")
    headers = {"Host": f"{name}.{NAMESPACE}.svc.cluster.local"}
    began = time.monotonic()
    answer = httpx.get(f"http://{inside}/healthz", headers=headers, timeout=patient(60), trust_env=False)
    assert answer.status_code == 204, (name, answer.status_code)
    return time.monotonic() - began


def test_every_function_rests_at_zero_and_a_push_wakes_what_it_needs(user: User, kubectl: Kubectl) -> None:
    warm = [ordered_after(user, user.commit({"more.txt": f"warm {number}\n"})) for number in range(ROUNDS)]
    resting = tuple(name for name in FUNCTIONS if name != "verify-webhook")
    singles, cold = dict[str, list[float]](), list[float]()
    for number in range(ROUNDS):
        wait_for_rest(kubectl, resting)
        for name in CHAIN if number else sorted(resting, key=lambda name: name not in CHAIN):
            singles.setdefault(name, []).append(cold_start(kubectl, name))
        sha = user.commit({"more.txt": f"cold {number}\n"})
        wait_for_rest(kubectl, resting)
        cold.append(ordered_after(user, sha))

    print("\ncold starts of each function, request to answer, in seconds:")
    for name, seconds in sorted(singles.items()):
        print(f"  {name:16} {'  '.join(f'{one:.2f}' for one in seconds)}")
    slowest = max(max(seconds) for seconds in singles.values())
    shown = "  ".join(f"{chain:.2f} ({chain / slowest:.2f} x)" for chain in cold)
    print(f"webhook to PipelineRun: warm {median(warm):.2f} s, from zero {shown} s")
    assert median(cold) <= SIDE_BY_SIDE * slowest


@pytest.fixture
def hello(kubectl: Kubectl, instance: Instance) -> Iterator[str]:
    """Yield the name of a hello that the framework serves from Slipway's image, with what manage-apps has."""
    service = next(one for one in function_manifests() if one.name == "manage-apps").of_kind("Service")[0]
    template = json.loads(json.dumps(service["spec"]["template"]))
    container = template["spec"]["containers"][0]
    environment = {"FUNCTION_SOURCE": "/hello/main.py", "FUNCTION_TARGET": "hello", "THREADS": "8"}
    container["env"] = [{"name": name, "value": value} for name, value in environment.items()]
    container["image"] = load_installed(instance).image
    container["volumeMounts"] = [{"name": "hello", "mountPath": "/hello"}]
    template["spec"]["volumes"] = [{"name": "hello", "configMap": {"name": HELLO}}]
    named = {"metadata": {"name": HELLO, "namespace": NAMESPACE, "labels": CLUSTER_LOCAL}}
    found = [
        {"apiVersion": "v1", "kind": "ConfigMap", **named, "data": {"main.py": HELLO_SOURCE}},
        {"apiVersion": "serving.knative.dev/v1", "kind": "Service", **named, "spec": {"template": template}},
    ]
    kubectl.apply(found)
    try:
        kubectl("wait", "--for=condition=Ready", f"ksvc/{HELLO}", "-n", NAMESPACE, f"--timeout={patient(120):.0f}s")
        yield HELLO
    finally:
        kubectl("delete", f"ksvc/{HELLO}", f"configmap/{HELLO}", "-n", NAMESPACE)


def test_the_api_starts_within_twice_what_a_hello_of_the_framework_takes(kubectl: Kubectl, hello: str) -> None:
    found: dict[str, list[float]] = {hello: [], "manage-apps": []}
    for _ in range(ROUNDS):
        for name, seconds in found.items():
            wait_for_rest(kubectl, (name,))
            seconds.append(cold_start(kubectl, name))
    for name, seconds in found.items():
        print(f"\n  {name:16} {'  '.join(f'{one:.2f}' for one in seconds)}")
    ratio = median(found["manage-apps"]) / median(found[hello])
    print(f"  manage-apps takes {ratio:.2f} times as long")
    assert ratio <= 2


def test_a_webhook_that_finds_verify_webhook_at_zero_still_goes_live(user: User, kubectl: Kubectl) -> None:
    change = '{"spec":{"template":{"metadata":{"annotations":{"%s":"%s"}}}}}'
    kubectl("patch", "ksvc", "verify-webhook", "-n", NAMESPACE, "--type=merge", "-p", change % (MIN_SCALE, "0"))
    try:
        wait_for_rest(kubectl, FUNCTIONS)
        single = cold_start(kubectl, "verify-webhook")
        wait_for_rest(kubectl, FUNCTIONS)
        sha = user.commit({"more.txt": "from nothing\n"})
        began = time.time()
        user.push()
        pushed = time.time() - began
        ended = user.ended(sha, "live")
        print(f"\nverify-webhook from zero: {single:.2f} s to its answer")
        print(f"all from zero: live {ended['seconds']:.0f} s after the webhook; git push took {pushed:.1f} s")
    finally:
        kubectl("patch", "ksvc", "verify-webhook", "-n", NAMESPACE, "--type=merge", "-p", change % (MIN_SCALE, "1"))
