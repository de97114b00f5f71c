"""`task bench`: measures everything, prints one table, and exits 0 when each figure is as wanted."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from importlib import import_module

from tests.bench.options import Options, say
from tests.bench.row import Row, table

MEASURES = ("cold_start", "webhooks", "latency", "scale", "redeploy")


def main(arguments: list[str]) -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="task bench --", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--quick", action="store_true", help="measure less often")
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES, metavar="NAME", help=str(MEASURES))
    given = parser.parse_args(arguments)
    rows = list[Row]()
    for name in given.only:
        say(f"bench: {name}")
        measure: Callable[[Options], Iterable[Row]] = import_module(f"tests.bench.{name}").measure
        rows += measure(Options(quick=given.quick))
    print(json.dumps([row.as_json() for row in rows], indent=2) if given.json else table(rows))
    return 0 if all(row.ok is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
