"""A Kubernetes API server on this machine: real HTTP, and the few rules that the adapters rely on.

Apply creates or replaces what one manager said and keeps status and the server's own metadata; a
resourceVersion in the body must be the object's; a spec that changes counts the generation up; a namespace
must be there, and takes all that is in it along; what is deleted in the foreground waits for what it owns.
Answers are shaped as a real server's (1.35).
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from functions.common.adapters.kubernetes.api import KubernetesApi
from functions.common.adapters.kubernetes.names import WORKLOADS

Object = dict[str, Any]
_OBJECT = re.compile(r"^(?P<group>/apis?/.+?/namespaces/(?P<namespace>[^/]+)/(?P<plural>[^/]+))(?:/(?P<name>[^/]+))?$")
_NAMESPACE = re.compile(r"^/api/v1/namespaces/(?P<namespace>[^/]+)$")
_LOG = re.compile(r"/pods/(?P<pod>[^/]+)/log$")


class LoopbackKubernetes(ThreadingHTTPServer):
    """Read and change `objects` by path, `logs` by (pod, container); `calls` are method and path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.objects: dict[str, Object] = {}
        self.logs: dict[tuple[str, str], str] = {}
        self.calls: list[tuple[str, str]] = []
        self.refusals: list[tuple[int, str]] = []
        self.guard = threading.RLock()
        self.version = 0

    @property
    def api(self) -> KubernetesApi:
        """Return a client of this server."""
        return api_at(f"http://127.0.0.1:{self.server_port}")

    def of_kind(self, kind: str) -> list[Object]:
        """Return the objects of a kind, by path."""
        return [found for _, found in sorted(self.objects.items()) if found["kind"] == kind]


def api_at(url: str) -> KubernetesApi:
    """Return a client of the server at a URL, without any credentials."""

    def configure(configuration: Any) -> None:  # noqa: ANN401 - the client's own
        configuration.host = url
        configuration.retries = 0

    return KubernetesApi(configure=configure)


class _Api(BaseHTTPRequestHandler):
    server: LoopbackKubernetes
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # the body follows the head at once

    def do_GET(self) -> None:
        """Answer an object, a list or a log."""
        path, query = self._begin()
        log = _LOG.search(path)
        if log:
            self._log(log["pod"], query)
        elif path in self.server.objects:
            self._answer(200, self.server.objects[path])
        elif path in WORKLOADS or ((match := _OBJECT.match(path)) and not match["name"]):
            self._answer(200, {"items": self._selected(path, query)})
        else:
            self._refuse(404, "not found")

    def do_POST(self) -> None:
        """Create."""
        path, _ = self._begin()
        body = self._body()
        path = f"{path}/{body['metadata']['name']}"
        if self._is_homeless(path) or self._is_refused():
            return
        with self.server.guard:
            if path in self.server.objects:
                self._refuse(409, "already exists")
            else:
                self._store(path, body, {}, 201)

    def do_PATCH(self) -> None:
        """Apply, or merge."""
        path, query = self._begin()
        path = path.removesuffix("/status")
        body, there = self._body(), self.server.objects.get(path)
        if self._is_homeless(path) or self._is_refused():
            return
        is_merge = self.headers["Content-Type"] != "application/apply-patch+yaml"
        if is_merge and there is None:
            self._refuse(404, "not found")
            return
        assert query["fieldManager"] == ["slipway"]
        wanted = body.get("metadata", {}).pop("resourceVersion", "")
        if wanted and (there is None or there["metadata"]["resourceVersion"] != wanted):
            self._refuse(409, "the object has been modified")
            return
        there = there or {}
        self._store(path, _merged(there, body) if is_merge else body, there, 200 if there else 201)

    def do_DELETE(self) -> None:
        """Delete an object, a namespace with its objects, or the objects of a selector."""
        path, query = self._begin()
        options = self._body() if int(self.headers.get("Content-Length") or 0) else {}
        with self.server.guard:
            self._delete(path, query, options)

    def _delete(self, path: str, query: dict[str, list[str]], options: Object) -> None:
        uid = options.get("preconditions", {}).get("uid")
        if "labelSelector" in query:
            for found in self._selected(path, query):
                del self.server.objects[f"{path}/{found['metadata']['name']}"]
            self._answer(200, {"kind": "Status"})
        elif uid and path in self.server.objects and self.server.objects[path]["metadata"]["uid"] != uid:
            self._refuse(409, "the UID in the precondition is not that of the object")
        elif options.get("propagationPolicy") == "Foreground" and self._owns(path):
            self.server.objects[path]["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
            self._answer(200, self.server.objects[path])
        elif self.server.objects.pop(path, None) is None:
            self._refuse(404, "not found")
        else:
            if _NAMESPACE.match(path):
                inside = f"/namespaces/{path.rpartition('/')[2]}/"
                for other in [one for one in self.server.objects if inside in one]:
                    del self.server.objects[other]
            self._answer(200, {"kind": "Status"})

    def _owns(self, path: str) -> bool:
        """Return whether the object owns others, which are deleted before it: by the test."""
        uid = self.server.objects.get(path, {}).get("metadata", {}).get("uid")
        owners = [one["metadata"].get("ownerReferences") or [] for one in self.server.objects.values()]
        return any(owner["uid"] == uid for found in owners for owner in found)

    def _begin(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        self.server.calls.append((self.command, parts.path))
        return parts.path, parse_qs(parts.query)

    def _body(self) -> Object:
        body: Object = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def _is_homeless(self, path: str) -> bool:
        match = _OBJECT.match(path)
        if match is None or f"/api/v1/namespaces/{match['namespace']}" in self.server.objects:
            return False
        self._refuse(404, f'namespaces "{match["namespace"]}" not found')
        return True

    def _is_refused(self) -> bool:
        if not self.server.refusals:
            return False
        self._refuse(*self.server.refusals.pop(0))
        return True

    def _store(self, path: str, body: Object, there: Object, status: int) -> None:
        with self.server.guard:
            self.server.version += 1
            old = there.get("metadata") or {}
            spec_changed = body.get("spec") != there.get("spec")
            metadata = {
                **body["metadata"],
                "uid": old.get("uid", f"uid-{self.server.version}"),
                "resourceVersion": str(self.server.version),
                "generation": old.get("generation", 0) + spec_changed,
                "creationTimestamp": old.get("creationTimestamp", f"2026-01-02T03:04:{self.server.version % 60:02}Z"),
            }
            stored = {**body, "metadata": metadata}
            if "status" in there and "status" not in body:
                stored["status"] = there["status"]
            self.server.objects[path] = stored
        self._answer(status, stored)

    def _selected(self, path: str, query: dict[str, list[str]]) -> list[Object]:
        wanted = dict(part.split("=", 1) for part in query.get("labelSelector", [""])[0].split(",") if part)
        inside = [
            found
            for one, found in sorted(self.server.objects.items())
            if path in {one.rpartition("/")[0], re.sub("/namespaces/[^/]+", "", one.rpartition("/")[0])}
        ]
        return [one for one in inside if wanted.items() <= (one["metadata"].get("labels") or {}).items()]

    def _log(self, pod: str, query: dict[str, list[str]]) -> None:
        text = self.server.logs.get((pod, query["container"][0]))
        if text is None:
            self._refuse(400, "container is waiting to start: ContainerCreating")
            return
        lines = text.splitlines(keepends=True)
        if query.get("timestamps") == ["true"]:
            since = query.get("sinceTime", [""])[0].removesuffix("Z")
            lines = [line for line in lines if line.partition(" ")[0] >= since]
        if "tailLines" in query:
            lines = lines[-int(query["tailLines"][0]) :]
        self._send(200, "".join(lines).encode(), "text/plain")

    def _refuse(self, status: int, message: str) -> None:
        fields = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status}
        self._answer(status, fields)

    def _answer(self, status: int, fields: Object) -> None:
        self._send(status, json.dumps(fields).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _merged(there: Object, change: Object) -> Object:
    merged = dict(there)
    for name, value in change.items():
        inner = there.get(name)
        merged[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


@contextmanager
def loopback_kubernetes(*namespaces: str) -> Iterator[LoopbackKubernetes]:
    """Yield a running server with these namespaces."""
    with LoopbackKubernetes() as server:
        for name in namespaces:
            server.objects[f"/api/v1/namespaces/{name}"] = {"kind": "Namespace", "metadata": {"name": name}}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
