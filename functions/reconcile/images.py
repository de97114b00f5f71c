"""Deletes the images that no release runs or can be rolled back to, so that registries do not fill up."""

from dataclasses import dataclass

from functions.common.ports.images import ImageRetention, ImageStore

IMAGES = 10  # a tick: each is a call to the registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Step: images beyond the newest `keep` releases of each open environment; 0 keeps all."""

    retention: ImageRetention
    store: ImageStore
    keep: int

    def __call__(self) -> None:
        """Delete some images. An error of the store ends the step: the rest is tried again a day later."""
        for reference, digest in self.retention.claim(releases=self.keep, limit=IMAGES) if self.keep else ():
            self.store.delete(reference, digest)
            self.retention.mark_deleted(reference, digest)
