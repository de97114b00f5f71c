"""The memory of the functions after they have worked."""

from collections.abc import Iterator

from tests.bench.checkout import Platform
from tests.bench.options import Options
from tests.bench.row import Row, row
from tests.bench.webhooks import burst

AT_MOST_RSS, AT_MOST_PSS = 110.0, 64.0
WEBHOOKS = 500


def measure(options: Options) -> Iterator[Row]:
    """Read the memory of all functions once verify-webhook has had some webhooks."""
    for platform in options.platforms:
        burst(platform, WEBHOOKS)
    rss = [[_total(platform, "verify-webhook", "Rss")] for platform in options.platforms]
    yield row("memory of verify-webhook, RSS", rss, "MB", at_most=AT_MOST_RSS, note="arbiter and worker")
    pss = [[_total(platform, "verify-webhook", "Pss")] for platform in options.platforms]
    yield row("memory of verify-webhook, PSS", pss, "MB", at_most=AT_MOST_PSS, note="shared pages counted once")
    others = [[_total(platform, name, "Pss") for name in platform.functions()] for platform in options.platforms]
    yield row("memory of each function, PSS, median", others, "MB", at_most=AT_MOST_PSS)
    yield row("memory of each function, PSS, largest", others, "MB", statistic=max, note="for information")
    yield row("memory of all functions, PSS", others, "MB", statistic=sum, note="for information")


def _total(platform: Platform, function: str, figure: str) -> float:
    return sum(one.memory(figure) for one in platform.function(function))
