"""`task seeds`: follow the documents on a fresh platform of one machine, and print a table; 1 when a line fails."""

import sys
import tempfile
from pathlib import Path

from tests.local.pipeline.stage import Stage
from tests.seeds.guide import Guide
from tests.seeds.plan import Plan


def main() -> int:
    """Follow the documents."""
    with tempfile.TemporaryDirectory(prefix="slipway-seeds-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        stage = Stage(folder=folder)
        try:
            stage.start()
            guide = Guide(stage=stage, home=_home(folder, "you"))
            tables = [guide.follow(), Plan(stage=stage, home=_home(folder, "agent")).follow()]
        finally:
            stage.stop()
    for table in tables:
        print(table)  # noqa: T201 - a command
    return 1 if any(table.problems for table in tables) else 0


def _home(folder: Path, name: str) -> Path:
    home = folder / f"home-{name}"
    home.mkdir()
    return home


if __name__ == "__main__":
    sys.exit(main())
