"""`task up`: runs the whole platform in the foreground until Ctrl-C."""

import argparse
import sys
import time
from pathlib import Path

from functions.common.adapters.ssh_keys import SshPublicKeys
from functions.common.errors import SlipwayError
from functions.local.instance import ENDPOINTS_FILE, HOST_KEY
from functions.local.platform.programs import CODE, binary
from functions.local.platform.run import Platform, StopRequested, running, stop_at_signals


def main(arguments: list[str]) -> int:
    """Run until a signal. Exit codes: 0 stopped, 1 could not start, 2 the process manager ended."""
    parser = argparse.ArgumentParser(prog="task up --", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".slipway"), help="the state folder (default: .slipway)")
    parser.add_argument("--project", type=Path, default=CODE, help="the folder with knative/ and the functions")
    parser.add_argument("--any-ports", action="store_true", help="choose free ports instead of 8080 and so on")
    chosen = parser.parse_args(arguments)
    stop_at_signals()
    started = time.monotonic()
    try:
        with running(chosen.home, root=chosen.project, default_ports=not chosen.any_ports, say=_say) as platform:
            print(_screen(platform, time.monotonic() - started), flush=True)
            platform.wait()
            print("slipway: the process manager ended; see logs/supervisord.log", file=sys.stderr)
            return 2
    except StopRequested:
        return 0
    except (SlipwayError, OSError) as error:  # OSError: the state folder cannot be written
        print(f"slipway: {error}", file=sys.stderr)
        return 1


def _host_key(home: Path) -> str:
    return SshPublicKeys().read((home / HOST_KEY).with_suffix(".pub").read_text()).fingerprint


def _say(text: str) -> None:
    print(f"slipway: {text}", flush=True)


def _screen(platform: Platform, seconds: float) -> str:
    at = platform.endpoints
    return f"""
Slipway is up ({seconds:.1f} s). Ctrl-C stops it; its state stays in {platform.home}.

  API and webhooks  {at.gateway}
  dashboard         {at.gateway}/dashboard, after `paas setup` has made the first administrator
  apps              https://<name>.localhost:{at.apps_port}/   CA: {at.ca}
  git over HTTP     {at.git}/<name>.git, with an access token as the password
  git over SSH      {at.ssh}/<name>.git, host key {_host_key(platform.home)}
  logs              {platform.home / "logs"}
  credentials       {platform.home / ENDPOINTS_FILE}

Next, in another terminal, inside a git repository with an app:

  alias paas={binary("paas")}
  paas apps create hello     creates the app and adds the git remote `paas`
  git push paas main         builds it and brings it live
  paas logs --tail           shows what happens
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
