"""What a Gitea answers about emails decides which of its users gets the keys."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.common.adapters.forges.gitea import GiteaApi
from functions.common.adapters.forges.gitea_accounts import ACCESS, GiteaAccounts
from functions.common.errors import Rejected, Unavailable
from functions.common.ports.forge import ForgeAccount
from tests.fakes.loopback import Call, Reply, served

ADA = ForgeAccount(
    email="ada@example.org", changed_at=datetime.now(UTC), keys={"a": "ssh-ed25519 AAAA"}, roles={}, granted=()
)


class Vendor:
    """Answers the search for emails with these, and records every other call."""

    def __init__(self, emails: list[dict[str, Any]]) -> None:
        self.emails, self.calls = emails, list[str]()

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if call.path == "/api/v1/admin/emails/search":
            return Reply(status=200, body=self.emails)
        self.calls.append(f"{call.method} {call.path}")
        return Reply(status=200, body=[])


def accounts(url: str) -> GiteaAccounts:
    api = GiteaApi(url=url, token="t", remedy=ACCESS)
    return GiteaAccounts(admin=api, api=api, organisation="team")


def test_a_forge_user_who_has_not_confirmed_the_email_gets_nothing() -> None:
    vendor = Vendor([{"email": "ada@example.org", "verified": False, "username": "mallory"}])
    with served(vendor) as url, pytest.raises(Rejected, match="has not confirmed it"):
        accounts(url).sync(ADA)
    assert vendor.calls == []


def test_only_the_user_of_exactly_this_email_gets_the_keys() -> None:
    near = {"email": "xada@example.org", "verified": True, "username": "mallory"}
    vendor = Vendor([near, {"email": "ADA@example.org", "verified": True, "username": "ada"}])
    with served(vendor) as url:
        assert accounts(url).sync(ADA).username == "ada"
    assert vendor.calls == ["GET /api/v1/users/ada/keys", "POST /api/v1/admin/users/ada/keys"]


def test_an_answer_of_another_shape_is_unavailable() -> None:
    for emails in ([{"mail": "x"}], ["x"]):
        with served(Vendor(emails)) as url, pytest.raises(Unavailable):  # type: ignore[arg-type] # on purpose
            accounts(url).sync(replace(ADA, keys={}))
