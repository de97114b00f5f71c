"""Users, their tokens and SSH keys, and the collaborators of apps."""

import subprocess
from pathlib import Path

import pytest

from tests.api_world import ApiWorld

KEYS = "/api/v1/auth/ssh-keys"


@pytest.fixture
def admin(api: ApiWorld) -> str:
    return api.user("admin@example.org", administrator=True)


@pytest.fixture
def dev(api: ApiWorld) -> str:
    return api.user("dev@example.org")


def test_users_are_listed_promoted_and_removed(api: ApiWorld, admin: str, dev: str) -> None:
    assert [(one["email"], one["administrator"]) for one in api.get("/v1/users", token=admin)["items"]] == [
        ("admin@example.org", True),
        ("dev@example.org", False),
    ]
    promoted = api.call("PATCH", "/v1/users/dev@example.org", {"administrator": True}, token=admin)
    assert (promoted.body["administrator"], api.call("GET", "/v1/users", token=dev).status) == (True, 200)
    assert api.call("DELETE", "/v1/users/admin@example.org", token=dev).status == 200
    assert api.call("GET", "/v1/whoami", token=admin).status == 401


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"administrator": False}), ("DELETE", None)])
def test_who_is_no_administrator_any_more_has_invited_nobody(
    api: ApiWorld, admin: str, method: str, body: object
) -> None:
    """An administrator who leaves could come back by an invitation of another email."""
    leaving = api.user("leaving@example.org", administrator=True)
    invited = {
        who: api.call("POST", "/v1/invitations", {"email": f"{who}@example.org", "administrator": True}, token=token)
        for who, token in (("back", leaving), ("new", admin))
    }
    assert api.call(method, "/v1/users/leaving@example.org", body, token=admin).status == 200
    statuses = {
        who: api.call(
            "POST", "/v1/auth/invitation", {"token": one.body["token"], "password": "a long password"}, scope=None
        ).status
        for who, one in invited.items()
    }

    assert statuses == {"back": 401, "new": 201}


def test_the_last_administrator_stays(api: ApiWorld, admin: str, dev: str) -> None:
    del dev
    for method, body in (("PATCH", {"administrator": False}), ("DELETE", None)):
        answer = api.call(method, "/v1/users/admin@example.org", body, token=admin)
        assert (answer.status, "only administrator" in answer.body["error"]) == (409, True)


def test_a_user_who_alone_owns_an_app_stays(api: ApiWorld, admin: str, dev: str) -> None:
    api.app("shop", token=dev)
    refused = api.call("DELETE", "/v1/users/dev@example.org", token=admin)
    api.call("PUT", "/v1/apps/shop/collaborators/admin@example.org", {"role": "owner"}, token=dev)

    assert (refused.status, "only owner of shop" in refused.body["error"]) == (409, True)
    assert api.call("DELETE", "/v1/users/dev@example.org", token=admin).status == 200
    assert [one["email"] for one in api.get("/v1/apps/shop/collaborators", token=admin)["items"]] == [
        "admin@example.org"
    ]


def test_collaborators_come_change_and_go(api: ApiWorld, admin: str, dev: str) -> None:
    path = "/v1/apps/shop/collaborators"
    api.app("shop", token=dev)
    assert api.call("PUT", f"{path}/none@example.org", {"role": "viewer"}, token=dev).status == 404
    assert api.call("PUT", f"{path}/admin@example.org", {"role": "boss"}, token=dev).status == 422
    for change in (("PUT", {"role": "viewer"}), ("DELETE", None)):
        only = api.call(change[0], f"{path}/dev@example.org", change[1], token=dev)
        assert (only.status, "only owner" in only.body["error"]) == (409, True)

    api.call("PUT", f"{path}/admin@example.org", {"role": "owner"}, token=dev)
    assert api.call("PUT", f"{path}/dev@example.org", {"role": "viewer"}, token=dev).status == 200
    assert [(one["email"], one["role"]) for one in api.get(path, token=dev)["items"]] == [
        ("admin@example.org", "owner"),
        ("dev@example.org", "viewer"),
    ]
    assert api.call("DELETE", f"{path}/dev@example.org", token=admin).status == 200
    assert api.call("DELETE", f"{path}/dev@example.org", token=admin).status == 404
    assert api.call("GET", "/v1/apps/shop", token=dev).status == 404


def test_a_token_is_shown_once_stored_as_a_digest_listed_and_revoked(api: ApiWorld, dev: str) -> None:
    created = api.call("POST", "/v1/tokens", {"name": "ci", "scope": "read", "days": 7}, token=dev)
    again = api.call("POST", "/v1/tokens", {"name": "ci"}, token=dev)
    token = created.body["token"]

    assert (created.status, again.status) == (201, 409)
    who = api.get("/v1/whoami", token=token)
    assert (who["name"], who["scope"], who["user"]["email"]) == ("ci", "read", "dev@example.org")
    listed = api.get("/v1/tokens", token=dev)["items"]
    assert [(one["name"], one["kind"]) for one in listed] == [("ci", "access"), ("test", "session")]
    assert token not in str(api.database.run("select * from api_tokens")) + str(listed)
    assert api.call("DELETE", "/v1/tokens/ci", token=api.user("other@example.org")).status == 404
    assert api.call("DELETE", "/v1/tokens/ci", token=dev).status == 200
    assert api.call("GET", "/v1/whoami", token=token).status == 401
    assert api.call("DELETE", "/v1/tokens/ci", token=dev).status == 404
    (session,) = api.get("/v1/tokens", token=dev)["items"]
    assert api.call("DELETE", f"/v1/tokens/{session['id']}", token=dev).status == 200
    assert api.call("GET", "/v1/whoami", token=dev).status == 401


def test_names_of_tokens_are_each_users_own_and_free_after_their_end(api: ApiWorld, dev: str, admin: str) -> None:
    for token in (dev, admin):
        assert api.call("POST", "/v1/tokens", {"name": "ci"}, token=token).status == 201
    api.database.run("update api_tokens set expires_at = now() where name = 'ci'")

    assert api.call("POST", "/v1/tokens", {"name": "ci"}, token=dev).status == 201


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({}, 422, "name: "),
        ({"name": "a b"}, 422, "name: "),
        ({"name": "x", "scope": "all"}, 422, "scope: "),
        ({"name": "x", "days": 0}, 422, "days: "),
        ({"name": "x", "days": 366}, 422, "days: "),
        ({"name": "x", "days": "7"}, 422, "days: "),
        ({"name": "x", "app": "none"}, 404, "no app 'none'"),
        ({"name": "x", "role": "admin"}, 422, "role: unknown field"),
    ],
)
def test_a_wrong_field_of_a_token_is_named(api: ApiWorld, dev: str, body: object, status: int, named: str) -> None:
    answer = api.call("POST", "/v1/tokens", body, token=dev)

    assert (answer.status, named in answer.body["error"]) == (status, True)


def test_a_token_for_an_app_ends_with_it(api: ApiWorld, dev: str) -> None:
    api.app("shop", token=dev)
    token = api.call("POST", "/v1/tokens", {"name": "ci", "app": "shop"}, token=dev).body["token"]
    assert api.call("GET", "/v1/apps/shop", token=token).status == 200
    api.call("DELETE", "/v1/apps/shop", token=dev)

    assert api.call("GET", "/v1/apps", token=token).status == 401


def keygen(folder: Path, name: str, *options: str) -> tuple[str, str]:
    """Return a new public key and its fingerprint, as ssh-keygen has them."""
    file = folder / name
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-C", f"{name} of dev", "-f", file, *options], check=True)
    listed = subprocess.run(["ssh-keygen", "-lf", f"{file}.pub"], check=True, capture_output=True, text=True).stdout
    return Path(f"{file}.pub").read_text(), listed.split()[1]


@pytest.mark.parametrize(
    "options", [["-t", "ed25519"], ["-t", "ecdsa"], ["-t", "rsa", "-b", "2048"]], ids=lambda one: one[1]
)
def test_a_key_is_added_with_the_fingerprint_of_ssh_keygen(
    api: ApiWorld, dev: str, tmp_path: Path, options: list[str]
) -> None:
    line, fingerprint = keygen(tmp_path, "laptop", *options)

    added = api.call("POST", KEYS, {"name": "laptop", "public_key": line}, token=dev)

    assert (added.status, added.body["fingerprint"], added.body["name"]) == (201, fingerprint, "laptop")
    assert line.startswith(added.body["public_key"])
    assert api.get(KEYS, token=dev)["items"] == [added.body]
    assert api.call("DELETE", f"{KEYS}/{added.body['id']}", token=api.user("other@example.org")).status == 404
    assert api.call("DELETE", f"{KEYS}/{added.body['id']}", token=dev).body["fingerprint"] == fingerprint
    assert api.get(KEYS, token=dev)["items"] == []


def test_a_duplicate_or_foreign_key_is_refused_with_the_reason(
    api: ApiWorld, dev: str, admin: str, tmp_path: Path
) -> None:
    first, _ = keygen(tmp_path, "first", "-t", "ed25519")
    second, _ = keygen(tmp_path, "second", "-t", "ed25519")
    assert api.call("POST", KEYS, {"public_key": first}, token=dev).body["name"] == "first of dev"

    for token, body, reason in (
        (dev, {"name": "again", "public_key": first}, "you have added this key already, as 'first of dev'"),
        (dev, {"name": "first of dev", "public_key": second}, "you have a key named 'first of dev' already"),
        (admin, {"name": "mine", "public_key": first}, "another user has added this key"),
    ):
        answer = api.call("POST", KEYS, body, token=token)
        assert (answer.status, reason in answer.body["error"]) == (422, True), answer


def test_unsafe_keys_are_refused_with_the_reason(api: ApiWorld, dev: str, tmp_path: Path) -> None:
    good, _ = keygen(tmp_path, "good", "-t", "ed25519")
    short, _ = keygen(tmp_path, "short", "-t", "rsa", "-b", "1024")
    private = (tmp_path / "good").read_text()
    kind, encoded, _ = good.split(maxsplit=2)

    for line, reason in (
        (short, "needs 2048 bits or more, this has 1024"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAOPB me", "DSA is broken"),
        (private, "private key"),
        ("", "not one line"),
        (kind, "not one line"),
        (f"{kind} {encoded[:-8]}", "not a valid SSH public key"),
        (f"ssh-rsa {encoded}", "not a valid SSH public key"),
        (f"{kind} !!!!", "not a valid SSH public key"),
        (f'command="sh" {kind} {encoded}', "not supported"),
        (f"{good}{good}", "not one line"),
        (f"{kind}-cert-v01@openssh.com {encoded}", "public_key: "),
        ("nonsense AAAA", "public_key: "),
    ):
        answer = api.call("POST", KEYS, {"name": "x", "public_key": line}, token=dev)
        assert (answer.status, reason in answer.body["error"]) == (422, True), (line[:40], answer)
        assert "BEGIN" not in answer.text
    assert api.get(KEYS, token=dev)["items"] == []
