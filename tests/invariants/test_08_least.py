"""Invariant 8, least: what each function may do in the cluster and which secrets it has is in tables, and no more.

Most functions never call the Kubernetes API: they have an account without a token, and no role is bound to it.
"""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.manifests import FunctionManifest, Resource, function_manifests

ALL, BUILDS, EDGE = "", "slipway-builds", "slipway-edge"  # all namespaces, and those of builds and certificates
Right = tuple[str, str, str, str]  # namespace, group/resource, verb, the one name that it holds for


def rights(namespace: str, resources: str, verbs: str, name: str = "") -> set[Right]:
    return {(namespace, resource, verb, name) for resource in resources.split() for verb in verbs.split()}


MAY: dict[str, set[Right]] = {
    "start-build": rights(BUILDS, "tekton.dev/pipelineruns", "get create patch delete"),
    "record-build": (
        rights(BUILDS, "/pods", "list")
        | rights(BUILDS, "/pods/log", "get")
        | rights(BUILDS, "tekton.dev/pipelineruns", "get")
    ),
    "track-release": (
        rights(ALL, "apps/deployments argoproj.io/rollouts serving.knative.dev/services batch/jobs", "get")
    ),
    "promote-image": (
        rights(ALL, "/namespaces", "get create delete")
        | rights(ALL, "/secrets", "create patch delete")
        | rights(ALL, "/secrets", "get", "wanted")
        | rights(ALL, "/services /serviceaccounts /resourcequotas /limitranges", "create patch")
        | rights(ALL, "networking.k8s.io/networkpolicies networking.k8s.io/ingresses", "create patch")
        | rights(ALL, "gateway.networking.k8s.io/httproutes", "get create patch delete")
        | rights(ALL, "apps/deployments", "get list create patch delete")
        | rights(ALL, "argoproj.io/rollouts serving.knative.dev/services", "get create patch")
        | rights(ALL, "batch/jobs", "get create patch")
        | rights(ALL, "argoproj.io/analysistemplates", "create patch")
        | rights(ALL, "serving.knative.dev/domainmappings", "create patch delete")
    ),
    "issue-cert": (
        rights(EDGE, "cert-manager.io/certificates", "get create patch delete")
        | rights(EDGE, "gateway.networking.k8s.io/listenersets", "create patch delete")
        | rights(EDGE, "/secrets", "delete")
    ),
    "reconcile": (
        rights(ALL, "/secrets", "get", "wanted")
        | rights(ALL, "batch/jobs", "get")
        | rights(ALL, "apps/deployments argoproj.io/rollouts serving.knative.dev/services", "get list")
        | rights(ALL, "argoproj.io/rollouts/status", "patch")
        | rights(BUILDS, "tekton.dev/pipelineruns", "get patch")
        | rights(EDGE, "cert-manager.io/certificates", "get")
    ),
    "stream-events": (
        rights(BUILDS, "/pods", "list")
        | rights(BUILDS, "/pods/log", "get")
        | rights(BUILDS, "tekton.dev/pipelineruns", "get")
    ),
    "manage-apps": (
        rights(ALL, "/pods", "list")
        | rights(ALL, "/pods/log", "get")
        | rights(ALL, "batch/jobs", "get")
        | rights(BUILDS, "tekton.dev/pipelineruns", "get list")
    ),
}
SECRETS = {  # beside DATABASE_URL
    "verify-webhook": {
        "SLIPWAY_CONFIG_KEYS",
        *(f"{name}_WEBHOOK_SECRET" for name in ("PAAS", "FORGEJO", "GITEA", "GITHUB", "GITLAB")),
    },
    "resolve-app": {"GITEA_TOKEN"},
    "record-build": {"REGISTRY_PASSWORD"},
    "promote-image": {"REGISTRY_PASSWORD", "SLIPWAY_CONFIG_KEYS"},
    "upsert-dns": {"CLOUDFLARE_API_TOKEN"},
    "report-status": {"GITEA_TOKEN"},
    "reconcile": {
        "GITEA_TOKEN",
        "GITEA_ADMIN_TOKEN",
        "REGISTRY_PASSWORD",
        "CLOUDFLARE_API_TOKEN",
        "SLIPWAY_CONFIG_KEYS",
    },
    "manage-apps": {"GITEA_TOKEN", "SLIPWAY_CONFIG_KEYS", "SLIPWAY_LOGIN_SECRET"},
    "send-notifications": {"SLIPWAY_CONFIG_KEYS", "SMTP_URL"},
}
NO_DATABASE = {"dashboard"}
# Of these groups of settings the function needs others than the secret.
NOT_NEEDED = {("start-build", "REGISTRY_PASSWORD"), ("manage-apps", "SMTP_URL")}
PUBLIC = {"verify-webhook", "manage-apps", "dashboard", "export-metrics", "stream-events"}
MANIFESTS = pytest.mark.parametrize("manifest", function_manifests(), ids=lambda manifest: manifest.name)


def granted(manifest: FunctionManifest) -> set[Right]:
    roles = [role for kind in ("Role", "ClusterRole") for role in manifest.of_kind(kind)]
    return {
        (role["metadata"].get("namespace", ""), f"{group}/{resource}", verb, name)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def bound(role: Resource) -> tuple[str, str, str]:
    return role["kind"], role["metadata"]["name"], role["metadata"].get("namespace", "")


@MANIFESTS
def test_invariant_08_a_function_may_do_what_the_table_says_and_nothing_else(manifest: FunctionManifest) -> None:
    assert granted(manifest) == MAY.get(manifest.name, set())


@MANIFESTS
def test_invariant_08_every_function_has_an_account_of_its_own(manifest: FunctionManifest) -> None:
    (account,) = manifest.of_kind("ServiceAccount")
    assert account["metadata"]["name"] == manifest.name
    assert manifest.service["spec"]["template"]["spec"]["serviceAccountName"] == manifest.name
    if not MAY.get(manifest.name):
        assert account["automountServiceAccountToken"] is False


@MANIFESTS
def test_invariant_08_only_what_people_and_forges_call_is_public(manifest: FunctionManifest) -> None:
    labels = manifest.service["metadata"].get("labels", {})
    is_private = labels.get("networking.knative.dev/visibility") == "cluster-local"
    assert is_private == (manifest.name not in PUBLIC)


@MANIFESTS
def test_invariant_08_each_role_is_bound_to_the_functions_own_account_alone(manifest: FunctionManifest) -> None:
    roles = {bound(role) for kind in ("Role", "ClusterRole") for role in manifest.of_kind(kind)}
    bindings = [found for kind in ("RoleBinding", "ClusterRoleBinding") for found in manifest.of_kind(kind)]

    own = {"kind": "ServiceAccount", "name": manifest.name, "namespace": "slipway"}
    for binding in bindings:
        assert binding["subjects"] == [own]
    refs = {(one["roleRef"]["kind"], one["roleRef"]["name"], one["metadata"].get("namespace", "")) for one in bindings}
    assert refs == roles


@MANIFESTS
def test_invariant_08_a_function_has_the_secrets_of_the_table_and_no_other(manifest: FunctionManifest) -> None:
    container = manifest.service["spec"]["template"]["spec"]["containers"][0]
    given = [one["valueFrom"]["secretKeyRef"] for one in container["env"] if "valueFrom" in one]
    assert all(one["name"] == "slipway" for one in given)
    held = set() if manifest.name in NO_DATABASE else {"DATABASE_URL", *SECRETS.get(manifest.name, ())}
    assert {one["key"] for one in given} == held
    assert [one["key"] for one in given if not one.get("optional")] == sorted(held & {"DATABASE_URL"})
    assert container.get("envFrom") == [{"configMapRef": {"name": "slipway"}}]


def test_invariant_08_the_table_has_the_secrets_that_functions_read() -> None:
    """In a process of its own: each function is composed as on a cluster, with an environment of its own."""
    code = "import json; from tests.settings_table import secrets_read; print(json.dumps(secrets_read()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    read = {(function, name) for function, names in json.loads(done.stdout).items() for name in names}
    without = {function for function, _ in read} - {function for function, name in read if name == "DATABASE_URL"}
    held = {(function, name) for function, names in SECRETS.items() for name in names}
    assert {one for one in read if one[1] != "DATABASE_URL"} - held == NOT_NEEDED
    assert (held - read, without) == (set(), set())
