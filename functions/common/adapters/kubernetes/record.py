"""The record of an environment's newest release, in a Secret beside its workloads.

Server-side apply alone would let an older release overwrite a newer one. This record is written only over the version
that was read.
"""

import base64
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import MANAGED, MANAGER, RELEASE, Kind, Place, labels_of
from functions.common.domain.config import OWNED
from functions.common.domain.release import RELEASE_COMMAND, WEB, Workload
from functions.common.errors import Unavailable
from functions.common.ports.apps import Cipher

NAME = "wanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The newest release of an environment.

    `config` is the name of the Secret with its environment variables, `earlier` the names of those of earlier
    releases, as long as one of them may serve. `prepared` when its release command has succeeded. `leaving` while the
    environment is being removed: no release may start until it is gone.
    """

    workload: Workload
    kind: Kind
    config: str
    earlier: tuple[str, ...] = ()
    prepared: bool = False
    leaving: bool = False
    version: str = ""

    @property
    def release(self) -> int:
        """The number of the release."""
        return self.workload.release


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Reads and writes records."""

    api: KubernetesApi

    def read(self, place: Place) -> Record | None:
        """Return the record, or None before the first release; a Secret without Slipway's label is ignored."""
        found = self.api.read(place.path("Secret", NAME))
        if found is None or (found["metadata"].get("labels") or {}).get(MANAGED) != MANAGER:
            return None
        fields = json.loads(base64.b64decode(found["data"]["record"]))
        workload = fields["workload"]
        workload |= {"hosts": tuple(workload["hosts"]), "steps": tuple(workload["steps"])}
        if not fields.get("counted"):  # of a time in which one process of each type ran until it was scaled
            others = workload["processes"].keys() - {WEB, RELEASE_COMMAND}
            workload["replicas"] = {**dict.fromkeys(others, 1), **workload["replicas"]}
        return Record(
            workload=Workload(**workload),
            kind=Kind(fields["kind"]),
            config=fields["config"],
            earlier=tuple(fields.get("earlier", ())),
            prepared=fields["prepared"],
            leaving=bool(fields.get("leaving") or found["metadata"].get("deletionTimestamp")),
            version=found["metadata"]["resourceVersion"],
        )

    def write(self, record: Record, place: Place) -> None:
        """Write the record over the version that was read. Raises Unavailable when that version has changed."""
        body = _secret(record, place)
        if record.version:
            body["metadata"]["resourceVersion"] = record.version
            self.api.apply(place.path("Secret", NAME), body)
        elif not self.api.create(place.collection("Secret"), body):
            msg = f"release {record.release} of {record.workload.app} meets a concurrent change: it is tried again"
            raise Unavailable(msg)

    def delete_earlier(self, record: Record, place: Place) -> None:
        """Delete the Secrets of earlier releases, none of which serves any more. Raises Unavailable as `write` does."""
        for config in record.earlier:
            self.api.delete(f"{place.collection('Secret')}/{config}")
        if record.earlier:
            self.write(replace(record, earlier=()), place)


def config_name(release: int) -> str:
    """Return the name of the Secret with a release's environment variables."""
    return f"config-{release}"


def config_secret(record: Record, place: Place, cipher: Cipher) -> dict[str, Any]:
    """Return the Secret with the environment variables of the record's release. Raises Rejected as the cipher does."""
    workload = record.workload
    values = {name: cipher.open(value) for name, value in workload.config.items() if name not in OWNED}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": record.config,
            "namespace": place.namespace,
            "labels": labels_of(workload.app, workload.environment),
        },
        "type": "Opaque",
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in values.items()},
    }


def _secret(record: Record, place: Place) -> dict[str, Any]:
    workload = record.workload
    fields = {
        "workload": asdict(workload),
        "kind": record.kind.value,
        "config": record.config,
        "earlier": record.earlier,
        "prepared": record.prepared,
        "leaving": record.leaving,
        "counted": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": place.name(NAME),
            "namespace": place.namespace,
            "labels": labels_of(workload.app, workload.environment),
            "annotations": {RELEASE: str(workload.release)},
        },
        "type": "Opaque",
        "data": {"record": base64.b64encode(json.dumps(fields).encode()).decode()},
    }
