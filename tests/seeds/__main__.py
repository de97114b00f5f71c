"""`task seeds`: follow the documents on a fresh platform of one machine, and print a table; 1 when a line fails.

`task cluster:seeds` follows them on the cluster of `task cluster:up`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.local.pipeline.stage import Stage
from tests.seeds.cluster import cluster_site, resolving
from tests.seeds.guide import APP, EMAIL, Guide
from tests.seeds.plan import AGENT, NAME, Plan
from tests.seeds.site import OneMachine, Site
from tests.seeds.table import Table

INSIDE = "--cluster-inside"  # the process that resolves the cluster's names


def main(arguments: list[str]) -> int:
    """Follow the documents."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeds", description=__doc__)
    parser.add_argument("--cluster", action="store_true", help="on the cluster that `task cluster:up` made")
    parser.add_argument(INSIDE, action="store_true", dest="inside", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.cluster:
        again = (sys.executable, "-m", "tests.seeds", INSIDE)
        return subprocess.run(resolving(*again), check=False).returncode
    with tempfile.TemporaryDirectory(prefix="slipway-seeds-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        tables = _on_cluster(folder) if options.inside else _on_one_machine(folder)
    for table in tables:
        print(table)  # noqa: T201 - a command
    return 1 if any(table.problems for table in tables) else 0


def _on_one_machine(folder: Path) -> list[Table]:
    stage = Stage(folder=folder)
    try:
        stage.start()
        return _follow(OneMachine(stage=stage), folder)
    finally:
        stage.stop()


def _on_cluster(folder: Path) -> list[Table]:
    site = cluster_site(folder)
    made = (APP, NAME, AGENT)
    try:
        site.stage.start()
        site.clean(email=EMAIL, apps=made)
        return _follow(site, folder)
    finally:
        site.clean(email=EMAIL, apps=made)
        site.stage.stop()


def _follow(site: Site, folder: Path) -> list[Table]:
    guide = Guide(site=site, home=_home(folder, "you"))
    return [guide.follow(), Plan(site=site, home=_home(folder, "agent")).follow()]


def _home(folder: Path, name: str) -> Path:
    home = folder / f"home-{name}"
    home.mkdir()
    return home


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
