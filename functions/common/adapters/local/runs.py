"""One-off commands of one machine: rows of the schema `platform`, which the rollout controller works on."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import join

from functions.common.adapters.local.deployer import workload_from
from functions.common.adapters.postgres.client import Postgres
from functions.common.domain.release import Release
from functions.common.errors import Rejected
from functions.common.ports.runs import Run, RunOutput

PROCESS = "run"
_CHUNK = 256 * 1024
_WANTED = "select wanted from platform.workloads where app = :app and environment = :environment"
_START = """
insert into platform.runs (run, app, environment, workload, tty, interactive, columns, rows, seconds)
values (:run::uuid, :app, :environment, cast(:workload as jsonb), :tty, :interactive, :columns, :rows, :seconds)
on conflict do nothing
"""
_STOP = "update platform.runs set stopped = true where run = :run::uuid"
_STATE = "select state, exit_code, reason from platform.runs where run = :run::uuid"
_WRITE = """
insert into platform.run_inputs (run, data, eof, columns, rows)
select run, :data, :eof, :columns, :rows from platform.runs where run = :run::uuid and state <> 'ended'
"""


def output_file(home: Path, run: str) -> Path:
    """Return the file of a run's output."""
    return home / "runs" / f"{run}.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRuns:
    """OneOffRunner and RunConsole of one machine; the output is in files below `home`."""

    database: Postgres
    home: Path

    @property
    def is_interactive(self) -> bool:
        """Return that runs can read input."""
        return True

    def start(self, run: Run, release: Release, *, given: bytes | None) -> None:
        """Request the command; see OneOffRunner. It reads its input while it runs."""
        del given
        rows = self.database.run(_WANTED, app=run.app, environment=run.environment)
        if not rows or rows[0][0] is None:
            msg = f"nothing runs in {run.app}/{run.environment}: deploy it first"
            raise Rejected(msg)
        workload = replace(
            workload_from(rows[0][0]),
            release=release.number,
            sha=release.sha,
            digest=release.digest,
            image=release.image,
            config=release.config,
            processes={PROCESS: join(run.command)},
        )
        fields = {name: getattr(run, name) for name in ("tty", "interactive", "columns", "rows", "seconds")}
        where = {"run": run.id, "app": run.app, "environment": run.environment}
        self.database.run(_START, **where, **fields, workload=json.dumps(asdict(workload)))

    def stop(self, run: Run) -> None:
        """Request the end; see OneOffRunner."""
        self.database.run(_STOP, run=run.id)

    def read(self, run: Run, offset: int) -> RunOutput:
        """Return output from an offset on; see RunConsole."""
        rows = self.database.run(_STATE, run=run.id)  # before the file: what is written meanwhile comes next time
        data = _tail(output_file(self.home, run.id), offset)
        state, exit_code, reason = rows[0] if rows else ("waiting", None, "")
        is_over = state == "ended" and not data
        return RunOutput(
            data=data,
            next_offset=offset + len(data),
            exit_code=exit_code if is_over else None,
            reason=reason if is_over else "",
        )

    def write(self, run: Run, data: bytes, *, eof: bool = False, columns: int = 0, rows: int = 0) -> None:
        """Give the run input; see RunConsole."""
        self.database.run(_WRITE, run=run.id, data=data, eof=eof, columns=columns, rows=rows)


def _tail(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(min(offset, path.stat().st_size))
            return file.read(_CHUNK)
    except FileNotFoundError:
        return b""
