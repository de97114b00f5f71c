"""Attacks one server, and returns what came of it."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.attacks.mutations import mutated
from tests.attacks.requests import Attack
from tests.attacks.watch import Probe, Watch, memory, watching
from tests.attacks.wire import CLOSED, SILENT, Heard, send_and_end
from tests.patience import patient

MAX_FIRST_GROWTH_MB = 120.0  # by the largest events: each of eight threads keeps memory for one
MAX_GROWTH_MB = 20.0  # by all that follows
AT_ONCE = 16
_HEAVIEST_AT_ONCE = 8  # the threads of a function; more at once is a test of the disk
_WITHIN_SECONDS = 20.0
_SERVER_ERROR = 500
# What HTTP says to what it does not know: a transfer coding, a version.
_NOT_IMPLEMENTED = frozenset({501, 505})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server: its attacks, what it is asked meanwhile, and its process."""

    name: str
    port: int
    process: int
    attacks: Sequence[Attack]
    floods: Sequence[Attack]
    heaviest: Sequence[Attack]
    probes: list[Probe]
    heaviest_times: int = 16
    max_seconds: float = 1.0
    max_wrong: float = 0.0  # of the good requests, as a share


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of it: the slowest good answer in seconds; memory first, after the largest events, and last."""

    name: str
    memory: list[float]
    slowest: float = 0.0
    probes: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def attack(target: Target, *, mutations: int, seed: int) -> Result:
    """Send the largest events, then everything: several at once, but floods one after the other."""
    result = Result(name=target.name, memory=[memory(target.process)])
    changed = [mutated(target.attacks, f"{seed}-{target.name}-{number}") for number in range(mutations)]
    with ThreadPoolExecutor(_HEAVIEST_AT_ONCE) as pool:
        _send_all(result, target.port, pool, [*target.heaviest] * target.heaviest_times)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        result.memory.append(memory(target.process))
        with watching(target.probes) as watch:
            _send_all(result, target.port, pool, [*target.attacks, *changed])
            for one in target.floods:
                _count(result, one, _sent(target.port, one))
    result.memory.append(memory(target.process))
    result.slowest, result.probes = watch.slowest, watch.count
    _judge(result, watch, target)
    return result


def _send_all(result: Result, port: int, pool: ThreadPoolExecutor, attacks: Sequence[Attack]) -> None:
    for one, heard in pool.map(lambda one: (one, _sent(port, one)), attacks):
        _count(result, one, heard)


def _sent(port: int, one: Attack) -> Heard | OSError:
    try:
        return send_and_end(port, one.sent, within=patient(_WITHIN_SECONDS))
    except OSError as error:
        return error


def _count(result: Result, one: Attack, heard: Heard | OSError) -> None:
    if isinstance(heard, OSError):
        result.answers["no connection"] += 1
        result.failures.append(f"{one.name}: {heard!r}")
        return
    if heard.status in {CLOSED, SILENT}:
        result.answers["closed" if heard.status == CLOSED else "silent"] += 1
    for status in heard.statuses:
        result.answers[f"{status // 100}xx"] += 1
        if status >= _SERVER_ERROR and status not in _NOT_IMPLEMENTED:
            result.failures.append(f"{one.name}: {status}")


def _judge(result: Result, watch: Watch, target: Target) -> None:
    if len(watch.wrong) > target.max_wrong * watch.count:
        result.failures.append(f"good requests answered wrongly: {len(watch.wrong)} of {watch.count}, {watch.wrong[0]}")
    if watch.slowest > patient(target.max_seconds):
        result.failures.append(f"a good request was answered after {watch.slowest:.1f} s")
    start, first, end = result.memory
    if not first or not end:
        result.failures.append("its process ended")
    if first - start > MAX_FIRST_GROWTH_MB or end - first > MAX_GROWTH_MB:
        result.failures.append(f"memory grew from {start:.0f} to {first:.0f} and {end:.0f} MB")
