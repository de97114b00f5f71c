"""Releases on a cluster by server-side apply."""

from dataclasses import dataclass, replace
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import (
    APP,
    ENVIRONMENT,
    EVERYWHERE,
    MANAGED,
    MANAGER,
    NAMESPACES,
    OWNED,
    OWNED_LAST,
    PROCESS,
    RELEASE,
    Kind,
    Place,
    Runtime,
    labels_of,
    place_of,
)
from functions.common.adapters.kubernetes.pods import RELEASE_PROCESS, WEB, Namespaces, surroundings
from functions.common.adapters.kubernetes.record import Record, Records, config_name, config_secret
from functions.common.adapters.kubernetes.routes import has_weights, routes
from functions.common.adapters.kubernetes.status import asked_release, job_end, newest_release, report_of
from functions.common.adapters.kubernetes.workloads import (
    canary_check,
    other_processes,
    release_job,
    web_path,
    web_workload,
)
from functions.common.domain.release import Release, Workload
from functions.common.errors import Unavailable
from functions.common.events.release import WorkloadChanged
from functions.common.ports.deployer import Removals, RunningWorkload

# How far the newest release of an environment is, read from the cluster when no event told of it.


def observed(record: Record, *, api: KubernetesApi, place: Place) -> WorkloadChanged | None:
    """Return the latest report, None when there is none; see KubernetesDeployer.observe."""
    workload = record.workload
    begun = WorkloadChanged(
        app=workload.app,
        environment=workload.environment,
        push=workload.push,
        release=record.release,
        phase="releasing",
    )
    if not record.prepared:
        job = api.read(place.path("Job", f"release-{record.release}"))
        end = job_end(job)
        return begun if job and end is None else end if end and end.phase == "failed" else None
    found = api.read(web_path(record.kind, place))
    if not found or found["metadata"].get("deletionTimestamp"):
        return None
    return report_of(found) or (begun if asked_release(found) == record.release else None)


# The process types beside web: they run the version that is live, and go with the last version that had them.
#
# A version that is given up has changed nothing of them; a worker that a new version has no more does not work on with
# the code and the secrets of an old one.


def settle_processes(record: Record, *, api: KubernetesApi, place: Place, runtime: Runtime) -> None:
    """Let the other process types run the record's release, and take away those that it has not; safe to repeat."""
    workload, kept = record.workload, {WEB}
    for path, body in other_processes(workload, place, runtime, config=record.config):
        api.apply(path, body)
        kept.add(body["metadata"]["labels"][PROCESS])
    deployments = place.collection("Deployment")
    for found in api.items(deployments, labels_of(workload.app, workload.environment)):
        if found["metadata"]["labels"].get(PROCESS) not in kept:
            api.delete(f"{deployments}/{found['metadata']['name']}")


# Back from a version that was given up to the one that is live.
#
# Kubernetes and Knative go on trying a version that missed its deadline: made well an hour later it would take the
# traffic, though its push was told to have failed.


def restore_web(live: Release, record: Record, *, api: KubernetesApi, place: Place, runtime: Runtime) -> None:
    """Let web be the live release again, unless it is asked for something else than the record's by now.

    Raises Unavailable when somebody changes it at the same time: then it is to be looked at anew.
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
    if found and asked_release(found) == record.release:
        api.apply(f"{place.collection('Secret')}/{before.config}", config_secret(before, place))
        # Who removes it needs the newest number; which version runs is told by the pods' own.
        body["metadata"]["annotations"][RELEASE] = str(record.release)
        body["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
        api.apply(path, body)


# Deployer of a cluster: applies what an app needs there; ApiServerSource tells what came of it.


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesDeployer:
    """Deployer and RunningWorkloads by server-side apply; what runs an app is chosen at its first release and stays."""

    api: KubernetesApi
    runtime: Runtime
    removals: Removals

    def apply(self, workload: Workload) -> None:
        """Ask for this release; see Deployer. With a release command only its Job is asked for at first."""
        if self._is_over(workload):
            return
        place, records = self._place(workload.app, workload.environment), Records(api=self.api)
        before = records.read(place)
        if before and before.leaving:
            msg = f"what ran of {workload.app}/{workload.environment} is being removed: it is tried again"
            raise Unavailable(msg)
        if before is None or before.release < workload.release:
            self._ask(workload, before, place)
        elif before.release == workload.release:
            self._continue(before, place)
        self._is_over(workload)

    def continue_release(self, app: str, environment: str, release: int) -> None:
        """Roll the release out when its release command is done; see StagedDeployer."""
        place = self._place(app, environment)
        record = self._newest(place, release)
        if record and not record.prepared:
            self._continue(record, place)

    def sync_processes(self, app: str, environment: str, release: int) -> None:
        """Let the other process types follow the live release; see StagedDeployer. Earlier environments go."""
        place = self._place(app, environment)
        record = self._newest(place, release)
        if record:
            settle_processes(record, api=self.api, place=place, runtime=self.runtime)
            Records(api=self.api).forget_earlier(record, place)

    def revert(self, live: Release, *, instead_of: int) -> None:
        """Ask for the live release again; see StagedDeployer. Argo gives the place of a failed version back itself."""
        place = self._place(live.app, live.environment)
        record = self._newest(place, instead_of)
        if record and record.kind is not Kind.ROLLOUT:
            restore_web(live, record, api=self.api, place=place, runtime=self.runtime)

    def remove(self, app: str, environment: str, *, through: int) -> None:
        """Leave nothing up to a number; see Deployer. In somebody else's namespace there is nothing of ours."""
        self.removals.record(app, environment, through=through)
        place, records = self._place(app, environment), Records(api=self.api)
        if not (self.runtime.shared_namespace or Namespaces(api=self.api).may_remove(app, environment, place)):
            return
        record = records.read(place)
        if record and record.release > through:
            return
        if record and not record.leaving:
            records.write(replace(record, leaving=True), place)  # so that no release begins in what is to go
        if not self.runtime.shared_namespace:
            self.api.delete(f"{NAMESPACES}/{place.namespace}")
            return
        for kind in (*OWNED, *OWNED_LAST):
            self.api.delete(place.collection(kind), labels_of(app, environment))

    def running(self) -> tuple[RunningWorkload, ...]:
        """Return what web processes were asked for; see RunningWorkloads."""
        marks = {MANAGED: MANAGER, PROCESS: WEB}
        found = [one for path in EVERYWHERE for one in self.api.items(path, marks)]
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

        None, or the report of an older release, also when a release was begun and not brought to its end:
        who waits for it asks for it again.
        """
        place = self._place(app, environment)
        record = Records(api=self.api).read(place)
        if record is None or record.leaving:
            return None
        return observed(record, api=self.api, place=place)

    def _newest(self, place: Place, release: int) -> Record | None:
        record = Records(api=self.api).read(place)
        return record if record and record.release == release and not record.leaving else None

    def _is_over(self, workload: Workload) -> bool:
        """Return whether the release was removed; what a late request for it left is taken back."""
        through = self.removals.through(workload.app, workload.environment)
        if through < workload.release:
            return False
        self.remove(workload.app, workload.environment, through=through)
        return True

    def _ask(self, workload: Workload, before: Record | None, place: Place) -> None:
        if before is None:
            if not self.runtime.shared_namespace:
                Namespaces(api=self.api).claim(workload.app, workload.environment, place)
            self._apply(surroundings(workload.app, workload.environment, place, self.runtime))
        record = self._record(workload, before, place)
        self.api.apply(f"{place.collection('Secret')}/{record.config}", config_secret(record, place))
        self._forget_hosts(before, record, place)
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
        shares = has_weights(record.kind, runtime)
        for path, body in routes(workload, record.kind, place, runtime):
            if shares and body["kind"] == "Service":
                self.api.create(place.collection("Service"), body)  # then Argo's: its selector tells versions apart
            elif not (shares and self._leads_there(path, body)):
                self.api.apply(path, body)
        self._apply([canary_check(workload, place)] if shares else [])
        self._apply([web_workload(workload, record.kind, place, runtime, config=record.config)])

    def _leads_there(self, path: str, body: dict[str, Any]) -> bool:
        """Return whether a route with weights is there already: applied anew it would lose a canary's weights."""
        found = self.api.read(path) if body["kind"] == "HTTPRoute" else None
        return bool(found) and (found or {})["spec"].get("hostnames") == body["spec"]["hostnames"]

    def _forget_hosts(self, before: Record | None, record: Record, place: Place) -> None:
        """Take back the mappings of hosts that the app has no more; routes of other kinds name all hosts at once."""
        if before and before.kind is Kind.KNATIVE:
            mapped = record.workload.hosts if record.kind is Kind.KNATIVE else ()
            for host in sorted(set(before.workload.hosts) - set(mapped)):
                self.api.delete(f"{place.collection('DomainMapping')}/{host}")

    def _record(self, workload: Workload, before: Record | None, place: Place) -> Record:
        kind = self.runtime.kind_of(workload.app)
        if before and before.kind is not kind and self.api.read(web_path(before.kind, place)):
            kind = before.kind  # it runs; what was refused at its first release may become another
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
