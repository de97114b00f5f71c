"""Deletes what is not needed any more: images, logs of builds and releases, rows of ended versions."""

import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path

from functions.common.adapters.local.images import LocalImageStore
from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.postgres.images import NEEDED
from functions.local.builds.image import forget_seal
from functions.local.files import remove_tree

_LOG = logging.getLogger(__name__)
_HOUR, _DAY = 3_600.0, 86_400.0
_APP_LOG = re.compile(r"^([0-9]+)-.+\.log(\.[0-9]+)?\Z")  # of a release's process, with its rotated files
_IMAGE = re.compile(r"^[0-9a-f]{64}\Z")
_KEPT = f"""
{NEEDED}
union select wanted ->> 'digest' from platform.workloads where wanted is not null
union select workload ->> 'digest' from platform.versions where stage not in ('failed', 'stopped')
union select digest from platform.builds where reported_at is null
"""  # noqa: S608 - a constant
_RECORD_DELETION = (  # so that no later build uses the image
    "update builds set image_claimed_at = now(), image_deleted_at = now() where digest = :digest",
    "delete from abandoned_images where digest = :digest",
)
_ACTIVE = "select app, environment, release from platform.versions where stage not in ('failed', 'stopped')"
_OPEN = "select app, name from environments where state = 'open'"
_OLD_VERSIONS = """
delete from platform.versions as v
where stage in ('failed', 'stopped') and entered_at < now() - cast(:days as integer) * interval '1 day'
    and release <> (select generation from platform.workloads as w
        where w.app = v.app and w.environment = v.environment)
"""
_OLD_REPORTS = """
delete from platform.reports as r
where reported_at < now() - cast(:days as integer) * interval '1 day'
    and exists (select 1 from platform.reports as newer
        where newer.app = r.app and newer.environment = r.environment and newer.id > r.id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Keeps the images of the newest `releases` of each open environment (0: all images), and logs for `days`."""

    home: Path
    database: Postgres
    releases: int
    days: int

    def __call__(self) -> None:
        """Delete; an image that was stored or used in the last hour always stays."""
        for digest in self._old_images() if self.releases else ():
            if digest not in self._kept() and _age(self._image(digest)) > _HOUR:
                self._delete_image(digest)
        for log in (self.home / "builds").glob("*.log"):
            if _age(log) > self.days * _DAY:
                log.unlink(missing_ok=True)
        self._delete_app_logs()
        self._delete_app_data()
        self._delete_caches()
        for statement in (_OLD_VERSIONS, _OLD_REPORTS):
            self.database.run(statement, days=self.days)

    def _delete_image(self, digest: str) -> None:
        for statement in _RECORD_DELETION:
            self.database.run(statement, digest=digest)
        LocalImageStore(images=self.home / "images").delete("", digest)
        forget_seal(self.home / "images", digest)
        _LOG.info("the image %s is deleted: no release runs it or can be rolled back to it", digest)

    def _delete_app_logs(self) -> None:
        logs = (self.home / "logs" / "apps").glob("*/*/*")
        old = [(log, found[1]) for log in logs if (found := _APP_LOG.match(log.name)) and _age(log) > self.days * _DAY]
        active = {(row[0], row[1], row[2]) for row in self.database.run(_ACTIVE)} if old else set()
        for log, release in old:
            app, environment = log.parts[-3:-1]
            if (app, environment, int(release)) not in active:  # a running process may have written nothing for days
                log.unlink(missing_ok=True)

    def _delete_app_data(self) -> None:
        """Delete what processes of ended releases wrote, where a controller that died left it."""
        found = [path for path in (self.home / "apps").glob("*/*/[0-9]*") if _age(path) > _HOUR]
        active = {(row[0], row[1], row[2]) for row in self.database.run(_ACTIVE)} if found else set()
        for path in found:
            app, environment, release = path.parts[-3:]
            if (app, environment, int(release)) not in active and not any(path.glob("run-*")):
                remove_tree(path)

    def _delete_caches(self) -> None:
        """Delete the build caches of environments that are closed, and of deleted apps."""
        found = [path for path in (self.home / "cache").glob("*/*/*") if _age(path) > _HOUR]
        opened = {(row[0], row[1]) for row in self.database.run(_OPEN)} if found else set()
        for path in found:
            if path.parts[-2:] not in opened:
                remove_tree(path)
                _LOG.info("the build cache of %s is deleted: the environment is closed", "/".join(path.parts[-2:]))

    def _old_images(self) -> list[str]:
        found = (self.home / "images").glob("*")
        return [f"sha256:{path.name}" for path in found if _IMAGE.match(path.name) and _age(path) > _HOUR]

    def _kept(self) -> set[str]:
        # Read again for each image: deleting one takes a while, and a release may begin meanwhile.
        return {row[0] for row in self.database.run(_KEPT, releases=self.releases)}

    def _image(self, digest: str) -> Path:
        return self.home / "images" / digest.removeprefix("sha256:")


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
