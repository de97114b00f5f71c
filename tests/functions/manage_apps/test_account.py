"""Login, logout, passwords, invitations; attempts are slowed."""

from datetime import datetime, timedelta

import pytest

from functions.common.adapters.passwords import Argon2Passwords
from functions.common.adapters.postgres.limits import ADDRESS, PostgresLoginAttempts
from functions.common.adapters.postgres.users import PostgresUsers
from tests.api_world import Answered, ApiWorld

EMAIL, PASSWORD = "dev@example.org", "correct horse battery"
LOGIN = "/api/v1/auth/login"


@pytest.fixture(autouse=True)
def _dev(api: ApiWorld) -> None:
    PostgresUsers(database=api.database).add(EMAIL, password=Argon2Passwords().hash(PASSWORD), administrator=False)


def log_in(api: ApiWorld, password: str = PASSWORD, *, email: str = EMAIL, address: str = "") -> Answered:
    """Log in from an address."""
    headers = {"X-Forwarded-For": address} if address else {}
    return api.call("POST", LOGIN, {"email": email, "password": password}, scope=None, headers=headers)


def wait_over(api: ApiWorld) -> None:
    """Let the time since the last attempts pass."""
    api.database.run("update rate_limits set busy_until = busy_until - interval '1 hour'")


def attempt(api: ApiWorld, address: str, *, times: int) -> None:
    """Count attempts at many accounts, without the price of a password for each."""
    attempts = PostgresLoginAttempts(database=api.database)
    for number in range(times):
        assert attempts.begin(account=f"u{number}@example.org", address=address.format(number)) == 0


def test_a_login_gives_a_token_that_expires_and_is_stored_as_a_digest(api: ApiWorld) -> None:
    answer = log_in(api, email=" Dev@Example.org ")

    session = answer.body["data"]
    assert (answer.status, session["token_type"]) == (200, "Bearer")
    left = datetime.fromisoformat(session["expires_at"]) - datetime.now().astimezone()
    assert timedelta(days=29) < left <= timedelta(days=30)
    who = api.get("/v1/whoami", token=session["access_token"])
    assert who["user"] == {"email": EMAIL, "administrator": False}
    kept = str(api.database.run("select * from api_tokens")) + str(api.database.run("select * from users"))
    assert session["access_token"] not in kept
    assert PASSWORD not in kept
    assert "$argon2id$" in kept
    assert ["login", EMAIL] in api.database.run("select action, actor from audit_log")


def test_an_expired_token_is_refused(api: ApiWorld) -> None:
    token = log_in(api).body["data"]["access_token"]
    api.database.run("update api_tokens set expires_at = now() where kind = 'session'")

    assert api.call("GET", "/v1/whoami", token=token).status == 401


def test_a_logout_revokes_this_token_only(api: ApiWorld) -> None:
    first, second = (log_in(api).body["data"]["access_token"] for _ in range(2))

    assert api.call("POST", "/v1/auth/logout", token=first).status == 200
    assert api.call("GET", "/v1/whoami", token=first).status == 401
    assert api.call("GET", "/v1/whoami", token=second).status == 200


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(api: ApiWorld) -> None:
    wrong, unknown = log_in(api, "wrong"), log_in(api, email="none@example.org")

    assert (wrong.status, wrong.text) == (unknown.status, unknown.text)
    assert wrong.status == 401
    assert PASSWORD not in wrong.text


def test_attempts_are_slowed_per_account(api: ApiWorld) -> None:
    statuses = [log_in(api, "wrong", address=f"1.2.3.{number}").status for number in range(7)]
    right = log_in(api, address="1.2.3.99")

    assert statuses[:5] == [401] * 5
    assert 429 in statuses[5:]
    assert (right.status, int(right.headers["Retry-After"]) >= 1) == (429, True)
    wait_over(api)
    assert log_in(api).status == 200
    assert log_in(api, "wrong").status == 401


def test_an_account_that_is_attacked_earns_an_attempt_each_minute(api: ApiWorld) -> None:
    tried = [log_in(api, "wrong", address=f"1.2.3.{number}") for number in range(50)]

    assert 55 <= int(tried[-1].headers["Retry-After"]) <= 60
    api.database.run("update rate_limits set busy_until = busy_until - interval '1 minute'")
    assert log_in(api).status == 200


def test_attempts_are_slowed_per_address(api: ApiWorld) -> None:
    address = "1.2.3.7"
    statuses = [log_in(api, "wrong", email=f"u{number}@example.org", address=address).status for number in range(24)]

    assert statuses[:20] == [401] * 20
    assert 429 in statuses[20:]
    assert log_in(api, address="1.2.3.8").status == 200
    for seen in (address, f"{address}:4321", f"::ffff:{address}", f"[::ffff:{address}]:4321"):
        spoofed = api.call("POST", LOGIN, {"email": EMAIL, "password": PASSWORD}, scope=None, headers={
            "X-Forwarded-For": f"5.6.7.8, {seen}",
        })  # fmt: skip
        assert spoofed.status == 429, seen


@pytest.mark.parametrize("address", ["2606:4700:1:2:{}::1", "2606:4700:1:2:ffff:{}:0:9", "::ffff:1.2.3.4"])
def test_the_addresses_of_one_ipv6_network_are_slowed_together(api: ApiWorld, address: str) -> None:
    """Who has one of them has 2^64."""
    attempt(api, address, times=ADDRESS.burst - 1)

    assert log_in(api, "wrong", email="v1@example.org", address=address.format("a")).status == 401
    assert log_in(api, "wrong", email="v2@example.org", address=address.format("b")).status == 429
    assert log_in(api, address="2606:4700:1:3::1").status == 200


def test_a_successful_login_of_ones_own_does_not_reset_the_address(api: ApiWorld) -> None:
    address = "1.2.3.7"
    attempt(api, address, times=ADDRESS.burst - 1)

    assert log_in(api, address=address).status == 200
    assert log_in(api, "wrong", email="v1@example.org", address=address).status == 401
    assert log_in(api, "wrong", email="v2@example.org", address=address).status == 429


def test_a_changed_password_ends_the_other_sessions(api: ApiWorld) -> None:
    mine, other = (log_in(api).body["data"]["access_token"] for _ in range(2))
    named = api.call("POST", "/v1/tokens", {"name": "ci"}, token=mine).body["token"]
    change = {"current": PASSWORD, "new": "another long password"}

    assert api.call("PUT", "/v1/auth/password", {**change, "current": "wrong"}, token=mine).status == 401
    assert api.call("PUT", "/v1/auth/password", change, token=mine).body == {"changed": EMAIL}
    assert [api.call("GET", "/v1/whoami", token=token).status for token in (mine, other, named)] == [200, 401, 200]
    assert log_in(api).status == 401
    assert log_in(api, change["new"]).status == 200


@pytest.mark.parametrize("new", ["short", "x" * 257, EMAIL.upper(), 77777, None])
def test_an_unusable_new_password_is_refused_without_being_shown(api: ApiWorld, new: object) -> None:
    token = log_in(api).body["data"]["access_token"]

    answer = api.call("PUT", "/v1/auth/password", {"current": PASSWORD, "new": new}, token=token)

    assert (answer.status, answer.body["error"][:5]) == (422, "new: ")
    assert new is None or str(new) not in answer.text


@pytest.mark.parametrize(
    "email", ["", "dev", "@example.org", "dev@", "a b@example.org", "d@e@f", "x" * 250 + "@e.org", 7, None]
)
def test_an_email_that_is_none_is_refused(api: ApiWorld, email: object) -> None:
    answer = api.call("POST", LOGIN, {"email": email, "password": "x"}, scope=None)

    assert (answer.status, "email: " in answer.body["error"]) == (422, True)


def test_an_invitation_makes_a_user_once(api: ApiWorld) -> None:
    admin = api.user("admin@example.org", administrator=True)
    invited = api.call("POST", "/v1/invitations", {"email": "New@Example.org"}, token=admin)
    accepted = {"token": invited.body["token"], "password": PASSWORD}
    joined = api.call("POST", "/v1/auth/invitation", accepted, scope=None)

    assert (invited.status, invited.body["email"], joined.status) == (201, "new@example.org", 201)
    assert joined.body["data"]["user"] == {"email": "new@example.org", "administrator": False}
    assert api.call("POST", "/v1/auth/invitation", accepted, scope=None).status == 401
    assert log_in(api, email="new@example.org").status == 200
    assert api.call("POST", "/v1/invitations", {"email": "new@example.org"}, token=admin).status == 409
    assert invited.body["token"] not in str(api.database.run("select * from audit_log"))


def test_wrong_invitations_do_not_slow_the_right_one(api: ApiWorld) -> None:
    admin = api.user("admin@example.org", administrator=True)
    invited = api.call("POST", "/v1/invitations", {"email": "new@example.org"}, token=admin)

    def accept(token: str, address: str) -> int:
        body, headers = {"token": token, "password": PASSWORD}, {"X-Forwarded-For": address}
        return api.call("POST", "/v1/auth/invitation", body, scope=None, headers=headers).status

    assert [accept(f"wrong-{number}", "1.2.3.4") for number in range(8)] == [401] * 8
    assert 429 in [accept("wrong", f"1.2.3.{number}") for number in range(8)]
    assert accept(invited.body["token"], "1.2.3.4") == 201


def test_a_withdrawn_replaced_or_expired_invitation_is_refused(api: ApiWorld) -> None:
    admin, tokens = api.user("admin@example.org", administrator=True), []
    for number in range(3):
        email = {"email": f"new{min(number, 1)}@example.org"}
        tokens.append(api.call("POST", "/v1/invitations", email, token=admin).body["token"])
    assert [one["email"] for one in api.get("/v1/invitations", token=admin)["items"]] == [
        "new0@example.org",
        "new1@example.org",
    ]
    api.call("DELETE", "/v1/invitations/new0@example.org", token=admin)
    api.database.run("update invitations set expires_at = now() where email = 'new1@example.org'")

    for token in tokens:
        answer = api.call("POST", "/v1/auth/invitation", {"token": token, "password": PASSWORD}, scope=None)
        assert answer.status == 401
    assert api.get("/v1/invitations", token=admin)["items"] == []


def test_nobody_registers_without_an_invitation(api: ApiWorld) -> None:
    for path in ("/v1/users", "/v1/auth/register", "/v1/auth/signup"):
        assert api.call("POST", path, {"email": "x@example.org", "password": PASSWORD}, scope=None).status in {404, 405}
