"""The cluster's part of the machine's network: a bridge, forwarding, masquerading."""

import json
import shlex
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from tests.cluster.kit.cache import HERE, Instance
from tests.cluster.kit.control_plane import CLUSTER

LINK = "slipway-node"
SECOND = "10.99.0.2"  # where Kourier answers; the first is the way to apps
PODS = IPv4Network("10.244.0.0/16")  # as config/cni.json has it
TABLES = ("slipway-cluster", "kube-proxy")  # ours, and the one that kube-proxy makes
SETS = ("KUBE-", "inet6:KUBE-", "kube-router-", "inet6:kube-router-")
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


def has_address(address: str) -> bool:
    """Return whether the machine has this address."""
    shown = subprocess.run(["ip", "-json", "address"], capture_output=True, text=True, check=True).stdout
    return any(found["local"] == address for link in json.loads(shown) for found in link["addr_info"])


def set_up_network(instance: Instance) -> None:
    """Add the node's addresses, forwarding, and masquerading for pods; save the earlier setting."""
    if not has_address(CLUSTER.address):
        _run(
            "ip", "link", "add", LINK, "type", "bridge"
        )  # every kernel with containers has bridges, not all have dummy
        for address in (CLUSTER.address, SECOND):
            _run("ip", "address", "add", f"{address}/32", "dev", LINK)
        _run("ip", "link", "set", LINK, "up")
    saved = instance.folder / "ip_forward"
    if not saved.exists():
        saved.parent.mkdir(parents=True, exist_ok=True)
        saved.write_text(FORWARD.read_text())
    FORWARD.write_text("1")
    _run("nft", "delete", "table", "ip", TABLES[0], must=False)
    _run("nft", "-f", str(HERE / "config" / "masquerade.nft"))


def remove_network(instance: Instance) -> None:
    """Undo `set_up_network`, and remove the tables of kube-proxy and the kubelet's chains."""
    for table in TABLES:
        for family in ("ip", "ip6"):
            _run("nft", "delete", "table", family, table, must=False)
    for command, family in (("iptables", "ip"), ("ip6tables", "ip6")):
        _remove_chains(command, family)
    for name in _run("ipset", "list", "-name", must=False).split():  # kube-router's; no rule names them any more
        if name.startswith(SETS):
            _run("ipset", "destroy", name, must=False)
    for link in (LINK, *_pod_links()):
        _run("ip", "link", "delete", link, must=False)
    saved = instance.folder / "ip_forward"
    if saved.exists():
        FORWARD.write_text(saved.read_text())


def _pod_links() -> set[str]:
    """Return the links of pods whose CNI plugin was not called any more: those that the routes to pods lead to."""
    routes = json.loads(_run("ip", "-json", "route"))
    return {
        route["dev"]
        for route in routes
        if route["dev"].startswith("veth") and route["dst"][0].isdigit() and IPv4Network(route["dst"]).subnet_of(PODS)
    }


def _remove_chains(command: str, family: str) -> None:
    """Remove the kubelet's and kube-router's chains, KUBE-..., and the tables that are empty then."""
    for table in ("mangle", "filter", "nat"):
        if not _run("nft", "list", "table", family, table, must=False):
            continue
        shown = _run(command, "-t", table, "-S", must=False).splitlines()
        for line in shown:
            if line.startswith("-A") and "KUBE-" in line:
                _run(command, "-t", table, "-D", *shlex.split(line.removeprefix("-A ")), must=False)
        chains = [line.split()[1] for line in shown if line.startswith("-N KUBE-")]
        for chain in chains:
            _run(command, "-t", table, "-F", chain, must=False)
        for chain in chains:
            _run(command, "-t", table, "-X", chain, must=False)
        left = _run(command, "-t", table, "-S", must=False).splitlines()
        if left and all(line.startswith("-P") and line.endswith("ACCEPT") for line in left):
            _run("nft", "delete", "table", family, table, must=False)


def _run(*words: str, must: bool = True) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=must).stdout
