"""Who may fetch from and push to which repository, over HTTP and over SSH."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from functions.common.adapters.local.repositories import find_repository
from functions.common.domain.tokens import digest_of
from functions.common.errors import NotFound, SlipwayError
from functions.common.ports.accounts import AccessTokens, AppRole, Caller, Members, Membership, Scope, SshKeys
from functions.common.ports.apps import AppDirectory
from functions.common.ports.limits import Strangers

NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
REPOSITORY = rf"/?(?:(?P<owner>{NAME})/)?(?P<name>{NAME}?)(?:\.git)?"
_PATH = re.compile(REPOSITORY)


class Service(StrEnum):
    """What a client asks of a repository, by the name of the program that answers."""

    FETCH = "git-upload-pack"
    PUSH = "git-receive-pack"

    @property
    def role(self) -> AppRole:
        """The least role in the app whose repository it is."""
        return AppRole.DEPLOYER if self is Service.PUSH else AppRole.VIEWER

    @property
    def scope(self) -> Scope:
        """The least scope of the token."""
        return Scope.DEPLOY if self is Service.PUSH else Scope.READ

    @property
    def noun(self) -> str:
        """What a person calls it."""
        return "push" if self is Service.PUSH else "fetch"


class Unauthenticated(SlipwayError):
    """The password is no token in force."""


class TooManyTokens(SlipwayError):
    """Too many passwords that are no token came from the address."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many unknown access tokens: wait {seconds} s before the next one")
        self.seconds = seconds


class Forbidden(SlipwayError):
    """The caller sees the repository, but may not do this with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitAccess:
    """Checks callers of the bare repositories in `folder`/OWNER/NAME.git; `owner` stands for a missing OWNER.

    A repository belongs to the app for which it was created. Those of no app are for administrators alone.
    """

    folder: Path
    owner: str
    tokens: AccessTokens
    keys: SshKeys
    members: Members
    apps: AppDirectory
    strangers: Strangers

    def authenticate(self, password: str, address: str) -> Caller:
        """Return the caller whose access token the password is. Raises Unauthenticated and TooManyTokens."""
        found = self.tokens.find(digest_of(password)) if password else None
        if found is None:
            if password and (seconds := self.strangers.refuse(address)):
                raise TooManyTokens(seconds)
            problem = "the access token is unknown, revoked or expired" if password else "an access token is missing"
            msg = f"{problem}: log in with `paas login`, or give one of `paas tokens create` as the password"
            raise Unauthenticated(msg)
        return found

    def of_key(self, fingerprint: str) -> Caller | None:
        """Return the caller whose SSH key it is."""
        return self.keys.caller(fingerprint)

    def path(self, caller: Caller, repository: str, service: Service) -> Path:
        """Return the folder of a repository for a caller.

        Raises NotFound, also when the caller may not see it, and Forbidden.
        """
        match = _PATH.fullmatch(repository)
        owner = (match["owner"] or self.owner) if match else ""
        path = find_repository(self.folder, owner, match["name"]) if match else None
        owner, name = (path.parent.name, path.name.removesuffix(".git")) if path else ("", "")
        app = self.apps.owning(name) if name and owner == self.owner else None
        membership = self._membership(caller, app.name if app else "")
        if path is None or membership is None:
            msg = "there is no such repository, or you may not see it: `paas apps create NAME` creates one"
            raise NotFound(msg)
        _check(caller, membership, app.name if app else "", service)
        return path

    def _membership(self, caller: Caller, app: str) -> Membership | None:
        if caller.app not in {"", app}:
            return None
        if caller.sees_all:
            return Membership(role=AppRole.OWNER)
        return self.members.of_user(app, caller.user) if app else None


def _check(caller: Caller, membership: Membership, app: str, service: Service) -> None:
    if not caller.scope.covers(service.scope):
        msg = f"the token {caller.name!r} has the scope {caller.scope}, a {service.noun} needs {service.scope}"
        raise Forbidden(msg)
    if not membership.role.covers(service.role):
        msg = f"you are {membership.role} of {app}, a {service.noun} needs {service.role}: ask an owner of the app"
        raise Forbidden(msg)
