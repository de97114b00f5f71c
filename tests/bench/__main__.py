"""`task bench`: measures this checkout, prints one table, and exits 0 when each figure meets its bar.

With --against DIR another checkout, with a .venv of its own, is measured in the same run: both platforms run side by
side, each measurement alternates between them, and the table has a column for each.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from tests.bench.checkout import HERE, running
from tests.bench.options import Options, say
from tests.bench.row import Row, table

MEASURES = ("cold_start", "latency", "redeploy", "memory", "webhooks", "scale")
WITHOUT_PLATFORM = ("scale",)


def main(arguments: list[str]) -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        prog="task bench --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--quick", action="store_true", help="measure less often")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES, metavar="NAME", help=str(MEASURES))
    parser.add_argument("--against", type=Path, metavar="DIR", help="a checkout to compare with")
    given = parser.parse_args(arguments)
    rows = list[Row]()
    with ExitStack() as stack:
        checkouts = {"this": HERE, **({"before": given.against.absolute()} if given.against else {})}
        needed = any(name not in WITHOUT_PLATFORM for name in given.only)
        platforms = [stack.enter_context(running(*one)) for one in checkouts.items()] if needed else []
        for name in given.only:
            say(f"bench: {name}")
            measure: Callable[[Options], Iterable[Row]] = import_module(f"tests.bench.{name}").measure
            rows += measure(Options(quick=given.quick, platforms=platforms))
    print(json.dumps([row.as_json() for row in rows], indent=2) if given.json else table(rows))
    return 0 if all(row.ok is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
