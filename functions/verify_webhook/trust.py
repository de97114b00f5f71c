"""Which secrets a webhook may be signed with, and which forge may announce which repositories."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from functions.common.domain.delivery import Provider
from functions.common.domain.git_url import host_key, identity_of, repository_key, repository_keys
from functions.common.errors import Rejected
from functions.common.events.push import Repository
from functions.common.ports.deliveries import WebhookSecret, WebhookSecrets

_PUBLIC = {Provider.GITHUB: "github.com", Provider.GITLAB: "gitlab.com"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeHosts:
    """`listed` are the only hosts that a forge is believed for, hosts in `known` are those of these forges alone."""

    listed: Mapping[Provider, tuple[str, ...]] = field(default_factory=dict)
    known: Mapping[str, frozenset[Provider]] = field(default_factory=dict)

    def check(self, provider: Provider, repository: Repository) -> None:
        """Raise Rejected when the forge does not have the repository's host: its secret is that of another one."""
        host = repository_keys(repository.urls)[0].partition("/")[0]
        names = {host, host.partition(":")[0]}
        owners = {one for one, hosts in self.listed.items() if names & {_host(text) for text in hosts}}
        owners |= {one for one, public in _PUBLIC.items() if public in names}
        owners |= {one for name in names for one in self.known.get(name, ())}
        if (owners or self.listed.get(provider)) and provider not in owners:
            setting = f"{provider.upper()}_HOSTS"
            msg = f"{host} is no host of {provider}: an operator can allow its repositories there by {setting}"
            raise Rejected(msg)


def _host(text: str) -> str:
    """Return a host of a setting as keys of repositories have it; an operator may give a URL or a default port."""
    return host_key(text if "://" in text else f"https://{text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitServer:
    """The git server of this machine, whose hook has a secret of its own; without a URL there is none."""

    url: str = ""
    secret: str = field(default="", repr=False)

    def has(self, repository: Repository) -> bool:
        """Return whether the repository is there."""
        if not self.url:
            return False
        home = repository_key(f"{self.url}/any").removesuffix("any")
        return any(key.startswith(home) for key in repository_keys(repository.urls))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """`default_of` is the secret of a forge, for hooks that were made by hand; `own` are those of apps."""

    default_of: Callable[[Provider], str]
    own: WebhookSecrets
    hosts: ForgeHosts
    git_server: GitServer

    def secrets_for(self, provider: Provider, repository: Repository | None) -> tuple[WebhookSecret, ...]:
        """Return the secrets, one of which must have signed what a forge says of a repository (None: of none).

        The secret of an app is for its repository alone, also under a new name. As soon as one app of a repository has
        a secret, that of the forge is none for the repository.
        """
        own = self._own(repository) if repository else ()
        is_here = repository is not None and self.git_server.has(repository)
        if is_here:
            found = (WebhookSecret(secret=self.git_server.secret), *own)
        else:
            found = own or (WebhookSecret(secret=self.default_of(provider)),)
        return tuple(one for one in found if one.secret.strip())

    def _own(self, repository: Repository) -> tuple[WebhookSecret, ...]:
        keys = repository_keys(repository.urls)
        return self.own.of_repository(*keys, identity=identity_of(keys[0], repository.id))
