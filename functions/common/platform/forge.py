"""The forge with an API, a Forgejo or Gitea at GITEA_URL; without one a forge that has none."""

from typing import TYPE_CHECKING

from functions.common.adapters.http_client import warm_up
from functions.common.settings import Settings

if TYPE_CHECKING:  # see choice.py
    from functions.common.adapters.addresses import GitHosts
    from functions.common.adapters.forges.gitea import GiteaApi
    from functions.common.ports.accounts import ForgeLogin
    from functions.common.ports.forge import CommitStatuses, ForgeAccounts, ForgeHeads, Repositories, RepositoryNames


def source_hosts(settings: Settings, *own: str) -> "GitHosts":
    """Return which hosts repositories may be fetched from; `own` are git servers of the platform."""
    from functions.common.adapters.addresses import git_hosts

    return git_hosts(internal=settings.sources.internal, trusted=(settings.sources.forge_url, *own))


def heads(settings: Settings) -> "ForgeHeads":
    """Return what reads the heads of branches."""
    api = _api(settings)
    if api is None:
        from functions.common.adapters.forges.no_forge import NoForge

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaHeads

    warm_up(api.url)
    return GiteaHeads(api=api)


def names(settings: Settings) -> "RepositoryNames":
    """Return what is asked for the names of repositories."""
    api = _api(settings)
    if api is None:
        from functions.common.adapters.forges.no_forge import NoForge

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaHeads

    return GiteaHeads(api=api)


def repositories(settings: Settings) -> "Repositories":
    """Return what creates repositories."""
    api = _api(settings)
    if api is None:
        from functions.common.adapters.forges.no_forge import NoForge

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaRepositories

    webhook_url = f"{settings.gateway.required_url}/v1/webhooks/gitea"
    return GiteaRepositories(api=api, organisation=settings.forge.organisation, webhook_url=webhook_url)


def accounts(settings: Settings) -> "ForgeAccounts | None":
    """Return what gives users their keys and roles at the forge; None without a token for it."""
    api, token = _api(settings), settings.forge_accounts.admin_token.get_secret_value()
    if api is None or not token:
        return None
    from functions.common.adapters.forges.gitea import GiteaApi
    from functions.common.adapters.forges.gitea_accounts import ACCESS, GiteaAccounts

    admin = GiteaApi(url=api.url, token=token, remedy=ACCESS)
    return GiteaAccounts(admin=admin, api=api, organisation=settings.forge.organisation)


def statuses(settings: Settings) -> "CommitStatuses":
    """Return what shows the state of a push at its commit."""
    api = _api(settings)
    if api is None:
        from functions.common.adapters.forges.no_forge import NoForge

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaStatuses

    warm_up(api.url)
    return GiteaStatuses(api=api)


def _api(settings: Settings) -> "GiteaApi | None":
    """Return the API of the forge at GITEA_URL, None without one. Raises SettingError unless it is complete."""
    url, given = settings.sources.forge_url, settings.forge
    if not url:
        return None
    given.require("token", "organisation")
    from functions.common.adapters.forges.gitea import GiteaApi

    return GiteaApi(url=url, token=given.token.get_secret_value())


_PUBLIC_FORGES = {"github": "https://github.com", "gitlab": "https://gitlab.com"}
CALLBACK = "/dashboard/login/callback"


def login(settings: Settings) -> "ForgeLogin | None":
    """Return logins at the forge, None where there are passwords alone. Raises SettingError."""
    given = settings.login
    if not given.forge:
        return None
    url = given.url or _PUBLIC_FORGES.get(given.forge, "") or settings.sources.forge_url
    if not url:
        given.require("url")
    from functions.common.adapters.forges.login import OAuthForgeLogin  # as above

    return OAuthForgeLogin(
        kind=given.forge,
        url=url,
        client=given.client,
        secret=given.secret.get_secret_value(),
        redirect=settings.gateway.required_url + CALLBACK,
    )
