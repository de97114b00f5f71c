"""Which server and token a command uses."""

import json
from dataclasses import dataclass
from pathlib import Path

from functions.cli.failures import USAGE, Failure

FILE = Path(".slipway") / "endpoints.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`git` is the base URL to push to, with credentials, where the platform of this machine is used."""

    server: str
    token: str
    ca: str = ""
    git: str = ""


def find_endpoint(server: str | None, token: str | None, *, start: Path, home: Path) -> Endpoint:
    """Return what was given, and for the rest what .slipway/endpoints.json says: from `start` upwards, else in `home`.

    The file's token is sent to the file's server only. Raises Failure naming what is missing.
    """
    file = next((folder / FILE for folder in (start, *start.parents, home) if (folder / FILE).is_file()), None)
    known = _read(file) if file else {}
    if not server and not known:
        msg = f"no server: give --server, set PAAS_SERVER, or run `task up`, which writes {FILE}"
        raise Failure(msg, USAGE)
    local = not server or server.rstrip("/") == known.get("gateway", "").rstrip("/")
    chosen = (token or (known.get("token", "") if local else "")).strip()
    if not chosen:
        msg = f"no token for {server}: give --token or set PAAS_TOKEN"
        raise Failure(msg, USAGE)
    if not (chosen.isascii() and chosen.isprintable()):  # it would fail in a header, with an error that shows it
        msg = "the token holds characters that no token has: copy it again"
        raise Failure(msg, USAGE)
    where = server or known["gateway"]
    return Endpoint(
        server=where,
        token=chosen,
        ca=known.get("ca", "") if local else "",
        git=known.get("git", "") if local else "",
    )


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {"gateway": str(found["gateway"]), **{key: str(found.get(key, "")) for key in ("token", "ca", "git")}}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        msg = f"{file} cannot be read ({error}): remove it, or run `task up` again"
        raise Failure(msg, USAGE) from error
