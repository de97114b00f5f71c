"""The command finds the platform on this machine: above the current folder, else in the installation."""

import json
from pathlib import Path

import pytest

from functions.cli.client import Failure
from functions.cli.context import FILE, HOME, Endpoint
from functions.cli.context import find_endpoint as find
from functions.cli.credentials import Credentials


def find_endpoint(
    server: str | None, token: str | None, *, start: Path, home: Path, anonymous: bool = False
) -> Endpoint:
    """Find the endpoint by the logins that `home` has."""
    logins = Credentials(home / "credentials.json")
    return find(server, token, start=start, home=home, credentials=logins, anonymous=anonymous)


def running(folder: Path, name: str) -> Endpoint:
    """Write what `task up` does, and return what it means."""
    file, fields = folder / FILE, {"gateway": f"http://{name}", "token": f"token of {name}", "ca": "", "git": ""}
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({**fields, "database": "left alone"}))
    return Endpoint(server=fields["gateway"], token=fields["token"])


def test_without_a_platform_above_the_app_the_installation_is_used(tmp_path: Path) -> None:
    installed = running(tmp_path / "slipway", "installed")
    app = tmp_path / "elsewhere" / "app"
    assert find_endpoint(None, None, start=app, home=tmp_path / "slipway") == installed


def test_the_installation_is_where_task_up_runs() -> None:
    assert (HOME / "Taskfile.yml").is_file()


def test_a_platform_above_the_app_is_used_first(tmp_path: Path) -> None:
    running(tmp_path / "slipway", "installed")
    above = running(tmp_path / "mine", "above")
    assert find_endpoint(None, None, start=tmp_path / "mine" / "app", home=tmp_path / "slipway") == above


def test_the_token_in_the_file_is_sent_only_to_its_server(tmp_path: Path) -> None:
    running(tmp_path, "here")
    assert find_endpoint("http://here/", None, start=tmp_path, home=tmp_path).token == "token of here"
    with pytest.raises(Failure, match="no token for http://there"):
        find_endpoint("http://there", None, start=tmp_path, home=tmp_path)


def test_without_a_platform_the_error_names_the_options(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"PAAS_SERVER.*task up"):
        find_endpoint(None, None, start=tmp_path, home=tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    running(tmp_path, "here")
    (tmp_path / FILE).write_text("{")
    with pytest.raises(Failure, match=r"endpoints\.json cannot be read"):
        find_endpoint(None, None, start=tmp_path, home=tmp_path)


@pytest.mark.parametrize("token", ["slipway_hush\nx", "slipway_hush\u200b", "\ufeffslipway_hush"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    with pytest.raises(Failure, match="copy it again") as refused:
        find_endpoint("http://there", token, start=tmp_path, home=tmp_path)
    assert "hush" not in str(refused.value)


def test_whitespace_around_a_token_is_removed(tmp_path: Path) -> None:
    assert find_endpoint("http://there", "slipway_hush\n", start=tmp_path, home=tmp_path).token == "slipway_hush"


def test_a_login_is_used_for_its_server_and_kept_private(tmp_path: Path) -> None:
    running(tmp_path, "here")
    logins = Credentials(tmp_path / "credentials.json")
    logins.store("http://here/", token="mine", email="dev@example.org")
    logins.store("http://there", token="theirs", email="dev@example.org")
    elsewhere = tmp_path.parent

    assert (tmp_path / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert find_endpoint("http://here", None, start=tmp_path, home=tmp_path).token == "mine"
    assert find_endpoint(None, None, start=tmp_path, home=tmp_path).server == "http://here"
    assert find_endpoint(None, None, start=elsewhere, home=tmp_path).token == "theirs"
    assert find_endpoint("http://there", "given", start=tmp_path, home=tmp_path).token == "given"
    assert find_endpoint("http://there", "given", start=tmp_path, home=tmp_path, anonymous=True).token == ""
    logins.remove("http://there/")
    assert find_endpoint(None, None, start=elsewhere, home=tmp_path).token == "mine"
    logins.remove("http://here")
    assert find_endpoint(None, None, start=elsewhere, home=tmp_path).token == "token of here"


def test_unreadable_logins_are_named(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{}")
    with pytest.raises(Failure, match=r"credentials\.json cannot be read.*paas login"):
        find_endpoint(None, None, start=tmp_path, home=tmp_path)
