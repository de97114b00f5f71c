"""The deployer of a cluster, by server-side apply."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import (
    APP,
    ENVIRONMENT,
    MANAGED,
    MANAGER,
    NAMESPACES,
    OWNED,
    OWNED_LAST,
    PROCESS,
    RELEASE,
    WORKLOADS,
    Kind,
    Place,
    Runtime,
    labels_of,
    place_of,
)
from functions.common.adapters.kubernetes.pods import RELEASE_PROCESS, WEB, Namespaces, surroundings
from functions.common.adapters.kubernetes.record import Record, Records, config_name, config_secret
from functions.common.adapters.kubernetes.routes import (
    has_maintenance,
    maintenance_objects,
    routes,
    switch_maintenance,
    uses_weights,
)
from functions.common.adapters.kubernetes.status import job_end, newest_release, report_of, requested_release
from functions.common.adapters.kubernetes.workloads import (
    canary_check,
    other_processes,
    release_job,
    scaling,
    web_path,
    web_workload,
)
from functions.common.domain.release import Release, Workload
from functions.common.errors import Unavailable
from functions.common.events.release import WorkloadChanged
from functions.common.ports.apps import Cipher
from functions.common.ports.deployer import Removals, RunningWorkload


def observed(record: Record, *, api: KubernetesApi, place: Place) -> WorkloadChanged | None:
    """Return the latest report of a record's release, None without one; see KubernetesDeployer.observe."""
    workload = record.workload
    started = WorkloadChanged(
        app=workload.app,
        environment=workload.environment,
        push=workload.push,
        release=record.release,
        phase="releasing",
    )
    if not record.prepared:
        job = api.read(place.path("Job", f"release-{record.release}"))
        end = job_end(job)
        return started if job and end is None else end if end and end.phase == "failed" else None
    found = api.read(web_path(record.kind, place))
    if not found or found["metadata"].get("deletionTimestamp"):
        return None
    return report_of(found) or (started if requested_release(found) == record.release else None)


def apply_processes(record: Record, *, api: KubernetesApi, place: Place, runtime: Runtime) -> None:
    """Apply the process types beside web and delete those that the release does not have; safe to repeat.

    They always run the live release: a failed one has not changed them, and a removed worker does not keep running
    with old code and secrets.
    """
    workload, kept = record.workload, {WEB}
    for path, body in other_processes(workload, place, runtime, config=record.config):
        api.apply(path, body)
        kept.add(body["metadata"]["labels"][PROCESS])
    deployments = place.collection("Deployment")
    for found in api.items(deployments, labels_of(workload.app, workload.environment)):
        if found["metadata"]["labels"].get(PROCESS) not in kept:
            api.delete(f"{deployments}/{found['metadata']['name']}")


def restore_web(
    live: Release, record: Record, *, api: KubernetesApi, place: Place, runtime: Runtime, cipher: Cipher
) -> None:
    """Apply the live release to web again, unless another release than the record's was requested meanwhile.

    Kubernetes and Knative keep trying a version that missed its deadline: it would take the traffic when it becomes
    ready an hour later, although its push is reported as failed. Raises Unavailable on a concurrent change.
    """
    workload = replace(
        record.workload,
        release=live.number,
        push=live.push,
        sha=live.sha,
        digest=live.digest,
        image=live.image,
        processes=live.processes,
        config=live.config,
    )
    before = replace(record, workload=workload, config=place.name(config_name(live.number)))
    path, body = web_workload(workload, record.kind, place, runtime, config=before.config)
    found = api.read(path)
    if found and requested_release(found) == record.release:
        api.apply(f"{place.collection('Secret')}/{before.config}", config_secret(before, place, cipher))
        # The object has the newest number, which removal compares; the pods have that of the running release.
        body["metadata"]["annotations"][RELEASE] = str(record.release)
        body["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        api.apply(path, body)


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesDeployer:
    """StagedDeployer and RunningWorkloads; an app keeps the kind of workload of its first release."""

    api: KubernetesApi
    runtime: Runtime
    removals: Removals
    cipher: Cipher

    def apply(self, workload: Workload) -> None:
        """Request this release; see Deployer. A release command's Job is applied before the workload."""
        if self._is_removed(workload):
            return
        place, records = self._place(workload.app, workload.environment), Records(api=self.api)
        before = records.read(place)
        if before and before.leaving:
            msg = f"{workload.app}/{workload.environment} is being removed: it is tried again"
            raise Unavailable(msg)
        if before is None or before.release < workload.release:
            self._start(workload, before, place)
        elif before.release == workload.release:
            self._continue(before, place)
        self._is_removed(workload)

    def continue_release(self, app: str, environment: str, release: int) -> None:
        """Roll the release out after its release command; see StagedDeployer."""
        place = self._place(app, environment)
        record = self._newest(place, release)
        if record and not record.prepared:
            self._continue(record, place)

    def sync_processes(self, app: str, environment: str, release: int) -> None:
        """Update the other process types; see StagedDeployer. The Secrets of earlier releases are deleted."""
        place = self._place(app, environment)
        record = self._newest(place, release)
        if record:
            apply_processes(record, api=self.api, place=place, runtime=self.runtime)
            Records(api=self.api).delete_earlier(record, place)

    def scale(self, app: str, environment: str, replicas: Mapping[str, int]) -> None:
        """Change the numbers of pods in place; see StagedDeployer. Knative makes a new revision of the same version."""
        place, records = self._place(app, environment), Records(api=self.api)
        record = records.read(place)
        if record is None or record.leaving:
            return
        workload = replace(record.workload, replicas={**record.workload.replicas, **replicas})
        records.write(replace(record, workload=workload), place)
        for path, body in scaling(workload, record.kind, place, self.runtime):
            self.api.merge(path, body)

    def show_maintenance(self, app: str, environment: str, *, on: bool) -> None:
        """Lead the hosts to a Service without pods, or back; see StagedDeployer."""
        place, records = self._place(app, environment), Records(api=self.api)
        record = records.read(place)
        if record is None or record.leaving or not has_maintenance(record.kind, self.runtime):
            return
        changed = replace(record, workload=replace(record.workload, maintenance=on))
        records.write(changed, place)
        switch_maintenance(changed, api=self.api, place=place, runtime=self.runtime)

    def revert(self, live: Release, *, instead_of: int) -> None:
        """Apply the live release again; see StagedDeployer. Argo rolls a failed version back itself."""
        place = self._place(live.app, live.environment)
        record = self._newest(place, instead_of)
        if record and record.kind is not Kind.ROLLOUT:
            restore_web(live, record, api=self.api, place=place, runtime=self.runtime, cipher=self.cipher)

    def remove(self, app: str, environment: str, *, through: int) -> None:
        """Remove releases up to a number; see Deployer. A foreign namespace is kept."""
        self.removals.record(app, environment, through=through)
        place, records = self._place(app, environment), Records(api=self.api)
        if not (self.runtime.shared_namespace or Namespaces(api=self.api).may_remove(app, environment, place)):
            return
        record = records.read(place)
        if record and record.release > through:
            return
        if record and not record.leaving:
            records.write(replace(record, leaving=True), place)  # so that no release starts meanwhile
        if not self.runtime.shared_namespace:
            self.api.delete(f"{NAMESPACES}/{place.namespace}")
            return
        for kind in (*OWNED, *OWNED_LAST):
            self.api.delete(place.collection(kind), labels_of(app, environment))

    def running(self) -> tuple[RunningWorkload, ...]:
        """Return the workloads of web processes; see RunningWorkloads."""
        marks = {MANAGED: MANAGER, PROCESS: WEB}
        found = [one for path in WORKLOADS for one in self.api.items(path, marks)]
        running = [
            RunningWorkload(
                app=one["metadata"]["labels"][APP],
                environment=one["metadata"]["labels"][ENVIRONMENT],
                release=newest_release(one),
            )
            for one in found
        ]
        return tuple(sorted(running, key=lambda one: (one.app, one.environment)))

    def observe(self, app: str, environment: str) -> WorkloadChanged | None:
        """Return the latest report; see Deployer.

        None, or the report of an older release, also when the newest release was only partly applied: the caller
        applies it again.
        """
        place = self._place(app, environment)
        record = Records(api=self.api).read(place)
        if record is None or record.leaving:
            return None
        return observed(record, api=self.api, place=place)

    def _newest(self, place: Place, release: int) -> Record | None:
        record = Records(api=self.api).read(place)
        return record if record and record.release == release and not record.leaving else None

    def _is_removed(self, workload: Workload) -> bool:
        """Return whether the release was removed already; then the objects of a late request are removed too."""
        through = self.removals.through(workload.app, workload.environment)
        if through < workload.release:
            return False
        self.remove(workload.app, workload.environment, through=through)
        return True

    def _start(self, workload: Workload, before: Record | None, place: Place) -> None:
        if before is None:
            if not self.runtime.shared_namespace:
                Namespaces(api=self.api).claim(workload.app, workload.environment, place)
            self._apply(surroundings(workload.app, workload.environment, place, self.runtime))
        record = self._record(workload, before, place)
        self.api.apply(f"{place.collection('Secret')}/{record.config}", config_secret(record, place, self.cipher))
        self._delete_old_mappings(before, record, place)
        Records(api=self.api).write(record, place)
        if record.prepared:
            self._roll_out(record, place)
        else:
            self._prepare(record, place)

    def _continue(self, record: Record, place: Place) -> None:
        if not record.prepared:
            end = self._prepare(record, place)
            if end is None or end.phase == "failed":
                return
            Records(api=self.api).write(replace(record, prepared=True), place)
        self._roll_out(record, place)

    def _prepare(self, record: Record, place: Place) -> WorkloadChanged | None:
        path, body = release_job(record.workload, place, self.runtime, config=record.config)
        return job_end(self.api.apply(path, body))

    def _roll_out(self, record: Record, place: Place) -> None:
        workload, runtime = record.workload, self.runtime
        if workload.maintenance and has_maintenance(record.kind, runtime):
            self._apply(maintenance_objects(workload, place, runtime))
        shares = uses_weights(record.kind, runtime)
        self._apply([canary_check(workload, place)] if shares else [])  # first: Argo refuses a Rollout without it
        for path, body in routes(workload, record.kind, place, runtime):
            if shares and body["kind"] == "Service":
                self.api.create(
                    place.collection("Service"), body
                )  # Argo adds the version to its selector, so it is not applied again
            elif not (shares and self._route_exists(path, body)):
                self.api.apply(path, body)
        self._apply([web_workload(workload, record.kind, place, runtime, config=record.config)])

    def _route_exists(self, path: str, body: dict[str, Any]) -> bool:
        """Return whether the route exists with these hosts: applying it again would reset a canary's weights."""
        found = self.api.read(path) if body["kind"] == "HTTPRoute" else None
        return bool(found) and (found or {})["spec"].get("hostnames") == body["spec"]["hostnames"]

    def _delete_old_mappings(self, before: Record | None, record: Record, place: Place) -> None:
        """Delete the mappings of removed hosts; routes of other kinds list all hosts in one object."""
        if before and before.kind is Kind.KNATIVE:
            mapped = record.workload.hosts if record.kind is Kind.KNATIVE else ()
            for host in sorted(set(before.workload.hosts) - set(mapped)):
                self.api.delete(f"{place.collection('DomainMapping')}/{host}")

    def _record(self, workload: Workload, before: Record | None, place: Place) -> Record:
        kind = self.runtime.kind_of(workload.app)
        if before and before.kind is not kind and self.api.read(web_path(before.kind, place)):
            kind = before.kind  # a running workload keeps its kind
        return Record(
            workload=workload,
            kind=kind,
            config=place.name(config_name(workload.release)),
            earlier=(*before.earlier, before.config) if before else (),
            prepared=RELEASE_PROCESS not in workload.processes,
            version=before.version if before else "",
        )

    def _apply(self, objects: list[tuple[str, dict[str, Any]]]) -> None:
        for path, body in objects:
            self.api.apply(path, body)

    def _place(self, app: str, environment: str) -> Place:
        return place_of(app, environment, shared=self.runtime.shared_namespace)
