"""`git push` until the new version answers, for a tiny Python app that is deployed again under a steady load."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import httpx

from functions.local.demo.traffic import Probe, probing
from functions.local.platform.run import Platform, running
from tests.bench.options import Options, say
from tests.bench.row import Row
from tests.bench.stage import folder, settings

PIKU_SECONDS, PIKU_LOST = 3.0, 158
RATE = 100.0
APP = "redeployed"
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "hello"
_PATIENCE = 120.0


def measure(options: Options) -> Iterator[Row]:
    """Push a first version, then newer ones under the probe."""
    given = settings(SLIPWAY_CANARY_PAUSE="0")
    with folder() as place, running(place / "home", default_ports=False, settings=given, say=say) as platform:
        clone = _clone(platform, place)
        at = platform.endpoints
        with probing(host=f"{APP}.localhost", port=at.apps_port, ca=Path(at.ca), rate=RATE) as probe:
            first = _push(clone, probe)
            say(f"  first deploy: {first:.2f} s")
            asked = len(probe.answers)
            times = [_push(clone, probe) for _ in range(options.pick(5, 2))]
            time.sleep(1.0)  # the old version drains
        lost = [answer for answer in probe.answers[asked:] if answer.failed]
        total = len(probe.answers) - asked
    for answer in lost[:3]:
        say(f"  lost: {answer}")
    note = f"piku: {PIKU_SECONDS:g} s, {PIKU_LOST} lost"
    yield Row(
        measure="git push to the new version's first answer",
        value=median(times),
        unit="s",
        baseline=PIKU_SECONDS,
        ratio=median(times) / PIKU_SECONDS,
        at_most=1.0,
        note=f"{note}; at {RATE:g} requests/s, {len(times)} pushes",
    )
    yield Row(measure=f"requests lost of {total}", value=len(lost), unit="", baseline=PIKU_LOST, at_most=0)


def _clone(platform: Platform, place: Path) -> Path:
    answer = httpx.post(
        f"{platform.endpoints.gateway}/v1/apps",
        json={"name": APP},
        headers={"Authorization": f"Bearer {platform.endpoints.token}"},
        timeout=30,
        trust_env=False,
    )
    answer.raise_for_status()
    clone = place / APP
    shutil.copytree(EXAMPLE, clone)
    _git(clone, "init", "--quiet", "-b", "main")
    _git(clone, "remote", "add", "paas", f"{platform.endpoints.git}/slipway/{APP}.git")
    return clone


def _push(clone: Path, probe: Probe) -> float:
    """Push a change and return the seconds until an answer names its commit."""
    with (clone / "CHANGES").open("a") as file:
        file.write("changed\n")
    _git(clone, "add", "--all")
    _git(clone, "-c", "user.name=dev", "-c", "user.email=dev@example.com", "commit", "--quiet", "-m", "change")
    sha, seen = _git(clone, "rev-parse", "HEAD").strip(), len(probe.answers)
    started = time.time()
    _git(clone, "push", "--quiet", "paas", "main")
    while time.time() - started < _PATIENCE:
        found = next((one for one in probe.answers[seen:] if not one.failed and sha[:7] in one.text), None)
        if found is not None:
            return found.at - started
        time.sleep(0.02)
    msg = f"{sha} did not answer within {_PATIENCE:g} s; the last answer is {probe.answers[-1:]}"
    raise RuntimeError(msg)


def _git(clone: Path, *arguments: str) -> str:
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
