"""GET /metrics: the platform's totals in the form that Prometheus reads, for an administrator's token."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flask import Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from functions.common.domain.tokens import digest_of
from functions.common.errors import Unavailable
from functions.common.ports.accounts import AccessTokens
from functions.common.ports.limits import Strangers
from functions.common.ports.usage import PlatformTotals, Totals

RETRY_SECONDS = "5"
_PATHS = {"/metrics", "/"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsEndpoint:
    """Serves GET /metrics."""

    tokens: AccessTokens
    totals: Totals
    strangers: Strangers

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if request.path not in _PATHS:
            return _text(404, "nothing is at this path: metrics are at /metrics")
        if request.method not in {"GET", "HEAD"}:
            return _text(405, "metrics are read by GET", {"Allow": "GET, HEAD"})
        try:
            if refusal := self._refusal(request):
                return refusal
            registry = CollectorRegistry()
            registry.register(_Totals(self.totals.read()))
        except Unavailable as error:
            return _text(503, str(error), {"Retry-After": RETRY_SECONDS})
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    def _refusal(self, request: Request) -> Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        caller = self.tokens.find(digest_of(token.strip())) if scheme.lower() == "bearer" and token.strip() else None
        if caller is None and token:
            seconds = self.strangers.refuse(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""))
            if seconds:
                return _text(429, f"too many unknown tokens: wait {seconds} s", {"Retry-After": str(seconds)})
        if caller is None:
            return _text(401, "a valid token is needed: `paas tokens create`", {"WWW-Authenticate": "Bearer"})
        if not caller.sees_all or caller.app:
            return _text(403, "the token must be one of an administrator, for all apps")
        return None


def _text(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(text + "\n", status, headers, content_type="text/plain; charset=utf-8")


class _Totals(Collector):
    def __init__(self, totals: PlatformTotals) -> None:
        self._totals = totals

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        yield from self._counters()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        found = self._totals
        deliveries = CounterMetricFamily(
            "slipway_webhook_deliveries", "Webhook deliveries.", labels=["provider", "outcome"]
        )
        for labels, count in sorted(found.deliveries.items()):
            deliveries.add_metric(labels, count)
        yield deliveries
        yield CounterMetricFamily(
            "slipway_push_live_seconds", "Time from webhook to live, of all pushes that went live.", found.live_seconds
        )

    def _gauges(self) -> Iterator[Metric]:
        found = self._totals
        # A build, push or release moves from state to state, so these are no counters.
        yield _by_state("slipway_pushes", "Pushes, by their state now.", found.pushes)
        yield _by_state("slipway_builds", "Builds, by their state now.", found.builds)
        yield _by_state("slipway_builds_seconds", "Time that builds took, by their state now.", found.build_seconds)
        yield _by_state("slipway_releases", "Releases, by their state now.", found.releases)
        for name, text, value in (
            ("slipway_apps", "Apps.", found.apps),
            ("slipway_environments", "Open environments: productions and previews.", found.environments),
            ("slipway_dead_letters", "Dead letters that wait for a decision.", found.dead_letters),
            ("slipway_events_unpublished", "Stored events that the Broker does not have yet.", found.unpublished),
            (
                "slipway_events_unpublished_oldest_seconds",
                "Age of the oldest of these.",
                found.oldest_unpublished_seconds,
            ),
            ("slipway_pushes_open_oldest_seconds", "Age of the oldest open push.", found.oldest_open_push_seconds),
        ):
            yield GaugeMetricFamily(name, text, value)


def _by_state(name: str, text: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state, value in sorted(values.items()):
        family.add_metric([state], value)
    return family
