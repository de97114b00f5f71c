"""ImageRetention where whoever keeps images deletes those that nothing needs."""


class KeptImages:
    """ImageRetention that chooses none."""

    def claim(self, *, releases: int, limit: int) -> tuple[tuple[str, str], ...]:  # noqa: ARG002 - there is none
        """Return none; see ImageRetention."""
        return ()

    def deleted(self, reference: str, digest: str) -> None:
        """Do nothing; see ImageRetention."""
