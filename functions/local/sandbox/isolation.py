"""What separates builds and apps from the platform and from each other on this machine, found by trying it.

`namespaces` is the strongest: a program sees the system's programs, its own folders and its own processes. `users` is
for root without the right to make mounts, as in a container: each app and build is a user of its own.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from functions.common.errors import Rejected
from functions.local.files import exclusive_lock, write_private

if TYPE_CHECKING:  # 110 ms, of which each build would pay
    from functions.common.settings import Settings

LAUNCH = Path(__file__).with_name("launch.py")
IsolationKind = Literal["namespaces", "users", ""]
# What programs need of the system; users' folders, /root, /home, /run, /srv and /var are not among them.
_SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/etc", "/opt", "/sys"),
    *("/nix/store", "/gnu/store", "/var/lib/ca-certificates"),
)
# Variables with the path of a file that programs read: certificate authorities, and configuration of package managers.
_FILES = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"),
    *("PIP_CONFIG_FILE", "PIP_FIND_LINKS", "UV_CONFIG_FILE", "UV_FIND_LINKS", "NPM_CONFIG_USERCONFIG"),
    *("NPM_CONFIG_CAFILE", "npm_config_cafile", "npm_config_userconfig", "HTTPLIB2_CA_CERTS"),
)
_TMP_BYTES = 256 * 1024**2
_PROBE_SECONDS = 20.0
_ISOLATED = "isolated"
_USERS = "users.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a program; 0 is none. `memory`, `file_bytes` and `files` are of each single process."""

    memory: int = 0
    cores: int = 0
    processes: int = 0
    files: int = 0
    file_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The place of one program: `reads` and `writes` are its files and folders besides those of the system.

    `work` is a folder of the platform's for this program alone. Of `copied` it has a copy of its own, whose changes are
    below `work`; see Isolation.seen.
    """

    work: Path
    user: int
    reads: Sequence[Path] = ()
    writes: Sequence[Path] = ()
    copied: Path | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What this machine allows. `users` is the range from which builds and apps get users, empty without root."""

    kind: IsolationKind
    home: Path
    has_overlays: bool
    users: range
    reads: tuple[str, ...]

    def launch(
        self,
        box: Box,
        *,
        argv: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        inherit: Sequence[str] = (),
        seals: Mapping[str, str] | None = None,
        tty: bool = False,
        ending: str = "",
    ) -> dict[str, object]:
        """Make the folders of the box, and return what launch.py reads to become the program.

        `seals` are those of images, without which it does not start. It writes to the file `ending` how it ended.
        """
        overlays = self._overlays(box)
        self._make_folders(box, overlays)
        copies = () if box.copied is None or self.has_overlays else (self._copy(box, box.copied),)
        return {
            "kind": self.kind,
            "argv": list(argv),
            "folder": str(folder),
            "environment": dict(environment),
            "inherit": list(inherit),
            "seals": dict(seals or {}),
            "tty": tty,
            "ending": ending,
            "user": box.user if self.kind else 0,
            "limits": asdict(box.limits),
            "root": str(box.work / "root"),
            "hides": [str(self.home)],
            "reads": [*self.reads, *map(str, box.reads)],
            "writes": [*map(str, (*box.writes, *copies))],
            "overlays": overlays,
            "tmp_bytes": _TMP_BYTES,
        }

    def seen(self, box: Box) -> Path:
        """Return where the program finds what is in `copied`."""
        return box.copied if box.copied and self.has_overlays else box.work / "copy"

    def user(self, name: str) -> int:
        """Return the user of this name, the same at each call; 0 where builds and apps share the platform's."""
        if not self.users:
            return 0
        with exclusive_lock(self.home / "users.lock"):
            known = self._known_users()
            if name not in known:
                taken = set(known.values())
                known[name] = next((user for user in self.users if user not in taken), 0)
                if not known[name]:
                    msg = "every user of SLIPWAY_SANDBOX_USERS belongs to an app: give a longer range"
                    raise Rejected(msg)
                write_private(self.home / _USERS, json.dumps(known))
            return known[name]

    def forget_user(self, name: str) -> None:
        """Let another app have the user of this name."""
        if self.users:
            with exclusive_lock(self.home / "users.lock"):
                known = self._known_users()
                if known.pop(name, 0):
                    write_private(self.home / _USERS, json.dumps(known))

    def _let_pass(self, folder: Path) -> None:
        """Let users of apps and builds reach a folder below those of the platform, where nothing else shows it."""
        if self.kind == "users":
            for parent in folder.parents:
                if parent.is_relative_to(self.home):
                    parent.chmod(0o711)

    def _known_users(self) -> dict[str, int]:
        try:
            return dict(json.loads((self.home / _USERS).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def _overlays(self, box: Box) -> list[dict[str, str]]:
        if box.copied is None or not self.has_overlays:
            return []
        return [{"at": str(box.copied), "upper": str(box.work / "upper"), "work": str(box.work / "changes")}]

    def _copy(self, box: Box, copied: Path) -> Path:
        copy = self.seen(box)
        if not copy.exists():
            draft = box.work / "draft"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(copied, draft, symlinks=True)
            give(draft, box.user)
            draft.chmod(0o700)
            draft.rename(copy)
        return copy

    def _make_folders(self, box: Box, overlays: Sequence[Mapping[str, str]]) -> None:
        own = [Path(one[name]) for one in overlays for name in ("upper", "work")]
        for folder in (box.work / "root", *own, *box.writes):
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True)
                self._let_pass(folder)
                if box.user and folder.name != "root":
                    os.chown(folder, box.user, box.user)


def build_user(app: str, environment: str) -> str:
    """Return the name of the user as whom the builds of an environment run."""
    return f"build of {app}/{environment}"


def build_cache(home: Path, app: str, environment: str) -> Path:
    """Return the folder that the builds of an environment share."""
    return home / "cache" / "builds" / app / environment


def give(folder: Path, user: int) -> None:
    """Give a tree to a user, links themselves included, if this is root."""
    if os.getuid() == 0:
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.lchown(os.path.join(parent, name), user, user)  # noqa: PTH118 - a tree may have 50,000 files
        os.lchown(folder, user, user)


# What this machine allows is found by trying it: no version says it, as kernels and containers differ.


def detect(settings: "Settings") -> Isolation:
    """Return the strongest isolation that works here. Raises Rejected when it is weaker than what is required."""
    given, home, is_root = settings.sandbox, settings.local.home, os.getuid() == 0
    reads = (*_SYSTEM, sys.prefix, sys.base_prefix, *_resolver(), *_named_files(settings), *given.paths)
    if given.mode == "off":
        return Isolation(kind="", home=home, has_overlays=False, users=range(0), reads=reads)
    found = _strongest(home, _mapped(given.users) if is_root else range(0), reads)
    if given.mode == "required" and found.kind != "namespaces":
        msg = f"SLIPWAY_SANDBOX=required, but {weakness(found)}"
        raise Rejected(msg)
    if is_root and not found.kind:
        msg = (
            f"builds and apps would run as root: no namespaces can be made here, and {_no_user(home)}. Allow mounts "
            "and PID namespaces (in a container: CAP_SYS_ADMIN), start the platform as a user who is not root, or push "
            "only what you trust and set SLIPWAY_SANDBOX=off"
        )
        raise Rejected(msg)
    return found


def _no_user(home: Path) -> str:
    """Return why builds and apps cannot become users of their own, with a remedy."""
    for folder in (Path(sys.base_prefix), Path(sys.prefix), home.absolute()):
        for parent in (folder, *folder.parents):
            if not parent.stat().st_mode & stat.S_IXOTH and not parent.is_relative_to(home.absolute()):
                return f"users of their own cannot enter {parent}, which leads to {folder}: `chmod o+x {parent}`"
    return "no process can become another user"


def _mapped(users: range) -> range:
    """Return the users, or where a container has no users of these numbers the last ones that it has."""
    file = Path("/proc/self/uid_map")
    known = [tuple(map(int, line.split())) for line in file.read_text().splitlines()] if file.exists() else []
    for first, _, count in known:
        if first <= users[0] and users[-1] < first + count:
            return users
    first, _, count = max(known, key=lambda one: one[2], default=(0, 0, 0))
    return range(first + count * 9 // 10, first + count - 2)  # the very last two are nobody


def weakness(isolation: Isolation) -> str:
    """Return what builds and apps are not kept from on this machine, in a sentence; empty when nothing is missing."""
    if isolation.kind == "users":
        return (
            "no namespaces can be made here: builds and apps run as users of their own, and read what every user of "
            "this machine may read. Allow mounts and PID namespaces (in a container: CAP_SYS_ADMIN)"
        )
    if not isolation.kind and os.getuid() == 0:
        return "builds and apps have no sandbox and run as root: push only what you trust"
    if not isolation.kind:
        return (
            "builds and apps have no sandbox: what is pushed can read and change all that you can, the platform's "
            "secrets included. Allow unprivileged user namespaces (Linux 5.12 or newer; on Ubuntu "
            "kernel.apparmor_restrict_unprivileged_userns=0), or push only what you trust"
        )
    return ""


def _strongest(home: Path, users: range, reads: tuple[str, ...]) -> Isolation:
    kinds: tuple[tuple[IsolationKind, bool], ...] = (("namespaces", True), ("namespaces", False), ("users", False))
    for kind, has_overlays in kinds:
        tried = Isolation(kind=kind, home=home, has_overlays=has_overlays, users=users, reads=reads)
        if (users or kind == "namespaces") and _works(tried):
            return tried
    return Isolation(kind="", home=home, has_overlays=False, users=range(0), reads=reads)


_PROBE = (
    "cat secret >/dev/null 2>&1 && exit 1; echo x > written || exit 1; "
    f'[ "$KIND" = users ] || [ ! -e "$HIDDEN" ] || exit 1; "$PYTHON" -I -S -c "print(\'{_ISOLATED}\')"'
)


def _works(isolation: Isolation) -> bool:
    """Return whether Python starts in this isolation, writes in its working folder, and reads no secret."""
    folder = Path(tempfile.mkdtemp(prefix=".probe-", dir=isolation.home))
    try:
        image = folder / "image"
        image.mkdir(mode=0o777)
        write_private(folder / "secret", "x")
        user = isolation.users[-1] if isolation.users else 0
        for parent in (folder, image):
            parent.chmod(0o777)
        box, argv = Box(work=folder / "work", user=user, copied=image), ("/bin/sh", "-c", _PROBE)
        hidden = str(folder / "secret")
        environment = {"PATH": os.defpath, "HIDDEN": hidden, "KIND": isolation.kind, "PYTHON": sys.executable}
        spec = isolation.launch(box, argv=argv, folder=isolation.seen(box), environment=environment)
        write_private(folder / "spec.json", json.dumps(spec))
        command = [sys.executable, "-I", "-S", str(LAUNCH), str(folder / "spec.json")]
        ran = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PROBE_SECONDS, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    else:
        return ran.stdout.strip() == _ISOLATED
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _resolver() -> tuple[str, ...]:
    """Return the file that resolv.conf leads to, where that is outside /etc."""
    target = os.path.realpath("/etc/resolv.conf")
    return () if target.startswith("/etc/") else (target,)


def _named_files(settings: "Settings") -> tuple[str, ...]:
    found = [settings.environment.get(name, "") for name in _FILES]
    return tuple(os.path.abspath(path) for path in found if path.startswith("/") and Path(path).exists())  # noqa: PTH100
