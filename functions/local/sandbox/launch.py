"""Becomes a process of an app or a build: `python -I -S launch.py FILE`; FILE is JSON as `isolation.py` writes it.

So an app's secrets pass through no shell's quoting and are not in the process manager's configuration. It imports
nothing of the platform.

With `namespaces` three processes remain: this one waits, the first of a new PID namespace reaps what programs leave,
and the third is the program. When it ends, the first one does, and with it the system ends all of the namespace.
Without namespaces the second one is a guard, which does what the system would do.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import sys
import termios

TYPE_CHECKING = False  # typing is slow to import, too
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Spec = dict[str, Any]
_GROUP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
_SIGNALLED = 128


def main() -> None:
    """Execute the command."""
    os.umask(0o022)  # that of the platform is for its own files
    signal.pthread_sigmask(signal.SIG_BLOCK, _GROUP_SIGNALS)  # they are for the program alone
    spec = json.loads(_read(sys.argv[1]))
    if not os.path.isdir(spec["folder"]):
        sys.exit(f"the image is gone: {spec['folder']} does not exist; push again, or roll back to another release")
    for image, expected in spec["seals"].items():
        if seal(image) != expected:
            sys.exit(f"the image {image} was changed on disk, and is not started: push a commit, even an empty one")
    try:
        if spec["kind"] == "namespaces":
            _isolate(spec)
        elif sys.platform == "linux":
            _supervise(spec)
        else:
            _execute(spec)
    except OSError as error:
        sys.exit(f"the program cannot be isolated: {error}")


def seal(folder: str) -> str:
    """Return a text that differs once anything below the folder was written: no program can set a time of change."""
    import hashlib  # noqa: PLC0415 - it takes 3 ms, which no step of a build needs

    whole = hashlib.sha256()
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as found:
            for entry in sorted(found, key=lambda one: one.name):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                    continue
                is_ = entry.stat(follow_symlinks=False)
                facts = f"{is_.st_mode} {is_.st_ino} {is_.st_size} {is_.st_mtime_ns} {is_.st_ctime_ns}"
                whole.update(os.fsencode(entry.path[len(folder) :]) + f"\0{facts}\n".encode())
    return whole.hexdigest()


def _isolate(spec: Spec) -> NoReturn:
    """Run the command in namespaces of its own, and exit with its exit code."""
    ending = _Ending(spec["ending"])
    alive, ours = os.pipe()
    _unshare()
    first = os.fork()
    if first:
        os.close(alive)
        _pass_on(first)
        _, status = os.waitpid(first, 0)
        ending.exit(_exit_code(status))
    os.close(ours)
    _make_root(spec)
    _become_user(spec)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if select.select([alive], [], [], 0)[0]:  # this process's parent was killed before
        os._exit(1)
    program = _start(spec)
    while True:
        ended, status = os.wait()
        if ended == program:
            os._exit(_exit_code(status))


def _start(spec: Spec) -> int:
    """Start the program and return its id; one with a terminal has a session of its own, and signals are passed on."""
    program = os.fork()
    if not program:
        _become_program(spec)
    _pass_on(program)
    if spec["tty"]:
        _forward_to(program)
    return program


def _become_program(spec: Spec) -> NoReturn:
    if spec["tty"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # the terminal becomes that of the session, for Ctrl-C and jobs
    if spec["kind"] != "namespaces":
        _become_user(spec)
    _execute(spec)


def _pass_on(process: int) -> None:
    """Send a new process the signals that came before it was there; later ones reach it as a part of the group."""
    for number in signal.sigpending() & _GROUP_SIGNALS:
        os.kill(process, number)


def _forward_to(program: int) -> None:
    """Send later signals to the program's own group."""
    for number in _GROUP_SIGNALS:
        signal.signal(number, lambda passed, _: os.killpg(program, passed))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _GROUP_SIGNALS)


def _supervise(spec: Spec) -> NoReturn:
    """Run the command, end with it what it left behind, in whatever process group, and exit with its exit code.

    A second process, the guard, is not in this one's group: when the group is killed, it ends the rest.
    """
    ending = _Ending(spec["ending"])
    group, (reads, writes) = os.getpgrp(), os.pipe()
    guard = os.fork()
    if not guard:
        os.close(reads)
        _guard(spec, group, writes)
    os.close(writes)
    if program := int(os.read(reads, 32) or 0):
        _pass_on(program)
        if spec["tty"]:
            _forward_to(program)
    _, status = os.waitpid(guard, 0)
    if program and os.WIFSIGNALED(status):  # then the program still runs
        _kill(program)
    ending.exit(_exit_code(status))


def _guard(spec: Spec, group: int, writes: int) -> NoReturn:
    """Start the program in the group of the first process, and end all of its descendants when it or that one ends."""
    first = os.getppid()
    os.setpgid(0, 0)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    program = os.fork()
    if not program:
        if not spec["tty"]:
            os.setpgid(0, group)
        _become_program(spec)
    signal.signal(signal.SIGUSR1, lambda *_: _kill(program))
    _prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)
    if os.getppid() != first:  # it was killed before
        _kill(program)
    if not spec["tty"]:
        with contextlib.suppress(OSError):  # it has done so itself, or has begun to run
            os.setpgid(program, group)
    os.write(writes, str(program).encode())
    os.close(writes)
    os._exit(_end_with(program))


def _end_with(program: int) -> int:
    """Wait for the program, end what it left behind, and return its exit code."""
    ended, code = 0, 0
    while ended != program:
        ended, status = os.wait()
        code = _exit_code(status)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # its id may be another process's now
    try:
        while True:
            for child in _children():
                _kill(child)
            os.wait()
    except ChildProcessError:
        return code


class _Ending:
    """The file in which a program's end is recorded; it is opened before the root folder is another one.

    It keeps the last end while the program runs again. Without a file nothing is recorded.
    """

    def __init__(self, file: str) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600) if file else -1
        self._counts = os.open("/proc/vmstat", os.O_RDONLY | os.O_CLOEXEC) if file else -1
        self._kills = self._oom_kills()

    def exit(self, code: int) -> NoReturn:
        """Exit with the program's exit code."""
        if self._file >= 0:
            text = json.dumps({"code": code, "oom": self._oom_kills() > self._kills}).encode()
            os.pwrite(self._file, text, 0)
            os.ftruncate(self._file, len(text))
        os._exit(code)

    def _oom_kills(self) -> int:
        """Return how many processes the system has ended for lack of memory."""
        text = os.pread(self._counts, 65_536, 0).decode() if self._counts >= 0 else ""
        return int(dict(line.split() for line in text.splitlines()).get("oom_kill", 0))


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _children() -> list[int]:
    return [int(word) for word in _read(f"/proc/self/task/{os.getpid()}/children").split()]


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _SIGNALLED - code


def _execute(spec: Spec) -> NoReturn:
    for number in (*_GROUP_SIGNALS, signal.SIGPIPE, signal.SIGXFSZ):  # Python, nohup and `&` ignore some of them
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _GROUP_SIGNALS)
    _limit(spec["limits"])
    os.chdir(spec["folder"])
    inherited = {name: value for name, value in os.environ.items() if name in spec["inherit"]}  # noqa: TID251 - no settings
    try:
        os.execvpe(spec["argv"][0], spec["argv"], {**inherited, **spec["environment"]})  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"{spec['argv'][0]} cannot be started: {error.strerror}\n")
        os._exit(127)


def _become_user(spec: Spec) -> None:
    """Become the user of the app or build, and let no program of it gain rights again."""
    if user := spec["user"]:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if spec["kind"]:
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _limit(limits: dict[str, int]) -> None:
    """Limit each process of the app or build; 0 is no limit."""
    kinds = {
        "memory": resource.RLIMIT_DATA,
        "processes": resource.RLIMIT_NPROC,
        "files": resource.RLIMIT_NOFILE,
        "file_bytes": resource.RLIMIT_FSIZE,
    }
    for name, kind in kinds.items():
        if wanted := limits.get(name, 0):
            _, most = resource.getrlimit(kind)
            value = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
            resource.setrlimit(kind, (value, value))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cores = limits.get("cores", 0)
    allowed = sorted(os.sched_getaffinity(0)) if cores else []
    if len(allowed) > cores:
        first = os.getpid() % len(allowed)  # so that not all apps share the first core
        os.sched_setaffinity(0, {allowed[(first + position) % len(allowed)] for position in range(cores)})


# Namespaces. Python has no calls for them before 3.12, and none for mounts.

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38
_MOUNT_SETATTR, _PIVOT_ROOT = 442, {"x86_64": 155, "aarch64": 41}
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_READ_ONLY, _NO_SUID, _NO_DEVICES = 1, 2, 4
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def _libc() -> Any:  # noqa: ANN401 - it has no types
    import ctypes  # noqa: PLC0415 - it takes 8 ms, which only a sandbox needs

    return ctypes.CDLL(None, use_errno=True)


def _call(what: str, function: str, *arguments: object) -> None:
    """Call a function of the C library. Raises OSError naming what was tried."""
    import ctypes  # noqa: PLC0415 - as above

    raw = [os.fsencode(one) if isinstance(one, str) else one for one in arguments]
    typed = [ctypes.c_long(one) if isinstance(one, int) else one for one in raw]
    if getattr(_libc(), function)(*typed):
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _prctl(option: int, value: int) -> None:
    _call(f"prctl {option}", "prctl", option, int(value), 0, 0, 0)


def _unshare() -> None:
    """Enter new namespaces; for a user who is not root they include one in which this user may make mounts."""
    user, group = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNS | _CLONE_NEWIPC | _CLONE_NEWPID | (_CLONE_NEWUSER if user else 0)
    _call("new namespaces", "unshare", flags)
    if user:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")


def _mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    _call(f"mount of {source or kind} at {target}", "mount", source, target, kind or None, flags, data or None)


def _restrict(target: str, attributes: int, *, recursive: bool = True) -> None:
    """Set attributes of a mount, and of all below it."""
    packed = attributes.to_bytes(8, sys.byteorder) + bytes(24)
    flags = _AT_RECURSIVE if recursive else 0
    _call(f"attributes of {target}", "syscall", _MOUNT_SETATTR, _AT_FDCWD, target, flags, packed, len(packed))


def _make_root(spec: Spec) -> None:
    """Make a root folder of just what the program may see, and enter it; all else is out of reach."""
    root = spec["root"]
    _mount("", "/", flags=_MS_REC | _MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=16m")
    os.mkdir(f"{root}/tmp")  # noqa: S108 - the program's own
    _mount("tmpfs", f"{root}/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode=1777,size={spec['tmp_bytes']}")  # noqa: S108 - the program's own
    overlay = {one["at"]: one for one in spec["overlays"]}
    for path in sorted({*spec["hides"], *spec["reads"], *spec["writes"], *overlay}):
        if path in overlay:
            _overlay(root, overlay[path])
        elif path in spec["hides"]:
            os.makedirs(root + path, exist_ok=True)
            _mount("tmpfs", root + path, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
        else:
            _bind(root, path, writable=path in spec["writes"])
    for path in spec["hides"]:
        _restrict(root + path, _READ_ONLY, recursive=False)
    _make_devices(f"{root}/dev")
    if spec["tty"]:
        _show_terminal(f"{root}/dev/console", spec["user"])
    os.mkdir(f"{root}/proc")
    _mount("proc", f"{root}/proc", "proc", _MS_NOSUID | _MS_NODEV)
    _enter(root)


def _enter(root: str) -> None:
    old = f"{root}/.old"
    os.mkdir(old)
    _call("the new root", "syscall", _PIVOT_ROOT[os.uname().machine], root, old)
    os.chdir("/")
    _call("the old root", "umount2", "/.old", _MNT_DETACH)
    os.rmdir("/.old")
    for name in ("/run", "/var"):
        os.makedirs(name, exist_ok=True)
    if not os.path.exists("/var/tmp"):  # noqa: S108 - the program's own
        os.symlink("/tmp", "/var/tmp")  # noqa: S108 - as above
    _restrict("/", _READ_ONLY, recursive=False)


def _bind(root: str, path: str, *, writable: bool) -> None:
    """Show a file or folder of the system, where it exists, at its own path; a link is shown as a link."""
    target = root + path
    if os.path.islink(target) or not os.path.lexists(path):
        return
    if os.path.islink(path):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(os.readlink(path), target)
        return
    _make_mount_point(target, is_folder=os.path.isdir(path))
    _mount(path, target, flags=_MS_BIND | _MS_REC)
    _restrict(target, _NO_SUID | _NO_DEVICES | (0 if writable else _READ_ONLY))


def _make_mount_point(target: str, *, is_folder: bool) -> None:
    if is_folder:
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write(target, "")


def _overlay(root: str, one: dict[str, str]) -> None:
    """Show a folder in which the program may write; what it writes is in `upper`."""
    target = root + one["at"]
    os.makedirs(target, exist_ok=True)
    places = {"lowerdir": one["at"], "upperdir": one["upper"], "workdir": one["work"]}
    data = ",".join(f"{name}={_escaped(place)}" for name, place in places.items())
    _mount("overlay", target, "overlay", _MS_NOSUID | _MS_NODEV, data + (",userxattr" if os.geteuid() else ""))


def _escaped(place: str) -> str:
    return place.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def _make_devices(folder: str) -> None:
    os.mkdir(folder)
    _mount("tmpfs", folder, "tmpfs", _MS_NOSUID, "mode=0755,size=64k")
    for name in _DEVICES:
        _write(f"{folder}/{name}", "")
        _mount(f"/dev/{name}", f"{folder}/{name}", flags=_MS_BIND)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{folder}/{name}")
    for name, kind, data in (("pts", "devpts", "newinstance,ptmxmode=0666,mode=0620"), ("shm", "tmpfs", "size=64m")):
        os.mkdir(f"{folder}/{name}")
        _mount(kind, f"{folder}/{name}", kind, _MS_NOSUID, data)
    os.symlink("pts/ptmx", f"{folder}/ptmx")


def _show_terminal(target: str, user: int) -> None:
    """Show the run's terminal, which belongs to the system's own list of terminals."""
    if user:
        os.fchown(0, user, -1)
    _write(target, "")
    _mount(os.ttyname(0), target, flags=_MS_BIND)


if __name__ == "__main__":
    main()
