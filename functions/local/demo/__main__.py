"""`task demo`: exit 0 when everything it shows was true."""

import argparse
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from functions.common.errors import SlipwayError
from functions.local.demo.screen import Screen
from functions.local.demo.story import Story, StoryError
from functions.local.platform.run import StopRequested, running, stop_at_signals

_ENDED_BY_SIGNAL = 130


def main(arguments: list[str]) -> int:
    """Tell the story on a platform of its own, in a folder that goes afterwards."""
    parser = argparse.ArgumentParser(prog="task demo --", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the state folder, to look into its logs")
    keep = parser.parse_args(arguments).keep
    screen, folder = Screen(), Path(tempfile.mkdtemp(prefix="slipway-demo-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user where this one is root
    try:
        stop_at_signals()
        _tell(screen, folder)
    except StopRequested:
        return _ENDED_BY_SIGNAL
    except (SlipwayError, StoryError) as error:
        screen.say(f"\nslipway: {error}", style="red")
        screen.say(f"The logs are kept in {folder}/.slipway/logs")
        keep = True
        return 1
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _tell(screen: Screen, folder: Path) -> None:
    screen.say("Slipway: git push to a live HTTPS app, here on this machine alone.\n")
    with ExitStack() as stack:
        with screen.timed("PostgreSQL, NATS, Caddy, git and the functions are up"):
            platform = stack.enter_context(running(folder / ".slipway", default_ports=False, say=screen.say))
        Story(screen=screen, folder=folder, platform=platform).tell()
    screen.say("\nEverything is stopped; nothing is left behind.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
