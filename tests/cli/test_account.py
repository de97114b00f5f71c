"""paas setup, login, users, access, keys and tokens: two people on one platform."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from tests.cli.conftest import Platform
from tests.databases import Databases

ADMIN, DEV, PASSWORD = "admin@example.org", "dev@example.org", "correct horse battery"


class Person:
    """Someone with a home folder of their own."""

    def __init__(self, platform: Platform, home: Path) -> None:
        home.mkdir()
        self.platform = platform
        self.home = home

    def paas(self, *arguments: str, text: str = "") -> Result:
        """Run the command with this person's home and standard input."""
        env = {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home), "PAAS_TOKEN": None}
        return self.platform.paas(*arguments, env={"PAAS_SERVER": self.platform.url, **env}, input=text)

    def done(self, *arguments: str, text: str = "") -> str:
        """Run a command that must succeed and return what it prints."""
        result = self.paas(*arguments, text=text)
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture(scope="session")
def admin(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return the first administrator, logged in."""
    person = Person(platform, tmp_path_factory.mktemp("people") / "admin")
    person.done(
        "setup", "--database", platform.database_url, "--email", ADMIN, "--password-stdin", text=PASSWORD + "\n"
    )
    person.done("login", "--email", ADMIN, "--password-stdin", text=PASSWORD + "\n")
    return person


@pytest.fixture(scope="session")
def dev(admin: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Return an invited user, logged in."""
    person = Person(admin.platform, tmp_path_factory.mktemp("people") / "dev")
    command = admin.done("users", "invite", DEV).split()
    assert command[:3] == ["paas", "--server", admin.platform.url]
    assert f"as {DEV}" in person.done(*command[3:], "--password-stdin", text=PASSWORD + "\n")
    return person


def test_the_first_administrator_is_made_once(databases: Databases) -> None:
    with databases.one() as url:
        arguments = ["setup", "--database", url, "--email", "First@Example.org", "--json"]
        first = CliRunner().invoke(main, arguments, input=f"{PASSWORD}\n{PASSWORD}\n")
        again = CliRunner().invoke(main, arguments, input=f"{PASSWORD}\n{PASSWORD}\n")

    assert (first.exit_code, json.loads(first.stdout)) == (0, {"email": "first@example.org", "administrator": True})
    assert (again.exit_code, "there is an administrator already" in again.stderr) == (1, True)
    assert PASSWORD not in first.output + again.output


@pytest.mark.parametrize(
    ("arguments", "text", "code", "error"),
    [
        (["--email", "nobody"], PASSWORD, 2, "not an email"),
        (["--email", ADMIN], "short", 2, "at least 12 characters"),
        (["--email", ADMIN, "--database", "postgresql://x@127.0.0.1:1/x"], PASSWORD, 5, "does not answer"),
    ],
)
def test_a_setup_that_cannot_be_done_says_why(arguments: list[str], text: str, code: int, error: str) -> None:
    env = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}

    result = CliRunner().invoke(main, ["setup", "--password-stdin", *arguments], input=text + "\n", env=env)

    assert (result.exit_code, error in result.stderr) == (code, True), result.output


def test_a_login_is_kept_and_ends_with_a_logout(platform: Platform, dev: Person, tmp_path: Path) -> None:
    person = Person(platform, tmp_path / "second machine")
    assert person.paas("whoami").exit_code == 2
    wrong = person.paas("login", "--email", DEV, "--password-stdin", text="wrong\n")
    assert (wrong.exit_code, "the email or the password is wrong" in wrong.stderr) == (4, True)
    logged_in = person.done("login", "--email", DEV, "--password-stdin", text=PASSWORD + "\n")
    assert f"logged in to {platform.url} as {DEV}" in logged_in

    assert json.loads(person.done("whoami", "--json"))["user"] == {"email": DEV, "administrator": False}
    assert f"logged out of {platform.url}" in person.done("logout")
    assert person.paas("whoami").exit_code == 2
    assert DEV in dev.done("whoami")


def test_a_password_is_changed_and_ends_other_logins(platform: Platform, admin: Person, tmp_path: Path) -> None:
    one, other = Person(platform, tmp_path / "one"), Person(platform, tmp_path / "other")
    command = admin.done("users", "invite", "changes@example.org").split()
    one.done(*command[3:], "--password-stdin", text=PASSWORD + "\n")
    other.done("login", "--email", "changes@example.org", "--password-stdin", text=PASSWORD + "\n")

    one.done("password", "--password-stdin", text=f"{PASSWORD}\nanother long password\n")

    assert one.paas("whoami").exit_code == 0
    ended = other.paas("whoami")
    assert (ended.exit_code, "log in again with `paas login`" in ended.stderr) == (4, True)


def test_an_app_is_its_owners_until_access_is_given(admin: Person, dev: Person) -> None:
    admin.done("apps", "create", "owned")
    hidden = dev.paas("apps", "show", "owned")
    assert (hidden.exit_code, "there is no app 'owned'" in hidden.stderr) == (3, True)

    assert f"{DEV} is viewer of owned now" in admin.done("access", "add", DEV, "--role", "viewer", "--app", "owned")
    assert dev.paas("apps", "show", "owned").exit_code == 0
    refused = dev.paas("config", "set", "A=b", "--app", "owned")
    assert (refused.exit_code, "you are viewer of owned, this needs deployer" in refused.stderr) == (4, True)
    assert [row["email"] for row in json.loads(admin.done("access", "list", "--app", "owned", "--json"))] == [
        ADMIN,
        DEV,
    ]
    assert f"removed {DEV} from owned" in admin.done("access", "remove", DEV, "--app", "owned")
    assert dev.paas("apps", "show", "owned").exit_code == 3


def test_users_are_listed_promoted_and_removed(platform: Platform, admin: Person, dev: Person, tmp_path: Path) -> None:
    assert dev.paas("users", "list").exit_code == 4
    command = admin.done("users", "invite", "spare@example.org", "--administrator").split()
    assert "spare@example.org" in admin.done("users", "invitations")
    Person(platform, tmp_path / "spare").done(*command[3:], "--password-stdin", text=PASSWORD + "\n")

    assert "is a user now" in admin.done("users", "demote", "spare@example.org")
    assert "is an administrator now" in admin.done("users", "promote", "spare@example.org")
    kept = admin.paas("users", "remove", "spare@example.org", text="n\n")
    assert (kept.exit_code, "nothing was removed" in kept.stderr) == (2, True)
    admin.done("users", "remove", "spare@example.org", "--yes")
    assert "spare@example.org" not in admin.done("users", "list")
    admin.done("users", "invite", "late@example.org")
    assert "withdrew the invitation of late@example.org" in admin.done("users", "uninvite", "late@example.org")


def test_keys_are_added_listed_and_removed(dev: Person, tmp_path: Path) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "laptop", "-f", file], check=True)
    listed = subprocess.run(["ssh-keygen", "-lf", f"{file}.pub"], check=True, capture_output=True, text=True).stdout
    fingerprint = listed.split()[1]

    missing = dev.paas("keys", "add")
    assert (missing.exit_code, "ssh-keygen -t ed25519" in missing.stderr) == (2, True)
    private = dev.paas("keys", "add", str(file))
    assert (private.exit_code, "give the file key.pub" in private.stderr) == (2, True)
    assert f"added laptop: {fingerprint}" in dev.done("keys", "add", f"{file}.pub")
    assert fingerprint in dev.done("keys", "list")
    assert f"removed laptop: {fingerprint}" in dev.done("keys", "remove", fingerprint)
    assert dev.paas("keys", "remove", "laptop").exit_code == 3


def test_tokens_are_created_listed_and_revoked(dev: Person) -> None:
    dev.done("apps", "create", "robotic")
    token = dev.done("tokens", "create", "robot", "--scope", "read", "--app", "robotic", "--days", "7").strip()
    as_robot = {"PAAS_SERVER": dev.platform.url, "PAAS_TOKEN": token}

    who = json.loads(dev.platform.paas("whoami", "--json", env=as_robot).stdout)
    assert (who["name"], who["scope"], who["app"], who["user"]["email"]) == ("robot", "read", "robotic", DEV)
    assert ["robot", "read", "robotic"] in [row.split()[:3] for row in dev.done("tokens", "list").splitlines()]
    refused = dev.platform.paas("config", "set", "A=b", "--app", "robotic", env=as_robot)
    assert (refused.exit_code, "has the scope read" in refused.stderr) == (4, True)
    assert dev.done("tokens", "revoke", "robot") == "revoked token robot\n"
    assert dev.platform.paas("whoami", env=as_robot).exit_code == 4


def test_a_token_is_a_login_for_those_without_a_password(dev: Person, tmp_path: Path) -> None:
    token = json.loads(dev.done("tokens", "create", "laptop", "--scope", "admin", "--json"))["token"]
    other = Person(dev.platform, tmp_path / "laptop")
    wrong = other.paas("login", "--token-stdin", text="slipway_wrong\n")
    said = other.done("login", "--token-stdin", text=token + "\n")

    assert (wrong.exit_code, f"as {DEV}, until" in said) == (4, True)
    assert json.loads(other.done("whoami", "--json"))["user"]["email"] == DEV
