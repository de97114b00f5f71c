"""A small platform for tests of rollouts: a real supervisord, a real Caddy, a real database."""

import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from functions.common.adapters.local.deployer import LocalDeployer
from functions.common.adapters.local.network import LocalCertificates
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.system_clock import SystemClock
from functions.common.domain.release import Workload
from functions.common.events.release import WorkloadChanged
from functions.common.settings import Settings
from functions.local.builds.image import Manifest, store_image
from functions.local.platform.programs import caddy_command
from functions.local.ports import port_reservations
from functions.local.rollouts.supervision import ProcessManager
from functions.local.tools import beside_python
from tests.local.sandboxed import sandbox_settings
from tests.local.waiting import until
from tests.patience import patient

SAMPLE = Path(__file__).with_name("sample_app.py")
_SUPERVISORD = """
[unix_http_server]
file = {runtime}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
nodaemon = true
silent = true
{user}
logfile = {home}/supervisord.log
pidfile = {runtime}/supervisord.pid
childlogdir = {home}
[include]
files = apps.d/*.conf
"""


@dataclass(slots=True, kw_only=True)
class RolloutWorld:
    """Folders, ports and processes; `host` is that of the sample app."""

    home: Path
    runtime: Path
    database: Postgres
    settings: Settings
    apps_port: int
    gateway_port: int
    host: str = "hello.localhost"
    caddy: subprocess.Popen[bytes] | None = None
    supervisord: subprocess.Popen[bytes] | None = None

    @property
    def deployer(self) -> LocalDeployer:
        """What promote-image would call."""
        return LocalDeployer(database=self.database)

    @property
    def process_manager(self) -> ProcessManager:
        """The process manager."""
        return ProcessManager(socket=self.runtime / "supervisor.sock")

    def image(self, processes: dict[str, str], files: dict[str, bytes] | None = None, root: str = "") -> str:
        """Store an image of the sample app, with more files, and return its digest; those in `bin` are programs."""
        draft = Path(tempfile.mkdtemp(dir=self.home))
        app = draft / "app" / root
        app.mkdir(parents=True)
        shutil.copy(SAMPLE, app / "app.py")
        for name, content in (files or {}).items():
            (app / name).parent.mkdir(exist_ok=True)
            (app / name).write_bytes(content)
            (app / name).chmod(0o755 if name.startswith("bin/") else 0o644)
        (draft / "venv" / "bin").mkdir(parents=True)
        (draft / "venv" / "bin" / "python").symlink_to(sys.executable)
        (self.home / "images").mkdir(exist_ok=True)
        return store_image(draft, Manifest(kind="python", processes=processes, root=root), self.home / "images")

    def workload(self, release: int, mode: str = "", **changes: object) -> Workload:
        """Return a workload of the sample app."""
        processes = {"web": "exec python app.py"}
        extra, files = changes.pop("processes", {}), changes.pop("files", {})
        assert isinstance(extra, dict)
        assert isinstance(files, dict)
        processes |= extra
        fields: dict[str, object] = {
            "app": "hello",
            "environment": "production",
            "label": "hello",
            "hosts": (self.host,),
            "release": release,
            "push": f"push-{release}",
            "sha": f"{release:040x}",
            "digest": self.image(processes, files),
            "image": "local/hello",
            "processes": processes,
            "config": {"MODE": mode, "TRICKY": "100%d \"quoted\" 'and' $HOME\nline"},
            "health_path": "/up",
        }
        return Workload(**(fields | changes))  # type: ignore[arg-type] # a test's own words

    def certify(self) -> None:
        """Ask for the sample app's certificate."""
        LocalCertificates(database=self.database, clock=SystemClock()).ensure(self.host, owner="hello")

    def certified(self) -> bool:
        """Return whether Caddy has the sample app's certificate."""
        return LocalCertificates(database=self.database, clock=SystemClock()).status(self.host).ready

    def reports(self) -> list[WorkloadChanged]:
        """Return all reports, oldest first."""
        rows = self.database.run("select event from platform.reports order by id")
        return [WorkloadChanged.model_validate(row[0]) for row in rows]

    def ended(self, release: int, *, seconds: float = 20) -> WorkloadChanged:
        """Return the last report on a release."""
        return until(lambda: self._ended(release), seconds=seconds, why=f"the end of release {release}")

    def live(self, release: int) -> None:
        """Wait until the release is live."""
        report = self.ended(release)
        assert report.phase == "live", report

    def _ended(self, release: int) -> WorkloadChanged | None:
        found = [one for one in self.reports() if one.release == release and one.phase in {"live", "failed"}]
        return found[-1] if found else None

    def stages(self) -> dict[int, str]:
        """Return release -> stage."""
        return dict(self.database.run("select release, stage from platform.versions order by release"))

    def client_context(self) -> ssl.SSLContext:
        """Return a context that trusts Caddy's authority alone."""
        return ssl.create_default_context(cafile=str(self.home / "caddy/pki/authorities/local/root.crt"))

    def start_supervisord(self) -> None:
        """Start the process manager."""
        config = self.home / "supervisord.conf"
        user = "user = root" if Path.home() == Path("/root") else ""
        config.write_text(_SUPERVISORD.format(runtime=self.runtime, home=self.home, user=user))
        argv = [sys.executable, str(beside_python("supervisord")), "--nodaemon", "--configuration", str(config)]
        self.supervisord = subprocess.Popen(argv, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until((self.runtime / "supervisor.sock").exists, why="supervisord")

    def start_caddy(self) -> None:
        """Start Caddy as the platform does."""
        folder = self.home / "caddy"
        folder.mkdir(exist_ok=True)
        first = folder / "initial.json"
        first.write_text('{"admin": {"listen": "unix/%s/caddy.sock"}}' % self.runtime)  # noqa: UP031 - braces
        own = {"XDG_CONFIG_HOME": str(folder / "config"), "XDG_DATA_HOME": str(folder / "data"), "HOME": str(folder)}
        argv = caddy_command(first, apps=self.apps_port, gateway=self.gateway_port)
        with (self.home / "caddy.log").open("ab") as log:
            self.caddy = subprocess.Popen(argv, env=own, stdout=log, stderr=log)
        until((self.runtime / "caddy.sock").exists, why="Caddy")

    def stop_supervisord(self) -> None:
        """Stop all apps, and then the process manager, which has nothing left to wait for."""
        if not self.supervisord:
            return
        for name in self.process_manager.states():
            self.process_manager.remove(name)
        self.supervisord.kill()
        self.supervisord.wait()
        (self.runtime / "supervisor.sock").unlink(missing_ok=True)
        self.supervisord = None


@contextmanager
def rollout_world(database: str, home: Path, pause: float) -> Iterator[RolloutWorld]:
    """Yield a platform without a controller; everything is stopped afterwards."""
    with port_reservations() as ports:
        yield from _rollout_world(database, home, pause, apps_port=ports.take(), gateway_port=ports.take())


def _rollout_world(
    database: str, home: Path, pause: float, *, apps_port: int, gateway_port: int
) -> Iterator[RolloutWorld]:
    runtime = Path(tempfile.mkdtemp(prefix="sw-"))
    (home / "apps.d").mkdir(parents=True)
    environment = {
        "DATABASE_URL": database,
        "K_SINK": "http://127.0.0.1:9/",
        "DEFAULT_DOMAIN": "localhost",
        "SLIPWAY_PLATFORM": "local",
        "SLIPWAY_LOCAL_HOME": str(home),
        "SLIPWAY_LOCAL_RUNTIME": str(runtime),
        "SLIPWAY_APPS_PORT": str(apps_port),
        "SLIPWAY_GATEWAY_URL": f"http://127.0.0.1:{gateway_port}",
        "SLIPWAY_CANARY_PAUSE": str(pause),
        "SLIPWAY_HEALTH_LIMIT": f"{patient(20):g}",
        "SLIPWAY_RELEASE_LIMIT": f"{patient(20):g}",
        "SLIPWAY_DRAIN_GRACE": "4",
        **sandbox_settings(home),
    }
    world = RolloutWorld(
        home=home,
        runtime=runtime,
        database=Postgres(database),
        settings=Settings(environment=environment),
        apps_port=apps_port,
        gateway_port=gateway_port,
    )
    try:
        world.start_supervisord()
        world.start_caddy()
        yield world
    finally:
        world.stop_supervisord()
        if world.caddy:
            world.caddy.kill()
            world.caddy.wait()
        shutil.rmtree(runtime, ignore_errors=True)
        world.database.close()
