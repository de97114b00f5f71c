"""Invariant 17, isolated: a build or app reads and changes nothing of the platform or of another app.

Each test is an exploit that runs on the real platform of one machine: builds and apps that do harm are pushed to it.
"""

import json
import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.settings import Settings
from functions.local.builds.image import image_folder, tree_digest
from functions.local.instance import Instance
from functions.local.platform.processes import processes
from functions.local.platform.supervisor import call
from functions.local.sandbox.isolation import detect, weakness
from tests.local.pipeline.developer import Developer, begin
from tests.local.pipeline.stage import Stage
from tests.local.processes import is_running
from tests.local.sandboxed import sandbox_settings
from tests.local.waiting import until

SHELL = """
import http.server, os, subprocess, urllib.parse

class Shell(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        command = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("run", [""])[0]
        ran = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(ran.stdout)

    def log_message(self, *values):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shell).serve_forever()
"""
LIMITS = {
    "SLIPWAY_BUILD_STORAGE": "256Mi",
    "SLIPWAY_BUILD_MEMORY": "512Mi",
    "SLIPWAY_BUILD_PROCESSES": "200",
}
SECRET = "a-config-value-of-the-victim"
READ_ALL = (
    "cat {home}/endpoints.json {home}/instance.json {home}/apps.d/* {home}/nats/nats.conf /proc/*/environ"
    " {home}/images/*/app/only-here {home}/apps/victim/*/*/*/*/note; ls {home}/images; true"
)
IN_THE_IMAGE, WRITTEN = "a-file-of-the-victims-image", "what-the-victim-wrote"
STATIC = {"index.html": "home", ".env": "TOKEN=1", ".git-credentials": "x", "Procfile": "", "docs/.hidden": "x"}


@dataclass(frozen=True, slots=True)
class Attacker:
    """An app whose owner runs any command inside it."""

    dev: Developer

    def run(self, command: str, *, host: str = "") -> str:
        """Return what a command prints inside the app, or its preview at a host."""
        status, text = self.dev.stage.get(host or self.dev.app, f"/?run={quote(command)}")
        assert status == 200, (status, text)
        return text


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """Return a platform of these tests' own, where this machine allows the isolation that they are about."""
    # Not tmp_path: PostgreSQL may run as another user, who must be able to reach the folder.
    with tempfile.TemporaryDirectory(prefix="slipway-isolated-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        given = {"SLIPWAY_LOCAL_HOME": folder, **sandbox_settings(Path(folder))}
        if missing := weakness(detect(Settings(environment=given))):
            pytest.skip(missing)
        stage = Stage(folder=Path(folder), settings=LIMITS)
        try:
            stage.start()
            yield stage
        finally:
            stage.stop()


def attacker(stage: Stage, name: str) -> Attacker:
    dev = begin(stage, name)
    dev.deploy({"app.py": SHELL})
    return Attacker(dev)


@pytest.fixture(scope="module")
def mallory(stage: Stage) -> Attacker:
    return attacker(stage, "mallory")


@pytest.fixture(scope="module")
def victim(stage: Stage, mallory: Attacker) -> Attacker:
    """Return another app, which has the very commit of the attacker's, a secret, and a preview with a file more."""
    dev = begin(stage, "victim")
    dev.paas("config", "set", f"SECRET={SECRET}")
    dev.git("fetch", "--quiet", str(mallory.dev.clone), "HEAD")
    dev.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    dev.push()
    stage.live(dev.git("rev-parse", "HEAD").strip(), "victim")
    (dev.clone / "only-here").write_text(IN_THE_IMAGE)
    sha = dev.commit_tree()
    dev.push("HEAD:refs/heads/side")
    stage.live(sha, "victim")
    found = Attacker(dev)
    assert found.run(f"echo {WRITTEN} | tee note $HOME/note /tmp/note", host="side--victim") == f"{WRITTEN}\n"
    return found


def secrets(stage: Stage) -> list[str]:
    instance = stage.platform.instance
    own = {name: getattr(instance, name) for name in Instance.__slots__}
    found = [value for name, value in own.items() if isinstance(value, str) and name != "mark"]
    assert len(found) > 5
    return [*found, SECRET, IN_THE_IMAGE, WRITTEN]


def programs(stage: Stage) -> dict[str, str]:
    """Return the process of each program of the platform."""
    found = call(stage.platform.supervisor.socket, "getAllProcessInfo")
    return {one["name"]: str(one["pid"]) for one in found if not one["name"].startswith("app.")}


def build(stage: Stage, app: str, script: str, *, seconds: float = 60) -> tuple[dict[str, object], str]:
    """Push a Node app with this build script, and return how it ended and the log of its build."""
    dev = begin(stage, app)
    for path in dev.clone.iterdir():
        assert path.name == ".git"
    package = {"scripts": {"start": "node server.js", "build": "sh ./build.sh"}}
    server = "require('http').createServer((_, answer) => answer.end('up')).listen(process.env.PORT, '127.0.0.1')"
    for name, text in {"package.json": json.dumps(package), "build.sh": script, "server.js": server}.items():
        (dev.clone / name).write_text(text)
    sha = dev.commit_tree()
    dev.push()
    ended = stage.ended(sha, app, seconds=seconds)
    (log,) = (stage.home / "builds").glob(f"{app}-*.log")
    return ended, log.read_text(errors="replace")


pytestmark = pytest.mark.timeout(600)


def test_the_state_folder_is_open_to_its_owner_alone(stage: Stage, victim: Attacker) -> None:
    assert victim.run("echo up") == "up\n"
    assert not stat.S_IMODE(stage.home.stat().st_mode) & 0o067
    found = [
        path
        for part in stage.home.iterdir()
        if part.name not in {"images", "cache", "apps", "tools", "git"}
        for path in (part, *part.rglob("*"))
        if path.is_file() and not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]

    assert found == []


def test_a_build_reads_no_secret_of_the_platform_or_of_another_app(stage: Stage, victim: Attacker) -> None:
    assert victim.run("echo $SECRET") == f"{SECRET}\n"
    home = shlex.quote(str(stage.home))
    before = programs(stage)
    kill = f"for pid in {' '.join(before.values())}; do kill -9 $pid; done"
    script = f"{READ_ALL.format(home=home)}\nls {home}; head -c 50 /etc/shadow; env; {kill}; true"
    ended, log = build(stage, "reader", script)

    assert ended["state"] == "live", log
    assert stage.platform.supervisor.process.poll() is None
    assert programs(stage) == before
    assert [secret for secret in secrets(stage) if secret in log] == []
    assert "endpoints.json\n" not in log.replace("can't open", "").replace("cat: ", "")
    assert "root:" not in log


def test_a_build_changes_no_image_of_another_app(stage: Stage, victim: Attacker) -> None:
    script = f"for f in {stage.home}/images/*/app/app.py; do chmod u+w $f; echo 'print(666)' >> $f; done; true"
    build(stage, "vandal", script)

    assert victim.run("cat app.py").count("666") == 0
    assert [path for path in (stage.home / "images").glob("*/app/app.py") if "666" in path.read_text()] == []


@pytest.mark.parametrize(
    ("app", "step", "script"),
    [
        ("manifest", "build script", "ln -s {home}/instance.json ../slipway.json"),
        ("root", "build script", "cd .. && mv app hidden && ln -s / app"),
        ("folder", "build script", "cd .. && mv app /tmp/app && ln -s {home}/images app"),
        ("nothing", "build script", "cd .. && rm -rf app"),
        ("pipe", "image", "mkfifo pipe"),
    ],
)
def test_a_build_leads_the_platform_nowhere_by_what_it_leaves(stage: Stage, app: str, step: str, script: str) -> None:
    file = stage.home / "instance.json"
    before = file.read_text()
    ended, log = build(stage, f"leads-{app}", script.format(home=stage.home))

    assert (ended["state"], ended["step"]) == ("failed", step), (ended, log)
    assert file.read_text() == before


def test_an_app_reads_no_secret_of_the_platform_or_of_another_app(
    stage: Stage, mallory: Attacker, victim: Attacker
) -> None:
    assert victim.run("echo $SECRET") == f"{SECRET}\n"
    found = mallory.run(READ_ALL.format(home=stage.home)) + mallory.run(f"ls {stage.home}; head -c 50 /etc/shadow")

    assert [secret for secret in secrets(stage) if secret in found] == []
    assert "endpoints.json\n" not in found.replace("cat: ", "")
    assert "root:" not in found


def test_an_app_sees_and_signals_no_process_but_its_own(stage: Stage, mallory: Attacker, victim: Attacker) -> None:
    marks = [stage.platform.supervisor.process.pid, *processes(stage.platform.instance.mark)]
    assert len(marks) > 10
    loop = " ".join(map(str, marks))
    killed = mallory.run(
        f"for p in {loop}; do grep -q -s -E 'supervisor|slipway|postgres' /proc/$p/cmdline && echo $p; done"
    )
    assert killed == ""
    assert (
        mallory.run(f"grep -l -s SLIPWAY_APP=victim -r /proc/*/environ; kill -9 {marks[0]} && echo killed").find(
            "/proc"
        )
        < 0
    )
    assert stage.platform.supervisor.process.poll() is None
    assert victim.run("echo up") == "up\n"


def test_two_apps_of_one_commit_and_a_preview_share_no_folder(mallory: Attacker, victim: Attacker) -> None:
    folders = victim.run("pwd; echo $HOME").split()
    assert victim.run("echo mine | tee note $HOME/note /tmp/note") == "mine\n"
    look = f"cat {' '.join(f'{one}/note' for one in folders)} note $HOME/note /tmp/note; true"

    assert WRITTEN not in victim.run(look)
    assert "mine" not in victim.run(look, host="side--victim")
    assert "mine" not in mallory.run(look)


def test_an_app_writes_in_its_working_folder_and_not_in_its_image(stage: Stage, mallory: Attacker) -> None:
    (release,) = [one for one in mallory.dev.paas_json("releases") if one["state"] == "live"]
    image = image_folder(stage.home / "images", release["digest"])
    harm = f"for f in app.py {image}/slipway.json $(readlink -f ../venv)/pyvenv.cfg; do echo x >> $f; done"
    mallory.run(f"{harm}; touch new ../venv/new {image}/new; rm {image}/slipway.json; true")

    assert mallory.run("ls new; tail -1 app.py") == "new\nx\n"
    assert tree_digest(image) == release["digest"]


def test_the_platforms_and_the_apps_programs_still_have_what_they_need(mallory: Attacker) -> None:
    assert "127.0.0.1" in mallory.run("python -c \"import socket; print(socket.gethostbyname('localhost'))\"")
    assert mallory.run("ls /etc/ssl/certs | head -1; test -r /etc/resolv.conf && echo resolves").endswith("resolves\n")
    assert (
        mallory.run("python -c \"import ssl; print(ssl.create_default_context().cert_store_stats()['x509'] > 0)\"")
        == "True\n"
    )
    assert mallory.run("node --version").startswith("v")
    assert (
        mallory.run("echo x > /tmp/x && cat /tmp/x && test -w /dev/null && head -c1 /dev/urandom | wc -c") == "x\n1\n"
    )


def test_nothing_survives_the_end_of_a_build_and_no_build_waits_for_it(stage: Stage) -> None:
    script = (
        "sleep 7501 & setsid sleep 7502 & nohup setsid sh -c 'sleep 7503 & sleep 7503' >/dev/null 2>&1 & echo built"
    )
    ended, log = build(stage, "lingering", script)

    assert ended["state"] == "live", log
    assert "built" in log
    assert [name for name in ("7501", "7502", "7503") if is_running("sleep", name)] == []


def test_nothing_survives_the_end_of_a_release_command_a_one_off_command_or_an_app(stage: Stage) -> None:
    dev = begin(stage, "leaver")
    release = "release: sleep 7521 & setsid sleep 7522 & setsid -f sleep 7523 >/dev/null 2>&1; echo released"
    dev.deploy({"app.py": SHELL, "Procfile": f"web: python app.py\n{release}\n"})
    assert [name for name in ("7521", "7522", "7523") if is_running("sleep", name)] == []
    dev.paas("run", "sh", "-c", "setsid sleep 7511 >/dev/null 2>&1 & setsid -f sleep 7512 >/dev/null 2>&1; echo done")
    assert [name for name in ("7511", "7512") if is_running("sleep", name)] == []
    assert Attacker(dev).run("setsid -f sleep 7513 >/dev/null 2>&1; echo begun") == "begun\n"
    assert is_running("sleep", "7513")
    dev.paas("undeploy")

    until(lambda: not is_running("sleep", "7513"), seconds=30, why="the end of all of the app")


def test_an_image_that_was_changed_on_disk_is_not_started_and_is_built_again(stage: Stage) -> None:
    dev = attacker(stage, "changed").dev
    (release,) = dev.paas_json("releases")
    file = image_folder(stage.home / "images", release["digest"]) / "app" / "app.py"
    before = file.stat()
    file.chmod(0o644)
    file.write_text(file.read_text().replace("404", "405") + "\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    dev.paas("restart")
    failed = until(
        lambda: [one for one in dev.paas_json("releases") if one["state"] == "failed"],
        seconds=30,
        why="the end of the restart",
    )
    assert "was changed on disk" in failed[0]["reason"], failed
    assert Attacker(dev).run("echo up") == "up\n"
    sha = dev.commit_tree("build it again")
    dev.push()
    stage.live(sha, "changed")
    assert dev.paas_json("releases")[0]["digest"] == release["digest"]


def test_a_static_site_serves_neither_dotfiles_nor_its_procfile(stage: Stage) -> None:
    dev = begin(stage, "plain")
    files = {
        **STATIC,
        ".well-known/security.txt": "contact",
        ".well-known/.env": "x",
        "a b.html": "b",
        "sub/index.html": "s",
    }
    for name, text in files.items():
        (dev.clone / name).parent.mkdir(parents=True, exist_ok=True)
        (dev.clone / name).write_text(text)
    sha = dev.commit_tree()
    dev.push()
    stage.live(sha, "plain")

    served = {path: stage.get("plain", path)[0] for path in ("/", "/a%20b.html", "/sub/", "/.well-known/security.txt")}
    assert set(served.values()) == {200}, served
    hidden = (
        "/.env",
        "/%2eenv",
        "//.env",
        "/./.env",
        "/sub/../.env",
        "/sub/..%2f.env",
        "/.git-credentials",
        "/docs/.hidden",
        "/Procfile",
        "/procfile",
        "/%50rocfile",
        "/.well-known/.env",
        "/.well-known/../.env",
        "/../../instance.json",
    )
    assert {path: status for path in hidden if (status := stage.get("plain", path)[0]) not in {400, 404}} == {}


@pytest.mark.parametrize(
    ("app", "target"),
    [("absolute", "/etc/shadow"), ("state", "../../../../endpoints.json"), ("beside", "../../outside")],
)
def test_a_link_that_leaves_a_static_site_fails_the_build(stage: Stage, app: str, target: str) -> None:
    dev = begin(stage, f"linked-{app}")
    (dev.clone / "sub").mkdir()
    (dev.clone / "index.html").write_text("home")
    (dev.clone / "sub" / "inside.html").symlink_to("../index.html")
    (dev.clone / "sub" / "leak.html").symlink_to(target)
    sha = dev.commit_tree()
    dev.push()
    ended = stage.ended(sha, dev.app)

    assert ended["state"] == "failed", ended
    assert "sub/leak.html is a link" in json.dumps(ended)


def test_functions_have_no_superuser_of_the_database(stage: Stage) -> None:
    (pid,) = [
        pid
        for pid in processes(stage.platform.instance.mark)
        if b"manage_apps" in Path(f"/proc/{pid}/environ").read_bytes()
    ][:1]
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    url = next(line.partition("=")[2] for line in variables if line.startswith("DATABASE_URL="))
    database = Postgres(url)
    try:
        assert database.run(
            "select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
        ) == [[False, False, False]]
    finally:
        database.close()


def test_a_build_that_forks_without_end_takes_no_more_than_its_processes(stage: Stage, victim: Attacker) -> None:
    ended, log = build(stage, "forks", "f() { f | f & }; f; sleep 3; true", seconds=90)

    assert ended["final"]
    assert "Cannot fork" in log or "Resource temporarily unavailable" in log
    assert victim.run("echo up") == "up\n"


@pytest.mark.parametrize(
    ("app", "script", "words"),
    [
        ("filler", "while :; do head -c 20000000 /dev/zero > big$((n=n+1)); done", "more than 256 MiB of disk"),
        (
            "eater",
            "node -e 'const kept = []; for (;;) kept.push(Buffer.alloc(1e7, 1))'",
            "more than 512 MiB of memory",
        ),
        ("flood", "yes flood", "printed more than 100 MiB"),
    ],
)
def test_a_build_that_takes_too_much_ends_in_words(
    stage: Stage, victim: Attacker, app: str, script: str, words: str
) -> None:
    ended, log = build(stage, app, script, seconds=90)

    assert ended["state"] == "failed", log[-1000:]
    assert words in json.dumps(ended), ended
    assert len(log) < 11 * 1024**2
    assert victim.run("echo up") == "up\n"
