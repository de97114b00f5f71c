"""Deletes images that nothing runs and that nobody can roll back to: else registries fill up without end."""

from dataclasses import dataclass

from functions.common.ports.images import ImageRetention, ImageStore

LIMIT = 10  # a tick: each is a call to the registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Step: images beyond the newest `keep` releases of each open environment; 0 keeps them all."""

    retention: ImageRetention
    store: ImageStore
    keep: int

    def __call__(self) -> None:
        """Delete some. Raises what the store does: then the rest is for a day later, and a log has one line of it."""
        for reference, digest in self.retention.claim(releases=self.keep, limit=LIMIT) if self.keep else ():
            self.store.delete(reference, digest)
            self.retention.deleted(reference, digest)
