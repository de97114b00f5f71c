"""Sends the ticks of a PingSource to its sink."""

import asyncio
import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim

from functions.common.events.envelope import SPEC_VERSION
from functions.common.runtime.cloudevent import CloudEvent
from functions.local.broker.function_client import FunctionClient, NoAnswerError
from functions.local.routing import Ping

PING_TYPE = "dev.knative.sources.ping"

_log = logging.getLogger("slipway.broker")


@dataclass(frozen=True, slots=True, kw_only=True)
class PingTimer:
    """Ticks of one PingSource.

    A schedule that names minutes only ticks every `fast` seconds instead, unless that is 0: reconcile, for example,
    need not wait a minute on one machine. A tick that is not answered is not repeated; the next one is sent.
    """

    ping: Ping
    port: int
    timeout: float
    fast: float
    client: FunctionClient

    async def run(self) -> None:
        """Tick until cancelled; ticks do not overlap."""
        last = datetime.now(UTC)
        while True:
            if self.fast and self.ping.names_minutes_only:
                await asyncio.sleep(self.fast)
            else:
                last = next(CronSim(self.ping.schedule, max(last, datetime.now(UTC))))
                await asyncio.sleep(max(0.0, (last - datetime.now(UTC)).total_seconds()))
            await self._tick()

    async def _tick(self) -> None:
        event = CloudEvent(
            attributes={
                "specversion": SPEC_VERSION,
                "id": str(uuid.uuid4()),
                "source": f"/apis/v1/namespaces/{self.ping.namespace}/pingsources/{self.ping.name}",
                "type": PING_TYPE,
                "time": datetime.now(UTC).isoformat(),
                "datacontenttype": self.ping.content_type,
            },
            data=self.ping.data,
        )
        try:
            answer = await self.client.post(self.port, self.ping.path, event.structured(), within=self.timeout)
        except NoAnswerError as error:
            _log.warning("tick of %s: %s", self.ping.name, error)
            return
        if not answer.is_success:
            _log.warning("tick of %s: %s answers %d", self.ping.name, self.ping.service, answer.status)
