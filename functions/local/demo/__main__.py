"""`task demo`: pushes an app twice, and exits with 0 when both went live without a failed request."""

import argparse
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from functions.common.errors import Rejected, SlipwayError
from functions.common.settings import Settings, from_environment
from functions.local.demo.screen import Screen
from functions.local.demo.story import Demo, DemoError
from functions.local.platform.run import StopRequested, running, stop_at_signals
from functions.local.sandbox.isolation import detect

_ENDED_BY_SIGNAL = 130


def main(arguments: list[str]) -> int:
    """Run the demo on a platform of its own, in a folder that is deleted afterwards."""
    parser = argparse.ArgumentParser(prog="task demo --", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the state folder with its logs")
    keep = parser.parse_args(arguments).keep
    screen, folder = Screen(), Path(tempfile.mkdtemp(prefix="slipway-demo-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user where this one is root
    try:
        stop_at_signals()
        _run(screen, folder)
    except StopRequested:
        return _ENDED_BY_SIGNAL
    except (SlipwayError, DemoError, OSError) as error:
        screen.say(f"\nslipway: {error}", style="red")
        keep = True
        return 1
    finally:
        if keep:
            screen.say(f"Its logs are in {folder}/.slipway/logs.")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _run(screen: Screen, folder: Path) -> None:
    screen.say("Slipway: from git push to a live HTTPS app, on this machine alone.\n")
    with ExitStack() as stack:
        settings = _settings(folder, screen)
        with screen.timed("PostgreSQL, NATS, Caddy, the git server and the functions are ready"):
            started = running(folder / ".slipway", default_ports=False, settings=settings, say=screen.say)
            platform = stack.enter_context(started)
        Demo(screen=screen, folder=folder, platform=platform).run()
    screen.say("\nThe platform is stopped.")


def _settings(folder: Path, screen: Screen) -> Settings:
    """Return the user's, without a sandbox where root can have none: the demo pushes its own app alone."""
    given = from_environment()
    try:
        detect(Settings(environment={**given.environment, "SLIPWAY_LOCAL_HOME": str(folder)}))
    except Rejected as error:
        if given.sandbox.mode != "auto":
            raise
        screen.say(f"`task up` would not start here: {error}")
        return Settings(environment={**given.environment, "SLIPWAY_SANDBOX": "off"})
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
