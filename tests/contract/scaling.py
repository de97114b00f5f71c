"""The deployer of a cluster changes the number of pods in place."""

from functions.common.adapters.kubernetes.api import Object
from functions.common.adapters.kubernetes.names import Kind
from functions.common.adapters.kubernetes.status import requested_release
from tests.contract.kubernetes_deployer_world import KubernetesDeployerWorld

_MIN, _MAX = "autoscaling.knative.dev/min-scale", "autoscaling.knative.dev/max-scale"


def _read(world: KubernetesDeployerWorld, path: str) -> Object:
    found = world.api.read(path)
    assert found
    return found


def _web_replicas(world: KubernetesDeployerWorld) -> tuple[int, int]:
    """Return the least and the most number of pods of web, 0 for no bound."""
    spec = _read(world, world.web)["spec"]
    if world.kind is not Kind.KNATIVE:
        return spec["replicas"], spec["replicas"]
    marks = spec["template"]["metadata"]["annotations"]
    return int(marks.get(_MIN, 0)), int(marks.get(_MAX, 0))


class ScalingContract:
    """Subclasses provide the fixture `world`."""

    def test_numbers_change_in_place_and_stay_for_later_releases(self, world: KubernetesDeployerWorld) -> None:
        """The version stays the same one, so that no pod is replaced for it."""
        world.deployer.apply(world.workload(1))
        world.deployer.sync_processes(world.app, "production", 1)
        default = _web_replicas(world)
        template = _read(world, world.web)["spec"]["template"]["metadata"]["annotations"]
        worker = world.place.path("Deployment", "worker")
        unasked = _read(world, worker)["spec"]["replicas"]
        world.deployer.scale(world.app, "production", {"web": 3, "worker": 4})

        assert unasked == 0
        assert default == ((0, 0) if world.kind is Kind.KNATIVE else (2, 2))
        assert _web_replicas(world) == (3, 3)
        assert _read(world, worker)["spec"]["replicas"] == 4
        assert requested_release(_read(world, world.web)) == 1
        if world.kind is not Kind.KNATIVE:
            assert _read(world, world.web)["spec"]["template"]["metadata"]["annotations"] == template

        world.deployer.sync_processes(world.app, "production", 1)
        assert _read(world, worker)["spec"]["replicas"] == 4
        world.deployer.scale(world.app, "production", {"web": 1, "worker": 0})
        assert (_web_replicas(world), _read(world, worker)["spec"]["replicas"]) == ((1, 1), 0)

    def test_scaling_where_nothing_runs_changes_nothing(self, world: KubernetesDeployerWorld) -> None:
        """An app may be scaled before its first release and after its removal."""
        world.deployer.scale(world.app, "production", {"web": 3})

        assert world.api.read(world.web) is None

    def test_maintenance_takes_the_hosts_over_and_gives_them_back(self, world: KubernetesDeployerWorld) -> None:
        """The app's own route keeps its backends, which a canary's weights are written to."""
        own, other = world.place.path("HTTPRoute", "web"), world.place.path("HTTPRoute", "maintenance")
        world.deployer.apply(world.workload(1))
        before = world.api.read(own)

        for _ in range(2):
            world.deployer.show_maintenance(world.app, "production", on=True)

        route = _read(world, other)["spec"]
        assert tuple(route["hostnames"]) == world.workload(1).hosts
        (rule,) = route["rules"]
        (backend,) = rule["backendRefs"]
        service = _read(world, f"{world.place.collection('Service')}/{backend['name']}")
        assert service["spec"]["selector"]["slipway.dev/process"] == "maintenance"
        assert rule["filters"][0]["responseHeaderModifier"]["set"][0]["name"] == "Retry-After"
        if before:
            during = _read(world, own)["spec"]
            assert set(during["hostnames"]) & set(before["spec"]["hostnames"]) == set()
            assert during["rules"] == before["spec"]["rules"]

        world.deployer.show_maintenance(world.app, "production", on=False)
        after = world.api.read(own)
        assert (after or {}).get("spec") == (before or {}).get("spec")
        assert world.api.read(other) is None

    def test_a_release_during_maintenance_leaves_it_on(self, world: KubernetesDeployerWorld) -> None:
        """Its new hosts are under maintenance too."""
        world.deployer.apply(world.workload(1))
        world.deployer.show_maintenance(world.app, "production", on=True)
        hosts = ("hello.example.org", "new.example.com")
        world.deployer.apply(world.workload(2, hosts=hosts, maintenance=True))

        assert tuple(_read(world, world.place.path("HTTPRoute", "maintenance"))["spec"]["hostnames"]) == hosts
        own = world.api.read(world.place.path("HTTPRoute", "web"))
        assert own is None or set(own["spec"]["hostnames"]) & set(hosts) == set()

        world.deployer.show_maintenance(world.app, "production", on=False)
        own = world.api.read(world.place.path("HTTPRoute", "web"))
        assert own is None or tuple(own["spec"]["hostnames"]) == hosts

    def test_maintenance_where_nothing_runs_changes_nothing(self, world: KubernetesDeployerWorld) -> None:
        """An app may be switched before its first release and after its removal."""
        world.deployer.show_maintenance(world.app, "production", on=True)

        assert world.api.read(world.place.path("HTTPRoute", "maintenance")) is None

    def test_limits_and_port_are_those_of_the_release(self, world: KubernetesDeployerWorld) -> None:
        """A limit is requested as a whole; the service finds the port of each version by its name."""
        limited = {"cpu": "500m", "memory": "256Mi", "port": 3000, "replicas": {"web": 5}}
        world.deployer.apply(world.workload(1, **limited))

        (container,) = _read(world, world.web)["spec"]["template"]["spec"]["containers"]
        assert container["resources"] == {
            "limits": {"cpu": "500m", "memory": "256Mi"},
            "requests": {"cpu": "500m", "memory": "256Mi"},
        }
        assert (container["ports"][0]["containerPort"], container["readinessProbe"]["httpGet"]["port"]) == (3000, 3000)
        assert _web_replicas(world) == (5, 5)
        if world.kind is not Kind.KNATIVE:
            assert {"name": "PORT", "value": "3000"} in container["env"]
            ports = _read(world, world.place.path("Service", "web"))["spec"]["ports"]
            assert ports[0]["targetPort"] == container["ports"][0]["name"]
