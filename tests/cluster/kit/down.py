"""`task cluster:down`: no process, mount, namespace, link or rule of the cluster stays."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.kit.cache import Cache, Instance
from tests.cluster.kit.network import remove_network
from tests.cluster.kit.node import RUN, ctr
from tests.cluster.kit.programs import stop, stop_all
from tests.cluster.kit.steps import step, wait_until

CGROUPS = Path("/sys/fs/cgroup")
# Folders that containerd, the kubelet and the CNI plugins make whatever their settings are.
MADE = ("/var/log/containers", "/run/containerd/s", "/run/containerd", "/var/lib/cni/results", "/var/lib/cni",
        "/var/lib/kubelet/device-plugins", "/var/lib/kubelet")  # fmt: skip


def down(cache: Cache) -> None:
    """Remove what `up` made; builds and images stay in the cache."""
    instance = cache.instance("cluster")
    with step("stopping the pods"):
        stop(instance, "kubelet")  # first, or it starts them again
        _end_containers()
    with step("stopping the programs"):
        stop_all(instance)
        _end_shims()
    with step("removing mounts, control groups, links and rules"):
        unmount(instance)
        _remove_cgroups()
        remove_network(instance)
        for folder in (instance.folder, RUN):
            shutil.rmtree(folder, ignore_errors=True)
        _remove_left_over(instance)


def _end_containers() -> None:
    if not (RUN / "containerd.sock").exists():
        return
    listed = subprocess.run([*ctr(), "tasks", "list", "--quiet"], capture_output=True, text=True, check=False).stdout
    for task in listed.split():
        subprocess.run([*ctr(), "tasks", "kill", "-s", "SIGKILL", "-a", task], capture_output=True, check=False)
    for task in listed.split():
        subprocess.run([*ctr(), "tasks", "delete", "--force", task], capture_output=True, check=False)


def _end_shims() -> None:
    """End the processes that containerd leaves beside each container: those that speak to this containerd."""
    for pid in _shims():
        os.kill(pid, signal.SIGKILL)
    wait_until("the end of the container shims", lambda: not list(_shims()), seconds=10)


def _shims() -> Iterator[int]:
    address = str(RUN / "containerd.sock").encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"containerd-shim-runc-v2") and address in words:
            yield int(process.name)


def unmount(instance: Instance) -> None:
    """Unmount everything below the instance's folders, the innermost first."""
    points = [line.split()[4].replace("\\040", " ") for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    ours = [point for point in points if point.startswith((f"{instance.folder}/", f"{RUN}/"))]
    for point in sorted(ours, reverse=True):
        subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


def _remove_cgroups() -> None:
    for top in [*CGROUPS.glob("*/kubepods"), *CGROUPS.glob("kubepods")]:
        for folder, _, _ in os.walk(top, topdown=False):
            Path(folder).rmdir()


def _remove_left_over(instance: Instance) -> None:
    """Remove our files from folders that others may use, and the folders that are empty then."""
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and str(link.readlink()).startswith(f"{instance.folder}/"):
            link.unlink()
    results = [file for file in Path("/var/lib/cni/results").glob("*") if str(RUN) in file.read_text()]
    ours = [*results, Path("/var/lib/kubelet/device-plugins/kubelet.sock")]
    for file in [*ours, Path("/var/lib/kubelet/device-plugins/DEPRECATION")]:
        file.unlink(missing_ok=True)
    for name in MADE:
        folder = Path(name)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
