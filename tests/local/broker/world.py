"""A real NATS and a real broker as processes that tests may kill, and Services to deliver to."""

import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from functions.local.instance import Instance
from functions.local.platform.programs import CODE, nats_program
from functions.local.ports import PortReservations
from tests.local.broker.services import RecordingService, Respond
from tests.local.project import write_project
from tests.local.waiting import until
from tests.patience import patient

PATIENCE = 30.0


class World:
    """One broker."""

    def __init__(
        self, folder: Path, manifests: str, responders: Mapping[str, Respond], clock: str = "3600", token: str = ""
    ) -> None:
        self.services = {name: RecordingService(respond) for name, respond in responders.items()}
        self._root = write_project(folder / "project", manifests)
        self._home = folder / "home"
        (self._home / "nats").mkdir(parents=True)
        self._clock, self._token = clock, token
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.port = 0
        self.nats_url = ""
        self._commands: dict[str, list[str]] = {}

    @contextmanager
    def running(self) -> Iterator["World"]:
        """Run everything, and end it afterwards."""
        reservations = PortReservations()
        with ExitStack() as stack:
            for service in self.services.values():
                stack.enter_context(service.listening())
            stack.callback(reservations.release)
            ports = {name: service.port for name, service in self.services.items()}
            ports |= {"broker": reservations.take(0), "nats": reservations.take(0), "nats_health": reservations.take(0)}
            self.port = ports["broker"]
            instance = Instance(
                home=self._home,
                mark="test",
                ports=ports,
                database_password="none",
                nats_token="loopback",
                webhook_secret="none",
                admin_token="none",
                event_token=self._token,
            )
            instance.save()
            self.nats_url = instance.nats_url
            self._commands = {
                "nats": list(nats_program(instance).command),
                "broker": [sys.executable, "-m", "functions.local.broker"],
            }
            stack.callback(self._end)
            self.start("nats")
            self.start("broker")
            self.wait(lambda: self.status() == 200)
            yield self

    def start(self, name: str) -> None:
        """Start a process."""
        environment = {
            "SLIPWAY_LOCAL_HOME": str(self._home),
            "SLIPWAY_LOCAL_CLOCK": self._clock,
            "PYTHONPATH": str(CODE),
        }
        with (self._home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self._commands[name], cwd=self._root, env=environment, stdout=log, stderr=log
            )

    def log(self, name: str = "broker") -> str:
        """Return what a process has logged."""
        return (self._home / f"{name}.log").read_text()

    def kill(self, name: str) -> None:
        """Kill a process as nothing can be prepared for, and start it again."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()
        self.start(name)

    def _end(self) -> None:
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            process.wait(patient(30))  # NATS may end first: then each consumer waits for it a while

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait for something. Fails when it does not come."""
        until(condition, seconds=seconds)

    def status(self) -> int:
        """Return the status of the broker's health, 0 when it does not answer."""
        return self.request("GET", "/healthz")[0]

    def request(
        self, method: str, path: str = "/", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, str]:
        """Return status and text of an answer; status 0 when there was none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patient(10))
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def send(self, event_type: str, event_id: str, data: object = None, **extensions: str) -> int:
        """Send an event in the binary mode and return the status."""
        headers = {"ce-specversion": "1.0", "ce-id": event_id, "ce-source": "/test", "ce-type": event_type}
        headers |= {f"ce-{name}": value for name, value in extensions.items()} | {"content-type": "application/json"}
        return self.request("POST", "/", headers, json.dumps(data).encode())[0]

    def send_surely(self, event_type: str, event_id: str, data: object = None) -> None:
        """Send until it is accepted, as a publisher with an outbox does."""
        self.wait(lambda: self.send(event_type, event_id, data) == 202)
