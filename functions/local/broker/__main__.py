"""`python -m functions.local.broker`, in the project's folder: the broker of the instance in SLIPWAY_LOCAL_HOME."""

import sys
from pathlib import Path

import uvloop

from functions.common.errors import SlipwayError
from functions.common.runtime.logs import log_plain_lines
from functions.common.settings import from_environment
from functions.local import instance as instances
from functions.local.broker.composition import Broker
from functions.local.broker.log_limit import RepeatLimit
from functions.local.manifests import read_routing


def main() -> int:
    """Run until a signal. Exit code 1: it cannot start."""
    log_plain_lines(RepeatLimit(), name=True)
    settings = from_environment()
    try:
        instance = instances.load(settings.local.home)
        if instance is None:
            print(f"broker: {settings.local.home} holds no instance: run `task up`", file=sys.stderr)
            return 1
        broker = Broker(
            routing=read_routing(Path.cwd()),
            nats_url=instance.nats_url,
            ports=instance.ports,
            clock=settings.clock.seconds,
            token=instance.event_token,
        )
        uvloop.run(broker.serve())
    except SlipwayError as error:
        print(f"broker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
