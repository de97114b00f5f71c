"""Certificates: the one-machine table and cert-manager fulfil the same contract."""

from collections.abc import Iterator

import pytest

from functions.common.adapters.certificates.cert_manager import CertManagerCertificates
from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.local.network import LocalCertificates
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.system_clock import SystemClock
from tests.contract.certificates import HOST, LATER, CertificatesContract, CertificateWorld
from tests.contract.deliveries import NOWHERE
from tests.fakes.loopback_kubernetes import LoopbackKubernetes, api_at, loopback_kubernetes
from tests.real_kubernetes import real_api, real_namespace, set_status


class _LocalWorld:
    def __init__(self, url: str) -> None:
        self._database = Postgres(url)
        self.certificates = LocalCertificates(database=self._database, clock=SystemClock())

    def issue(self, host: str, not_after: str) -> None:
        sql = "update platform.certificates set not_after = :after where host = :host"
        self._database.run(sql, host=host, after=not_after)

    def break_down(self) -> None:
        self.certificates = LocalCertificates(database=Postgres(NOWHERE), clock=SystemClock())


class TestLocal(CertificatesContract):
    """In a real database, where the rollout controller records what Caddy serves."""

    @pytest.fixture
    def world(self, database: str) -> CertificateWorld:
        """Return an issuer without requests."""
        return _LocalWorld(database)

    def test_an_expired_certificate_is_not_ready(self, world: CertificateWorld) -> None:
        """Whatever was recorded."""
        world.certificates.ensure(HOST, owner="hello")
        world.issue(HOST, "2001-01-01T00:00:00+00:00")

        assert not world.certificates.status(HOST).ready


class _CertManagerWorld:
    def __init__(self, api: KubernetesApi, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.certificates = self._at(api)

    def issue(self, host: str, not_after: str) -> None:
        self.says(f"tls-{host}", {"notAfter": not_after, "conditions": [_READY]})

    def says(self, name: str, status: dict[str, object]) -> None:
        path = f"/apis/cert-manager.io/v1/namespaces/{self.namespace}/certificates/{name}"
        set_status(self.api, path, status)

    def break_down(self) -> None:
        self.certificates = self._at(api_at("http://127.0.0.1:1"))

    def _at(self, api: KubernetesApi) -> CertManagerCertificates:
        return CertManagerCertificates(
            api=api,
            namespace=self.namespace,
            issuer="ClusterIssuer/letsencrypt",
            default_domain="apps.example.org",
            gateway=f"{self.namespace}/slipway",
        )


_READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Ready",
    "message": "Certificate is up to date and has not expired",
    "lastTransitionTime": "2026-01-02T03:04:05Z",
    "observedGeneration": 1,
}


@pytest.fixture
def kubernetes() -> Iterator[LoopbackKubernetes]:
    """Yield an API server with a namespace for certificates."""
    with loopback_kubernetes("edge") as server:
        yield server


class TestCertManager(CertificatesContract):
    """Certificate objects, by HTTP on this machine."""

    @pytest.fixture
    def world(self, kubernetes: LoopbackKubernetes) -> CertificateWorld:
        """Return an issuer without requests."""
        return _CertManagerWorld(kubernetes.api, "edge")

    def test_hosts_of_the_default_domain_share_one_wildcard(self, kubernetes: LoopbackKubernetes) -> None:
        """It is requested once; the next app finds it ready."""
        world = _CertManagerWorld(kubernetes.api, "edge")
        first = world.certificates.ensure("one.apps.example.org", owner="one")
        world.says("tls-wildcard", {"notAfter": LATER, "conditions": [_READY]})
        kubernetes.calls.clear()
        second = world.certificates.ensure("two.apps.example.org", owner="two")

        assert (first.ready, first.reason, second.ready, second.shared) == (False, "", True, True)
        assert [method for method, _ in kubernetes.calls] == ["GET"]
        (only,) = kubernetes.of_kind("Certificate")
        assert only["spec"]["dnsNames"] == ["*.apps.example.org"]

    def test_deleting_a_host_keeps_the_wildcard(self, kubernetes: LoopbackKubernetes) -> None:
        """Other hosts use it."""
        world = _CertManagerWorld(kubernetes.api, "edge")
        world.certificates.ensure("one.apps.example.org", owner="one")
        world.certificates.delete("one.apps.example.org")

        assert len(kubernetes.of_kind("Certificate")) == 1

    def test_a_label_below_a_label_is_not_covered(self, kubernetes: LoopbackKubernetes) -> None:
        """A wildcard covers one label."""
        world = _CertManagerWorld(kubernetes.api, "edge")
        assert not world.certificates.ensure("a.b.apps.example.org", owner="one").shared

    def test_a_custom_host_has_listeners_and_leaves_nothing(self, kubernetes: LoopbackKubernetes) -> None:
        """Certificate, Secret and listeners are deleted together."""
        world = _CertManagerWorld(kubernetes.api, "edge")
        world.certificates.ensure(HOST, owner="hello")
        kubernetes.objects[f"/api/v1/namespaces/edge/secrets/tls-{HOST}"] = {"kind": "Secret", "metadata": {}}
        assert [one["spec"]["listeners"][0]["hostname"] for one in kubernetes.of_kind("ListenerSet")] == [HOST]

        world.certificates.delete(HOST)

        assert {found["kind"] for found in kubernetes.objects.values()} == {"Namespace"}


@pytest.mark.cluster
class TestRealCertManager(CertificatesContract):
    """Certificate objects, on a real API server with cert-manager's CRDs."""

    @pytest.fixture
    def world(self) -> Iterator[CertificateWorld]:
        """Yield an issuer without requests."""
        api = real_api()
        with real_namespace(api, "edge") as namespace:
            yield _CertManagerWorld(api, namespace)
