"""One key for every spelling of a repository's URL."""

import pytest

from functions.common.domain.git_url import full_name_of, host_key, owner_and_name, path_at, repository_key
from functions.common.errors import Rejected

KEY = "forge.example.org/team/hello"


@pytest.mark.parametrize(
    "url",
    [
        "https://forge.example.org/team/hello",
        "https://forge.example.org/team/hello.git",
        "https://forge.example.org/team/hello/",
        "https://forge.example.org/team/hello.git/",
        "https://forge.example.org//team//hello",
        "https://FORGE.Example.org/team/hello",
        "https://forge.example.org/Team/HELLO.Git",
        "https://forge.example.org./team/hello",
        "https://forge.example.org.:443/team/hello",
        "git@Forge.example.org.:TEAM/hello.git",
        "https://forge.example.org:443/team/hello.git",
        "http://forge.example.org:80/team/hello.git",
        "http://forge.example.org/team/hello.git",
        "https://user:token@forge.example.org/team/hello.git",
        "git+https://forge.example.org/team/hello.git",
        "git://forge.example.org:9418/team/hello",
        "ssh://git@forge.example.org/team/hello.git",
        "ssh://git@forge.example.org:22/team/hello.git",
        "ssh://git@forge.example.org:2222/team/hello.git",
        "git@forge.example.org:team/hello.git",
        "forge.example.org:team/hello",
        "git@forge.example.org:/team/hello.git",
        "  https://forge.example.org/team/hello.git\n",
    ],
)
def test_spellings_of_one_repository_are_equal(url: str) -> None:
    assert repository_key(url) == KEY


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://forge.example.org:8443/team/hello", "forge.example.org:8443/team/hello"),
        ("http://localhost:3000/a/b.git", "localhost:3000/a/b"),
        ("https://forge.example.org/Team%20A/Hello", "forge.example.org/team%20a/hello"),
        ("https://forge.example.org/a/b/c.git", "forge.example.org/a/b/c"),
        ("https://forge.example.org/team/hello.github", "forge.example.org/team/hello.github"),
        ("git@[2001:db8::1]:team/hello.git", "2001:db8::1/team/hello"),
    ],
)
def test_different_repositories_have_different_keys(url: str, key: str) -> None:
    assert repository_key(url) == key


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://Forge.example.org/Team/Hello.git", ("Team", "Hello")),
        ("ssh://git@forge.example.org:2222/Team/Hello.GIT", ("Team", "Hello")),
        ("Forge.Example.org/Team/Hello", ("Team", "Hello")),
        ("Team/Hello.git", ("Team", "Hello")),
        ("https://other.example.org/Team/Hello.git", None),
    ],
)
def test_names_are_given_to_a_forge_as_they_are_spelled(url: str, found: tuple[str, str] | None) -> None:
    assert owner_and_name(url, base_url="https://FORGE.example.org:443/") == found
    if found and "://" in url:
        assert full_name_of(url) == "Team/Hello"


def test_a_path_below_a_server_is_as_it_is_spelled() -> None:
    assert path_at("http://GIT.localhost:80/Slipway/Alpha.git", base_url="http://git.localhost/") == "Slipway/Alpha"
    assert path_at("http://git.localhost:81/slipway/alpha.git", base_url="http://git.localhost") == ""


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://Forge.example.org:443/", "forge.example.org"),
        ("http://forge.example.org:3000/git", "forge.example.org:3000"),
        ("https://forge.example.org.", "forge.example.org"),
        ("https://me@forge.example.org", "forge.example.org"),
    ],
)
def test_hosts_have_one_key(url: str, key: str) -> None:
    assert host_key(url) == key


@pytest.mark.parametrize(
    "url", ["", "hello", "https://forge.example.org", "https://forge.example.org/", "/a/b", "https://h:x/a"]
)
def test_a_url_without_a_repository_is_rejected(url: str) -> None:
    with pytest.raises(Rejected, match="git URL"):
        repository_key(url)


def test_the_error_contains_no_password() -> None:
    with pytest.raises(Rejected) as refused:
        repository_key("https://user:hunter2@forge.example.org/")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "base", "found"),
    [
        ("https://forge.example.org:3000/team/hello.git", "https://forge.example.org:3000", ("team", "hello")),
        ("ssh://git@forge.example.org:2222/team/hello.git", "https://forge.example.org:3000", ("team", "hello")),
        ("git@forge.example.org:team/hello.git", "https://forge.example.org/git/", ("team", "hello")),
        ("https://forge.example.org/git/team/hello", "https://forge.example.org/git/", ("team", "hello")),
        ("https://forge.example.org/team/hello", "https://forge.example.org:3000", None),
        ("git@other.example.org:team/hello.git", "https://forge.example.org", None),
        ("team/hello", "https://forge.example.org", ("team", "hello")),
    ],
)
def test_a_repository_of_a_forge_has_an_owner_and_a_name(text: str, base: str, found: tuple[str, str] | None) -> None:
    assert owner_and_name(text, base_url=base) == found
