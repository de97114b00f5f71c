"""`python -m functions.local.broker`, in the project's folder: the bridge of the instance in SLIPWAY_LOCAL_HOME."""

import logging
import sys
from pathlib import Path

import uvloop

from functions.common.errors import SlipwayError
from functions.common.settings import from_environment
from functions.local import instance as instances
from functions.local.broker.bridge import Bridge
from functions.local.routing import read_routing


def main() -> int:
    """Run until a signal. Exit code 1: it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = from_environment()
    try:
        instance = instances.load(Path(settings.local_home))
        if instance is None:
            print(f"broker: {settings.local_home} holds no instance: run `task up`", file=sys.stderr)
            return 1
        bridge = Bridge(
            routing=read_routing(Path.cwd()),
            nats_url=instance.nats_url,
            ports=instance.ports,
            clock=settings.number("SLIPWAY_LOCAL_CLOCK", 5),
        )
        uvloop.run(bridge.serve())
    except SlipwayError as error:
        print(f"broker: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
