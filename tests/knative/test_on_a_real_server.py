"""A real API server takes every overlay, and gives each account what the table says and nothing else."""

import subprocess
import uuid
from pathlib import Path

import pytest

from functions.common.adapters.kubernetes.api import Object
from functions.common.adapters.kubernetes.names import labels_of
from functions.common.errors import Rejected
from functions.common.settings import from_environment
from tests.conftest import ROOT
from tests.invariants.test_08_least import ALL, MAY
from tests.manifests import function_manifests
from tests.real_kubernetes import RealApi, acting_as, drop_namespace, real_api

pytestmark = pytest.mark.cluster
KNATIVE = ROOT / "knative"
OVERLAYS = ["overlays/trial", "overlays/kafka", "overlays/rabbitmq", "overlays/nats", "platform/builds"]
ELSEWHERE = ("kourier-system", "tekton-pipelines")
REVIEW = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
ACCOUNT = "system:serviceaccount:slipway:{}"
PROBES = {
    (group, resource, verb)
    for namespace_rights in MAY.values()
    for _, kind, _, _ in namespace_rights
    for group, resource in [kind.split("/", 1)]
    for verb in ("get", "list", "watch", "create", "patch", "update", "delete", "deletecollection")
} | {("rbac.authorization.k8s.io", "rolebindings", "create"), ("", "pods/exec", "create"), ("", "nodes", "get")}


OF_APP = {**labels_of("hello", "production"), "pod-security.kubernetes.io/enforce": "baseline"}


def _namespace(name: str, *, labels: dict[str, str] | None = None) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}}


def kubectl(*words: str, given: str = "") -> str:
    environment = {"KUBECONFIG": from_environment().environment["KUBECONFIG"], "PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(
        ["kubectl", *words], env=environment, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def api() -> RealApi:
    """Return the server with the namespaces that the bundle needs."""
    kubectl("apply", "--server-side", "--field-manager=slipway", "-f", str(KNATIVE / "base" / "namespaces.yaml"))
    found = real_api()
    for name in ELSEWHERE:
        found.apply(f"/api/v1/namespaces/{name}", _namespace(name))
    found.apply("/api/v1/namespaces/app-probe", _namespace("app-probe", labels=OF_APP))
    return found


@pytest.fixture(scope="module")
def installed(api: RealApi) -> RealApi:
    """Return the server with the trial overlay applied."""
    text = kubectl("kustomize", str(KNATIVE / "overlays" / "trial"))
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=slipway", "-f", "-", given=text)
    return api


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_takes_the_overlay(api: RealApi, overlay: str) -> None:
    assert api.read("/api/v1/namespaces/slipway")
    text = kubectl("kustomize", str(KNATIVE / overlay))
    words = ("apply", "--server-side", "--force-conflicts", "--field-manager=slipway", "--dry-run=server", "-f", "-")

    answers = kubectl(*words, given=text).splitlines()

    assert len(answers) == text.count("\nkind: ")
    assert all("(server dry run)" in answer for answer in answers)


@pytest.mark.parametrize("file", [Path("platform/tekton-events.yaml")], ids=str)
def test_the_server_takes_what_is_not_in_an_overlay(api: RealApi, file: Path) -> None:
    assert api.read("/api/v1/namespaces/tekton-pipelines")
    assert "dry run" in kubectl("apply", "--server-side", "--dry-run=server", "-f", str(KNATIVE / file))


@pytest.mark.parametrize("function", [manifest.name for manifest in function_manifests()])
def test_invariant_08_the_server_gives_what_the_table_says_and_nothing_else(installed: RealApi, function: str) -> None:
    table, wrong = MAY.get(function, set()), []
    for namespace in ("app-probe", "slipway", "slipway-builds", "slipway-edge"):
        for group, resource, verb in sorted(PROBES):
            kind = f"{group}/{resource}"
            for name in ("wanted", "other") if resource == "secrets" else ("other",):
                meant = any((where, kind, verb, named) in table for where in (ALL, namespace) for named in ("", name))
                if _is_allowed(installed, function, (namespace, group, resource, verb, name)) != meant:
                    wrong.append((namespace, kind, verb, name, meant))
    assert wrong == []


def test_invariant_08_promote_image_stays_in_apps_namespaces(installed: RealApi) -> None:
    promote = acting_as(ACCOUNT.format("promote-image"))
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "wanted"}}
    foreign = f"app-{uuid.uuid4().hex[:8]}"  # another owner's, which has such a name by chance
    installed.apply(f"/api/v1/namespaces/{foreign}", _namespace(foreign))

    promote.apply("/api/v1/namespaces/app-probe/secrets/wanted", secret)
    for namespace in ("slipway", "kube-system", foreign):
        with pytest.raises(Rejected, match="that Slipway made for apps"):
            promote.apply(f"/api/v1/namespaces/{namespace}/secrets/wanted", secret)
    with pytest.raises(Rejected, match="begin with app-"):
        promote.delete("/api/v1/namespaces/slipway-edge")
    assert installed.read("/api/v1/namespaces/slipway-edge")
    drop_namespace(installed, foreign)


@pytest.mark.parametrize(
    "labels",
    [
        {},
        labels_of("hello", "production"),
        {**OF_APP, "pod-security.kubernetes.io/enforce": "privileged"},
        {**OF_APP, "app.kubernetes.io/managed-by": "helm"},
        {name: value for name, value in OF_APP.items() if name != "slipway.dev/app"},
    ],
    ids=["no labels", "no Pod Security", "privileged", "another manager", "no app"],
)
def test_invariant_08_promote_image_makes_no_namespace_but_a_secured_one(
    installed: RealApi, labels: dict[str, str]
) -> None:
    name = f"app-{uuid.uuid4().hex[:8]}"
    with pytest.raises(Rejected, match="baseline or restricted"):
        acting_as(ACCOUNT.format("promote-image")).create("/api/v1/namespaces", _namespace(name, labels=labels))
    assert installed.read(f"/api/v1/namespaces/{name}") is None


def test_invariant_08_promote_image_changes_no_namespace_and_removes_only_slipways(installed: RealApi) -> None:
    promote, namespaces = acting_as(ACCOUNT.format("promote-image")), "/api/v1/namespaces"
    new = _namespace(f"app-{uuid.uuid4().hex[:8]}", labels=OF_APP)
    path = f"{namespaces}/{new['metadata']['name']}"

    assert promote.create(namespaces, new)
    assert promote.read(path)
    with pytest.raises(Rejected, match="cannot patch"):
        promote.apply(path, new)
    with pytest.raises(Rejected, match="begin with app-"):
        promote.create(namespaces, _namespace("elsewhere", labels=OF_APP))
    foreign = f"app-{uuid.uuid4().hex[:8]}"
    installed.apply(f"{namespaces}/{foreign}", _namespace(foreign))
    with pytest.raises(Rejected, match="that Slipway made"):
        promote.delete(f"{namespaces}/{foreign}")
    promote.delete(path)
    drop_namespace(installed, new["metadata"]["name"])
    drop_namespace(installed, foreign)


def test_invariant_08_reconcile_gives_up_rollouts_of_apps_alone(installed: RealApi) -> None:
    reconcile = acting_as(ACCOUNT.format("reconcile"))
    rollout: Object = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "web"},
        "spec": {"replicas": 0, "strategy": {"canary": {}}},
    }
    for namespace in ("app-probe", "slipway"):
        installed.apply(f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/rollouts/web", rollout)
    abort: Object = {"status": {"abort": True}}

    assert reconcile.merge("/apis/argoproj.io/v1alpha1/namespaces/app-probe/rollouts/web/status", abort)
    with pytest.raises(Rejected, match="that Slipway made for apps"):
        reconcile.merge("/apis/argoproj.io/v1alpha1/namespaces/slipway/rollouts/web/status", abort)
    installed.delete("/apis/argoproj.io/v1alpha1/namespaces/slipway/rollouts/web")


def _is_allowed(api: RealApi, function: str, asked: tuple[str, str, str, str, str]) -> bool:
    namespace, group, resource, verb, name = asked
    resource, _, part = resource.partition("/")
    attributes = {"namespace": namespace, "group": group, "resource": resource, "subresource": part, "verb": verb}
    if verb not in {"list", "watch", "create", "deletecollection"}:
        attributes["name"] = name
    body: Object = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": ACCOUNT.format(function), "resourceAttributes": attributes},
    }
    return bool(api.ask(REVIEW, body)["status"]["allowed"])
