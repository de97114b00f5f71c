"""A lean platform to measure on: the real stores and broker, verify-webhook, and what it is compared with.

Its database keeps what it confirms (fsync is on), its broker writes every event to JetStream's file.
One Trigger takes push.received to a function that works on one event at a time, two a second: the
events are kept and wait, and what other functions would do with them is not measured.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions.common.settings import Settings, from_environment
from functions.local.platform.programs import CODE
from functions.local.platform.run import Platform, running
from tests.bench.options import say
from tests.local.project import service, trigger, write_project

HMAC = """
import hmac, os

SECRET = os.environ["PAAS_WEBHOOK_SECRET"].encode()

def target(request):
    if request.path == "/healthz":
        return ""
    expected = hmac.digest(SECRET, request.get_data(), "sha256").hex()
    good = hmac.compare_digest(request.headers.get("X-Forgejo-Signature", "").encode(), expected.encode())
    return ("", 202) if good else ("", 401)
"""
HOLD = """
import time

def target(request):
    time.sleep(0.5)
    return "", 202
"""
WEBHOOK_MANIFEST = CODE / "knative" / "functions" / "verify-webhook.yaml"


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a folder for a while, within reach of the account that PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


def settings(**environment: str) -> Settings:
    """Return this process's settings with the clock slow and these."""
    return Settings(environment={**from_environment().environment, "SLIPWAY_LOCAL_CLOCK": "0", **environment})


@contextmanager
def lean_platform() -> Iterator[Platform]:
    """Yield it running; the function `hmac` has verify-webhook's own manifest but for name and source."""
    webhook = WEBHOOK_MANIFEST.read_text()
    hmac = webhook.replace("functions/verify_webhook/app.py", "sources/hmac_alone.py").replace(
        "verify_webhook", "target"
    )
    hmac = hmac.replace("verify-webhook", "hmac")
    manifests = service("hold", concurrency=1) + service("park")
    manifests += trigger("held", "hold", type="dev.slipway.push.received.v1")
    with folder() as place:
        root = write_project(place / "project", manifests, hold=HOLD)
        (root / "knative" / "functions" / "webhooks.yaml").write_text(f"{webhook}\n---\n{hmac}")
        (root / "sources" / "hmac_alone.py").write_text(HMAC)
        (root / "functions").symlink_to(CODE / "functions")
        (root / "schemas").symlink_to(CODE / "schemas")
        with running(
            place / "home", root=root, workers=(), default_ports=False, settings=settings(), say=say
        ) as platform:
            yield platform
        shutil.rmtree(place / "home", ignore_errors=True)
