"""The forge with an API, a Forgejo or Gitea at GITEA_URL; without one a forge that has none."""

from typing import TYPE_CHECKING

from functions.common.adapters.http_client import warm_up
from functions.common.settings import Settings

if TYPE_CHECKING:  # see choice.py
    from functions.common.adapters.addresses import GitHosts
    from functions.common.ports.accounts import ForgeLogin
    from functions.common.ports.forge import CommitStatuses, ForgeAccounts, ForgeHeads, Repositories


def source_hosts(settings: Settings, *own: str) -> "GitHosts":
    """Return which hosts repositories may be fetched from; `own` are git servers of the platform."""
    from functions.common.adapters.addresses import git_hosts

    return git_hosts(internal=settings.sources.internal, trusted=(settings.forge.url, *own))


def heads(settings: Settings) -> "ForgeHeads":
    """Return what reads the heads of branches."""
    given = settings.forge
    if not given.url:
        from functions.common.adapters.forges.no_forge import NoForge

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaApi, GiteaHeads

    warm_up(given.url)
    return GiteaHeads(api=GiteaApi(url=given.url, token=given.token.get_secret_value()))


def repositories(settings: Settings) -> "Repositories":
    """Return what creates repositories."""
    given = settings.forge
    if not given.url:
        from functions.common.adapters.forges.no_forge import NoForge

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaApi, GiteaRepositories

    return GiteaRepositories(
        api=GiteaApi(url=given.url, token=given.token.get_secret_value()),
        organisation=given.organisation,
        webhook_url=f"{settings.gateway.required_url}/v1/webhooks/gitea",
        webhook_secret=settings.webhooks.secret_of("gitea"),
    )


def accounts(settings: Settings) -> "ForgeAccounts | None":
    """Return what gives users their keys and roles at the forge; None without a token for it."""
    given, token = settings.forge, settings.forge_accounts.admin_token.get_secret_value()
    if not given.url or not token:
        return None
    from functions.common.adapters.forges.gitea import GiteaApi
    from functions.common.adapters.forges.gitea_accounts import ACCESS, GiteaAccounts

    return GiteaAccounts(
        admin=GiteaApi(url=given.url, token=token, remedy=ACCESS),
        api=GiteaApi(url=given.url, token=given.token.get_secret_value()),
        organisation=given.organisation,
    )


def statuses(settings: Settings) -> "CommitStatuses":
    """Return what shows the state of a push at its commit."""
    given = settings.forge
    if not given.url:
        from functions.common.adapters.forges.no_forge import NoForge

        return NoForge()
    from functions.common.adapters.forges.gitea import GiteaApi, GiteaStatuses

    warm_up(given.url)
    return GiteaStatuses(api=GiteaApi(url=given.url, token=given.token.get_secret_value()))


_PUBLIC_FORGES = {"github": "https://github.com", "gitlab": "https://gitlab.com"}
CALLBACK = "/dashboard/login/callback"


def login(settings: Settings) -> "ForgeLogin | None":
    """Return logins at the forge, None where there are passwords alone. Raises SettingError."""
    given = settings.login
    if not given.forge:
        return None
    url = given.url or _PUBLIC_FORGES.get(given.forge, "") or settings.forge.url
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
