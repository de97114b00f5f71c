"""What nothing needs any more goes: environments of earlier releases, and images of deleted apps."""

import pytest

from functions.common.adapters.postgres.client import Postgres
from functions.common.adapters.registry import RegistryImages
from tests.cluster.conftest import NewUser
from tests.cluster.kit.install import DATABASE
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.node import REGISTRY, REGISTRY_URL
from tests.cluster.kit.user import User
from tests.local.waiting import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
TICK_SECONDS = 60
IMAGES = RegistryImages(registry=REGISTRY, url=REGISTRY_URL)


def images(app: str) -> set[tuple[str, str]]:
    """Return the images that were built of an app, by reference and digest."""
    database = Postgres(DATABASE)
    rows = database.run("select image, digest from builds where app = :app and digest <> ''", app=app)
    database.close()
    return {(image, digest) for image, digest in rows}


def environments(user: User, kubectl: Kubectl) -> set[str]:
    """Return the names of the Secrets that an app's production has environments in."""
    names = kubectl("get", "secrets", "-n", f"app-{user.app}", "-o", "name").split()
    return {name for name in names if name.startswith("secret/config-")}


def test_an_environment_goes_when_a_newer_release_is_live(new_user: NewUser, kubectl: Kubectl) -> None:
    user = new_user("changing")
    user.begin()
    user.deploy()
    assert environments(user, kubectl) == {"secret/config-1"}

    user.deploy({"more.txt": "more\n"})

    until(lambda: environments(user, kubectl) == {"secret/config-2"}, seconds=60, why="the first environment to go")
    assert user.get()[0] == 200


def test_images_go_with_their_app_an_hour_later_and_others_stay(new_user: NewUser) -> None:
    staying, leaving = new_user("staying"), new_user("leaving")
    for user in (staying, leaving):
        user.begin()
        user.deploy({"more.txt": user.app})  # so that no two have one digest
    kept, old = images(staying.app), images(leaving.app)
    assert kept
    assert old
    leaving.paas("apps", "delete", leaving.app, "--yes")

    database = Postgres(DATABASE)
    for table, column in (("abandoned_images", "since"), ("builds", "ended_at")):
        database.run(f"update {table} set {column} = {column} - interval '2 hours'")  # noqa: S608 - named above
    database.close()
    until(lambda: not any(IMAGES.has(*one) for one in old), seconds=4 * TICK_SECONDS, every=2, why="old images to go")

    assert all(IMAGES.has(*one) for one in kept)
    staying.deploy({"more.txt": "more\n"})
