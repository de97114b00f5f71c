"""The clock: a PingSource's ticks, to its sink alone."""

import asyncio
import logging
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.local.broker.cloudevents_http import WireEvent
from functions.local.broker.function_client import FunctionClient, NoAnswerError
from functions.local.routing import Ping, parse

PING_TYPE = "dev.knative.sources.ping"
_MINUTE = 60.0
_SUCCESS = range(200, 300)

_log = logging.getLogger("slipway.broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class PingClock:
    """Ticks of one PingSource.

    A schedule of minutes ticks every `fast` seconds instead, unless that is 0: one machine need not
    wait a minute to see what it missed. A tick that is not answered is not repeated; the next one is.
    """

    ping: Ping
    port: int
    timeout: float
    fast: float
    client: FunctionClient

    async def run(self) -> None:
        """Tick until cancelled; ticks do not overlap."""
        schedule = parse(self.ping.schedule)
        if self.fast and schedule.by_minutes:
            while True:
                await asyncio.sleep(self.fast)
                await self._tick()
        while True:
            await asyncio.sleep(_MINUTE - time.time() % _MINUTE)
            if schedule.matches(datetime.now(UTC)):
                await self._tick()

    async def _tick(self) -> None:
        event = WireEvent(
            attributes={
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": f"/apis/v1/namespaces/{self.ping.namespace}/pingsources/{self.ping.name}",
                "type": PING_TYPE,
                "time": datetime.now(UTC).isoformat(),
                "datacontenttype": self.ping.content_type,
            },
            data=self.ping.data,
        )
        try:
            answer = await self.client.post(self.port, self.ping.path, event.headers(), event.data, within=self.timeout)
        except NoAnswerError as error:
            _log.warning("tick of %s: %s", self.ping.name, error)
            return
        if answer.status not in _SUCCESS:
            _log.warning("tick of %s: %s answers %d", self.ping.name, self.ping.service, answer.status)
