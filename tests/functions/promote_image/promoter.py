"""promote-image on a test's platform."""

from pathlib import Path

from cryptography.fernet import Fernet

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.local.images import LocalImageStore
from functions.common.adapters.postgres.builds import PostgresBuiltImages
from functions.common.adapters.postgres.declared import PostgresFirstConfig
from functions.common.adapters.postgres.releases import (
    PostgresAbandonedImages,
    PostgresReleaseArchive,
    PostgresReleaseLedger,
    PostgresReleaseProgress,
)
from functions.common.domain.push import Push
from functions.common.events.base import Event
from functions.common.events.build import ImagePublished
from functions.common.events.release import RollbackRequested
from functions.common.ports.deployer import Deployer
from functions.common.ports.pushes import PushLedger
from functions.promote_image.declared import Declaring
from functions.promote_image.handler import handle_image
from functions.promote_image.redeploy import Redeploy
from functions.promote_image.removal import Removal
from functions.promote_image.roll_out import Plan, RollOut
from functions.promote_image.rollback import handle_rollback
from tests.world import DOMAIN, World, caused_by, digest_of, image


class Promoter:
    """The handlers with their real ports."""

    def __init__(
        self, world: World, images: Path, pushes: PushLedger | None = None, deployer: Deployer | None = None
    ) -> None:
        self.world, self.folder, self.pushes = world, images, pushes or world.pushes
        database, deployer = world.database, deployer or world.deployer
        self.store = LocalImageStore(images=images)
        self.cipher = FernetCipher(keys=(Fernet.generate_key().decode(),))
        self.ledger = PostgresReleaseLedger(database=database)
        self.archive = PostgresReleaseArchive(database=database)
        self.roll_out = RollOut(
            deployer=deployer,
            progress=PostgresReleaseProgress(database=database),
            pushes=self.pushes,
            sink=world.sink,
            plan=Plan(domain=DOMAIN, steps=(50, 100)),
        )
        self.redeploy = Redeploy(ledger=self.ledger, archive=self.archive, roll_out=self.roll_out, sink=world.sink)
        self.removal = Removal(
            ledger=self.ledger,
            deployer=deployer,
            pushes=self.pushes,
            sink=world.sink,
            abandoned=PostgresAbandonedImages(database=database),
            images=self.store,
        )

    def build(self, push: Push) -> None:
        """Put the push's image into the store, as its build does, and record that build."""
        self.world.built(image(push))
        (self.folder / digest_of(push.sha).removeprefix("sha256:")).mkdir(parents=True, exist_ok=True)

    def handle(self, event: ImagePublished) -> Event:
        """Handle an image.published."""
        built = PostgresBuiltImages(database=self.world.database)
        first = PostgresFirstConfig(database=self.world.database, cipher=self.cipher)
        declare = Declaring(images=self.store, config=first)
        parts = {"ledger": self.ledger, "pushes": self.pushes, "roll_out": self.roll_out}
        return handle_image(event, built=built, declare=declare, **parts)  # type: ignore[arg-type] # a dict for short

    def promote(self, push: Push, cause: str = "") -> Event:
        """Handle the push's image.published."""
        self.build(push)
        with caused_by(cause or f"image-of-{push.id}", "promote-image"):
            return self.handle(image(push))

    def roll_back(self, to: int, cause: str = "rollback") -> Event:
        """Handle a rollback.requested."""
        event = RollbackRequested(app="hello", environment="production", to=to)
        with caused_by(cause, "promote-image"):
            return handle_rollback(
                event, ledger=self.ledger, archive=self.archive, images=self.store, roll_out=self.roll_out
            )
