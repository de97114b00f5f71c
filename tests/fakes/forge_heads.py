"""A forge whose branches are set by the test."""

from functions.common.domain.git_url import repository_key


class FakeForgeHeads:
    """ForgeHeads; fill `branches` by domain.git_url.repository_key, other repositories cannot be read.

    `asked` are the URLs that it was asked about.
    """

    def __init__(self) -> None:
        self.branches: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.names: dict[str, tuple[str, ...]] | None = None

    def heads(self, clone_url: str) -> dict[str, str] | None:
        """Return branch -> sha; see ForgeHeads."""
        self.asked.append(clone_url)
        return self.branches.get(repository_key(clone_url))

    def urls_of(self, clone_url: str, number: str) -> tuple[str, ...] | None:
        """Return the URLs in `names` of an id, None while it is None; see RepositoryNames."""
        self.asked.append(clone_url)
        return None if self.names is None else self.names.get(number, ())

    def head(self, clone_url: str, branch: str) -> str | None:
        """Return the branch's sha; see ForgeHeads."""
        heads = self.heads(clone_url)
        return None if heads is None else heads.get(branch, "")
