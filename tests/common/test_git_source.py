"""Which URLs and refs may be given to git: those that every program reads alike."""

import subprocess

import pytest

from functions.common.domain.git_url import checked_git_url, is_branch_name, is_ref
from functions.common.errors import Rejected
from tests.local.repositories import GIT

REFUSED = [
    "ext::sh -c 'touch /tmp/x'",
    "ext::sh",
    "fd::17",
    "http::http://forge.example.org/a/b",
    "ext::https://forge.example.org/a/b",
    "file:///srv/git/a/b.git",
    "file://localhost/srv/git/a/b",
    "/srv/git/a/b.git",
    "./a/b",
    "../a/b",
    "~/a/b",
    "a/b",
    "-oProxyCommand=touch:x/y",
    "ssh://-oProxyCommand=touch/a/b",
    "ssh://-oProxyCommand=touch@forge.example.org/a/b",
    "-oProxyCommand=touch@forge.example.org:a/b",
    "git@-oProxyCommand=touch:a/b",
    "git@forge.example.org:-u/a",
    "--upload-pack=touch",
    "https://forge.example.org@evil.example.org/a/b",
    "https://me:secret@forge.example.org/a/b",
    "https://:@forge.example.org/a/b",
    "ssh://git:secret@forge.example.org/a/b",
    "ssh://git@evil@forge.example.org/a/b",
    "https://evil.example.org\\@forge.example.org/a/b",
    "https://forge.example.org\\.evil.example.org/a/b",
    "https://forge.example.org/a/b\nhttps://x/y/z",
    "https://forge.example.org/a/\x00b",
    "https://forge.example.org/a/\x7fb",
    "https://forge.example.org/a b/c",
    "https://forge.example.org/a/b?c=d",
    "https://forge.example.org/a/b#c",
    "https://forge.example.org/evil/../bank/vault",
    "https://forge.example.org/./bank/vault",
    "https://forge.example.org/%62ank/vault",
    "https://forge.example.org/evil/%2e%2e/bank/vault",
    "https://forge.example.org/evil%2Fbank/vault",
    "git@forge.example.org:evil/../bank/vault",
    "https://forge.example.org./a/b",
    "https://forge..example.org/a/b",
    "https://förge.example.org/a/b",
    "https://%66orge.example.org/a/b",
    "http://2130706433/a/b",
    "http://0177.0.0.1/a/b",
    "http://0x7f.0.0.1/a/b",
    "http://0x7f000001/a/b",
    "http://127.1/a/b",
    "http://010.0.0.1/a/b",
    "http://[::ffff:127.0.0.1]/a/b",
    "http://[0:0:0:0:0:0:0:1]/a/b",
    "http://[fe80::1%25eth0]/a/b",
    "ftp://forge.example.org/a/b",
    "gopher://forge.example.org/a/b",
    "javascript://forge.example.org/a/b",
    "https://forge.example.org:99999/a/b",
    "https://forge.example.org:x/a/b",
    "$(touch x)@forge.example.org:a/b",
    "https://forge.example.org/`touch`/b",
    "https://forge.example.org/" + "a" * 2000,
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_with_more_than_one_meaning_is_refused(url: str) -> None:
    with pytest.raises(Rejected, match="git") as refused:
        checked_git_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port"),
    [
        ("https://forge.example.org/team/hello.git", "https", "forge.example.org", 443),
        ("https://Forge.Example.org:8443/a/b", "https", "forge.example.org", 8443),
        ("http://127.0.0.1:3000/a/b", "http", "127.0.0.1", 3000),
        ("https://[2001:db8::1]/a/b", "https", "2001:db8::1", 443),
        ("git+https://forge.example.org/a/b", "https", "forge.example.org", 443),
        ("ssh://git@forge.example.org:2222/a/b.git", "ssh", "forge.example.org", 2222),
        ("git@forge.example.org:team/group/hello.git", "ssh", "forge.example.org", 22),
        ("forge_1.example.org:a/b", "ssh", "forge_1.example.org", 22),
        ("git://forge.example.org/a/b", "git", "forge.example.org", 9418),
        ("https://dev.example.org/an%20org/_git/repo", "https", "dev.example.org", 443),
        ("https://forge.example.org/~ada/-x.y+z", "https", "forge.example.org", 443),
        ("https://xn--frge-5qa.example.org/a/b", "https", "xn--frge-5qa.example.org", 443),
        ("http://forge.forge.svc.cluster.local:3000/a/b", "http", "forge.forge.svc.cluster.local", 3000),
    ],
)
def test_usual_urls_are_taken(url: str, scheme: str, host: str, port: int) -> None:
    found = checked_git_url(url)

    assert (found.scheme, found.host, found.port) == (scheme, host, port)


BRANCHES = [
    "main",
    "feature/main",
    "release-1.2",
    "ü/日本",
    "a@b",
    "a{b",
    "@a",
    "x.locked",
    "a/-b",
    "../../etc/hostname",
    "../main",
    "a/../b",
    "a/..",
    "..",
    ".",
    ".a",
    "a/.b",
    "a.",
    "a/b.lock",
    "a.lock/b",
    "a//b",
    "/a",
    "a/",
    "",
    "@",
    "a@{b",
    "a b",
    "a\tb",
    "a\nb",
    "a\x7fb",
    "a~b",
    "a^b",
    "a:b",
    "a?b",
    "a*b",
    "a[b",
    "a\\b",
    "-",
    "-a",
    "--upload-pack=x",
    "HEAD",
]


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_is_what_git_takes_for_one(name: str) -> None:
    done = subprocess.run([GIT, "check-ref-format", f"refs/heads/{name}"], check=False)
    expected = done.returncode == 0 and not name.startswith("-") and name != "HEAD"

    assert is_branch_name(name) is expected
    assert is_ref(f"refs/heads/{name}") is (done.returncode == 0)


@pytest.mark.parametrize("ref", ["main", "refs", "refs/", "refs/heads", "refs/heads/../x", "-refs/heads/a", "heads/a"])
def test_a_ref_has_its_full_name(ref: str) -> None:
    assert not is_ref(ref)
