"""Logins at a forge, by OAuth 2 with PKCE: Gitea, Forgejo, GitHub and GitLab."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from functions.common.adapters.http_client import HttpClient
from functions.common.adapters.lazy import lazy
from functions.common.errors import Rejected
from functions.common.ports.accounts import ForgeLoginRefused

if TYPE_CHECKING:
    from authlib.oauth2.rfc6749 import parameters
else:
    parameters = lazy("authlib.oauth2.rfc6749.parameters")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    authorize: str
    token: str
    scope: str
    emails: str  # below `api`
    api: str  # below the forge's URL


_GITHUB, _GITHUB_API = "https://github.com", "https://api.github.com"
_GITEA = _Kind(
    authorize="/login/oauth/authorize",
    token="/login/oauth/access_token",  # noqa: S106 - a path
    scope="read:user",
    api="/api/v1",
    emails="/user/emails",
)
_KINDS = {
    "gitea": _GITEA,
    "forgejo": _GITEA,
    "github": _Kind(
        authorize="/login/oauth/authorize",
        token="/login/oauth/access_token",  # noqa: S106 - a path
        scope="user:email",
        api="/api/v3",  # of GitHub Enterprise; github.com has a host of its own
        emails="/user/emails",
    ),
    "gitlab": _Kind(
        authorize="/oauth/authorize",
        token="/oauth/token",  # noqa: S106 - a path
        scope="read_user",
        api="/api/v4",
        emails="/user",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthForgeLogin:
    """ForgeLogin over the forge at `url`; `redirect` is the page that the forge leads back to."""

    kind: str
    url: str
    client: str
    secret: str = field(repr=False)
    redirect: str

    @property
    def name(self) -> str:
        """The forge's kind."""
        return self.kind

    def page(self, *, state: str, challenge: str) -> str:
        """Return where the login begins; see ForgeLogin."""
        url: str = parameters.prepare_grant_uri(  # type: ignore[no-untyped-call] # authlib ships no types
            self.url.rstrip("/") + _KINDS[self.kind].authorize,
            client_id=self.client,
            response_type="code",
            redirect_uri=self.redirect,
            scope=_KINDS[self.kind].scope,
            state=state,
            code_challenge=challenge,
            code_challenge_method="S256",
        )
        return url

    def emails(self, *, code: str, verifier: str) -> tuple[str, ...]:
        """Return the verified emails of who logged in; see ForgeLogin."""
        kind, token = _KINDS[self.kind], self._token(code, verifier)
        base = _GITHUB_API if self.url.rstrip("/") == _GITHUB else self.url.rstrip("/") + kind.api
        api = HttpClient(service=f"the forge {self.kind}", url=base, headers={"Authorization": f"Bearer {token}"})
        answer = api.call("GET", kind.emails, attempts=2)
        if not answer.is_success:
            raise api.refusal(answer, "the emails of a user")
        return answer.read(_gitlab_emails if self.kind == "gitlab" else _emails)

    def _token(self, code: str, verifier: str) -> str:
        """Return the access token for a code. It is used once, for the emails, and not stored."""
        body: str = parameters.prepare_token_request(  # type: ignore[no-untyped-call] # as above
            "authorization_code",
            redirect_uri=self.redirect,
            code=code,
            code_verifier=verifier,
            client_id=self.client,
            client_secret=self.secret,
        )
        service = HttpClient(
            service=f"the forge {self.kind}",
            url=self.url,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            remedies={401: "check SLIPWAY_LOGIN_CLIENT and SLIPWAY_LOGIN_SECRET"},
        )
        answer = service.call("POST", _KINDS[self.kind].token, content=body.encode())
        error = answer.object().get("error", "")
        if error in {"invalid_client", "unauthorized_client"}:  # GitHub sends errors with 200, Gitea with 400
            msg = f"the forge {self.kind} refuses Slipway: check SLIPWAY_LOGIN_CLIENT and SLIPWAY_LOGIN_SECRET"
            raise Rejected(msg)
        if error or not answer.is_success:
            raise ForgeLoginRefused
        return answer.read(_access_token)


def _access_token(found: Any) -> str:  # noqa: ANN401 - any JSON
    return str(found["access_token"])


def _emails(found: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON
    """Return the verified emails, the primary one first."""
    verified = [one for one in found if one["verified"] is True]
    return tuple(str(one["email"]).lower() for one in sorted(verified, key=lambda one: not one.get("primary")))


def _gitlab_emails(found: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON
    """Return the primary email, once it is confirmed."""
    return (str(found["email"]).lower(),) if found["confirmed_at"] else ()
