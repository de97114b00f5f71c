"""Files in Git LFS: a build has their content, or fails by the name of a file."""

import shutil
import subprocess
from pathlib import Path

import pytest

from functions.local.builds.steps import StepFailed
from tests.local.builds.plain_forge import GIT_SERVER, Fetching, Forge, pointer

TRACKED = {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}
OWN_SERVER = "[lfs]\n\turl = {}\n"


@pytest.mark.parametrize("name", ["team/large", "team/private-large"])
def test_pointers_become_their_content_in_each_folder_and_submodule(fetching: Fetching, name: str) -> None:
    forge = fetching.forge
    lib = forge.commit("team/private-data", {**TRACKED, "data.bin": forge.large(b"of the submodule")})
    one, two = forge.large(b"one" * 100_000), forge.large(b"two")
    files = {**TRACKED, "a.bin": one, "deep/er/b.bin": two, "deep/same.bin": two, "empty.bin": "", "kept.txt": two}
    sha = forge.commit(name, files, {"lib": ("../private-data.git", lib)})
    out = fetching.get(fetching.sources(name), sha)

    assert (out / "a.bin").read_bytes() == b"one" * 100_000
    assert (out / "deep/er/b.bin").read_bytes() == (out / "deep/same.bin").read_bytes() == b"two"
    assert (out / "kept.txt").read_text() == two
    assert (out / "lib/data.bin").read_bytes() == b"of the submodule"
    assert any("/info/lfs/" in path and "private-large" in path for path in forge.logins) is ("private" in name)


def test_the_server_of_lfsconfig_is_asked_without_credentials_elsewhere(fetching: Fetching) -> None:
    forge = fetching.forge
    forge.commit("people/other", {})
    url = forge.url("people/other", "localhost") + "/info/lfs"
    files = {**TRACKED, "a.bin": forge.large(b"there"), ".lfsconfig": OWN_SERVER.format(url)}
    sha = forge.commit("team/elsewhere", files)

    assert (fetching.get(fetching.sources("team/elsewhere"), sha) / "a.bin").read_bytes() == b"there"
    assert forge.logins == []


def test_a_private_server_of_lfsconfig_elsewhere_gets_no_login(fetching: Fetching) -> None:
    forge = fetching.forge
    files = {**TRACKED, "sub/a.bin": forge.large(b"there")}
    config = OWN_SERVER.format(forge.url("team/private-x", "localhost") + "/info/lfs")
    sha = forge.commit("team/greedy", {**files, ".lfsconfig": config})

    with pytest.raises(StepFailed, match=r"sub/a\.bin is in Git LFS, .* localhost answers 401: .* without credentials"):
        fetching.get(fetching.sources("team/greedy"), sha)
    assert forge.logins == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not a public address"),
        ("http://[::ffff:a9fe:a9fe]/a/b", "not a public address"),
        ("http://10.0.0.1/a/b", "not a public address"),
        ("file:///etc", "names no repository"),
        ("ssh://git@localhost/a/b", "give an https URL"),
        ("https://user:word@localhost/a/b", "without a user name"),
        (f"{GIT_SERVER}/slipway/app.git/info/lfs", "keeps no objects of Git LFS"),
    ],
)
def test_lfsconfig_names_no_server_inside_the_platforms_network(fetching: Fetching, url: str, why: str) -> None:
    forge = fetching.forge
    files = {**TRACKED, "a.bin": forge.large(b"there"), ".lfsconfig": OWN_SERVER.format(url)}
    sha = forge.commit("team/inside", files)

    with pytest.raises(StepFailed, match=why) as error:
        fetching.get(fetching.sources("team/inside"), sha)
    assert error.value.step == "large files"


@pytest.mark.parametrize(
    "place", ["http://169.254.169.254/x", "http://127.0.0.2/x", "file:///etc/passwd", "ftp://localhost/x"]
)
def test_a_server_sends_the_platform_to_no_address_inside_its_network(fetching: Fetching, place: str) -> None:
    """A redirect of an object is followed, by the same rules."""
    forge = fetching.forge
    text = forge.large(place.encode())
    forge.moved[f"/team/moving.git/objects-of-lfs/{text.partition('sha256:')[2].partition(chr(10))[0]}"] = place
    sha = forge.commit("team/moving", {**TRACKED, "a.bin": text})

    with pytest.raises(StepFailed, match=r"not a public address|names no repository|not supported"):
        fetching.get(fetching.sources("team/moving"), sha)


def test_an_object_is_fetched_from_where_a_redirect_leads(fetching: Fetching) -> None:
    forge = fetching.forge
    text = forge.large(b"moved")
    oid = text.partition("sha256:")[2].partition("\n")[0]
    forge.moved[f"/team/private-moved.git/objects-of-lfs/{oid}"] = (
        f"http://localhost:{forge.port}/x/y/objects-of-lfs/{oid}"
    )
    sha = forge.commit("team/private-moved", {**TRACKED, "a.bin": text})

    assert (fetching.get(fetching.sources("team/private-moved"), sha) / "a.bin").read_bytes() == b"moved"
    assert not any(path.startswith("/x/y") for path in forge.logins)


def test_an_object_that_is_missing_or_another_is_said(fetching: Fetching) -> None:
    forge = fetching.forge
    sha = forge.commit("team/missing", {**TRACKED, "a.bin": pointer("a" * 64, 3)})
    with pytest.raises(StepFailed, match=r"a\.bin is in Git LFS, .*Object does not exist.*git lfs push --all"):
        fetching.get(fetching.sources("team/missing"), sha)
    (fetching.folder / "out").rename(fetching.folder / "missing")
    forge.objects["b" * 64] = b"abc"
    sha = forge.commit("team/missing", {"a.bin": pointer("b" * 64, 3)})
    with pytest.raises(StepFailed, match=r"a\.bin .* another content"):
        fetching.get(fetching.sources("team/missing"), sha)


def test_this_machine_says_that_it_keeps_no_objects(fetching: Fetching) -> None:
    home = Forge(folder=fetching.folder / "git")
    home.folder.mkdir()
    sha = home.commit("slipway/app", {**TRACKED, "assets/logo.bin": pointer("a" * 64, 3)})
    here = {"clone_url": f"{GIT_SERVER}/slipway/app.git", "folder": str(home.folder / "slipway/app.git")}

    with pytest.raises(StepFailed, match=r"assets/logo\.bin: this machine's git server .*git lfs migrate export"):
        fetching.get(fetching.sources("", **here), sha)


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed: its own pointers are not tried")
def test_the_pointers_and_the_protocol_are_those_of_git_lfs_itself(fetching: Fetching) -> None:
    """The program makes the pointer, and reads the object from the same server."""
    forge = fetching.forge
    content = b"of git lfs itself" * 1000
    subprocess.run(["git", "init", "-q", fetching.folder], check=True)
    clean = subprocess.run(["git-lfs", "clean"], input=content, capture_output=True, check=True, cwd=fetching.folder)
    made = clean.stdout
    assert forge.large(content) == made.decode()
    sha = forge.commit("team/real", {**TRACKED, "a.bin": made.decode()})
    clone = fetching.folder / "clone"
    argv = ["git", "-c", "filter.lfs.smudge=git-lfs smudge -- %f", "clone", "-q", forge.url("team/real"), str(clone)]
    subprocess.run(argv, check=True, env=fetching.environment())

    out = fetching.get(fetching.sources("team/real"), sha)
    assert (clone / "a.bin").read_bytes() == (out / "a.bin").read_bytes() == content


def test_a_pointer_that_cannot_be_read_is_named(fetching: Fetching, tmp_path: Path) -> None:
    broken = pointer("a" * 64, 3).replace("oid", "ext-0-other sha256:" + "b" * 64 + "\noid")
    sha = fetching.forge.commit("team/broken", {**TRACKED, "x.bin": broken})

    with pytest.raises(StepFailed, match=r"x\.bin is a pointer of Git LFS that cannot be read"):
        fetching.get(fetching.sources("team/broken"), sha)
    assert (tmp_path / "out" / "x.bin").read_text() == broken


@pytest.mark.parametrize(
    "answer",
    [
        "nonsense",
        "[]",
        "null",
        '{"objects": 7}',
        '{"objects": [7]}',
        '{"objects": [{"oid": "OID", "actions": []}]}',
        '{"objects": [{"oid": "OID", "actions": {"download": []}}]}',
        '{"objects": [{"oid": "OID", "actions": {"download": {"href": 7}}}]}',
        '{"objects": [{"oid": "OID", "actions": {"download": {"href": "http://[x"}}}]}',
        '{"objects": [{"oid": "OID", "actions": {"download": {"href": "http://localhost:99999999/x"}}}]}',
        '{"objects": [{"oid": "OID", "actions": {"download": {"href": "http://localhost/x", "header": "x"}}}]}',
        '{"objects": [{"oid": "OID", "actions": {"download": {"href": "http://localhost/x", "header": {"a": 7}}}}]}',
        '{"objects": [{"oid": "OID", "error": "x"}]}',
    ],
)
def test_whatever_a_server_answers_ends_the_step_in_words(fetching: Fetching, answer: str) -> None:
    forge = fetching.forge
    sha = forge.commit("team/odd", {**TRACKED, "a.bin": forge.large(b"there")})
    forge.odd = answer
    try:
        with pytest.raises(StepFailed) as error:
            fetching.get(fetching.sources("team/odd"), sha)
    finally:
        forge.odd = ""
    assert error.value.step == "large files"
