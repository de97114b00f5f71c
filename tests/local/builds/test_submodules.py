"""Submodules are part of a commit: they are fetched by the rules of the app's own URL, or the build fails in words."""

import hashlib

import pytest

from functions.common.errors import Rejected
from functions.local.builds.fetch import resolved_url
from functions.local.builds.steps import StepFailed
from tests.local.builds.conftest import BuildWorld
from tests.local.builds.plain_forge import GIT_SERVER, Fetching, Forge


def test_submodules_of_the_owner_are_fetched_with_theirs_by_the_platforms_login(fetching: Fetching) -> None:
    forge = fetching.forge
    deep = forge.commit("team/deep", {"deep.txt": "deep"})
    inner = forge.commit("team/private-lib", {"lib.txt": "lib"}, {"vendor/deep": ("../deep.git", deep)})
    ssh = "git@127.0.0.1:Team/private-lib.git"
    sha = forge.commit("team/app", {"app.txt": "app"}, {"libs/one": ("../private-lib.git", inner), "two": (ssh, inner)})
    out = fetching.get(fetching.sources("team/app"), sha)

    files = {one.relative_to(out).as_posix() for one in out.rglob("*.txt")}
    nested = {f"{lib}/{file}" for lib in ("libs/one", "two") for file in ("lib.txt", "vendor/deep/deep.txt")}
    assert files == {"app.txt", *nested}
    assert not list(out.rglob(".git"))
    assert any("/team/private-lib.git" in path for path in forge.logins)


def test_a_public_submodule_of_another_host_or_owner_is_fetched_without_credentials(fetching: Fetching) -> None:
    forge = fetching.forge
    other = forge.commit("people/other", {"other.txt": ""})
    modules = {
        "host": (forge.url("people/other", "localhost"), other),
        "owner": (forge.url("people/other"), other),
        "ssh": ("ssh://git@127.0.0.1/people/other.git", other),
    }
    sha = forge.commit("team/public", {"app.txt": ""}, modules)
    out = fetching.get(fetching.sources("team/public"), sha)

    assert {one.parent.name for one in out.rglob("other.txt")} == {"host", "owner", "ssh"}
    assert forge.logins == []


@pytest.mark.parametrize("where", ["http://localhost:{port}/team/private-lib.git", "../../people/private-lib.git"])
def test_a_private_submodule_of_another_host_or_owner_gets_no_login(fetching: Fetching, where: str) -> None:
    forge = fetching.forge
    lib = forge.commit("team/private-lib", {"lib.txt": "lib"})
    lib = lib if "team" in where else forge.commit("people/private-lib", {"lib.txt": "lib"})
    sha = forge.commit("team/curious", {}, {"libs/one": (where.format(port=forge.port), lib)})

    with pytest.raises(
        StepFailed, match=r"the submodule libs/one in libs/one, at .* cannot be read: .* public"
    ) as error:
        fetching.get(fetching.sources("team/curious"), sha)
    assert error.value.step == "submodules"
    assert forge.logins == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://169.254.169.254/latest/meta-data", "not a public address"),
        ("http://[::1]:3000/a/b", "not a public address"),
        ("git@10.0.0.1:a/b", "not a public address"),
        ("ssh://git@192.168.1.1/a/b", "not a public address"),
        ("git://10.1.2.3/a/b", "not a public address"),
        ("http://0x7f000001/a/b", "unusual spelling"),
        ("file:///etc", "names no repository"),
        ("file://127.0.0.1/etc/a", "not supported"),
        ("/etc", "names no repository"),
        ("ext::sh -c touch% touched", "spaces"),
        ("ext::touch", "program of git"),
        ("-u./payload", "names no repository"),
        ("--upload-pack=touch:x/y", "host"),
        ("http://user:word@127.0.0.1/a/b", "without a user name"),
        ("../../../../a/b", "out of the host"),
        ("../%2e%2e/b", "path must not"),
        ("../team/../../b", "path must not"),
    ],
)
def test_what_may_not_be_fetched_is_refused_by_the_name_of_the_submodule(
    fetching: Fetching, url: str, why: str
) -> None:
    name = f"team/bad-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    sha = fetching.forge.commit(name, {"app.txt": ""}, {"libs/one": (url, "a" * 40)})

    with pytest.raises(StepFailed, match=r"the submodule libs/one in libs/one may not be fetched: .*" + why):
        fetching.get(fetching.sources(name), sha)


def test_a_folder_that_is_a_commit_of_an_unnamed_repository_is_said(fetching: Fetching) -> None:
    fetching.forge.commit("team/unnamed", {}, {"libs/one": ("../x", "a" * 40)})
    sha = fetching.forge.commit("team/unnamed", {".gitmodules": ""})

    with pytest.raises(StepFailed, match=r"libs/one is a commit of another repository, .*git rm --cached libs/one"):
        fetching.get(fetching.sources("team/unnamed"), sha)


def test_a_commit_that_was_not_pushed_is_named(fetching: Fetching) -> None:
    fetching.forge.commit("team/lib", {"lib.txt": ""})
    sha = fetching.forge.commit("team/early", {}, {"lib": ("../lib.git", "c" * 40)})

    with pytest.raises(StepFailed, match=f"the submodule lib in lib, .* has no commit {'c' * 40}"):
        fetching.get(fetching.sources("team/early"), sha)


def test_a_submodule_that_git_would_not_update_is_left_empty_and_said(fetching: Fetching) -> None:
    forge = fetching.forge
    forge.commit("team/partly", {}, {"docs": ("https://127.0.0.2/a/b", "d" * 40)})
    text = (forge.folder / "trees/team/partly/.gitmodules").read_text()
    out = fetching.get(
        fetching.sources("team/partly"), forge.commit("team/partly", {".gitmodules": f"{text}\tupdate = none\n"})
    )

    assert list((out / "docs").iterdir()) == []
    assert "It is left empty" in fetching.log()


def test_a_repository_of_this_machine_is_a_submodule_where_its_readers_are_the_apps_deployers(
    fetching: Fetching,
) -> None:
    home = Forge(folder=fetching.folder / "git")
    home.folder.mkdir()
    lib = home.commit("slipway/lib", {"lib.txt": ""})
    sha = home.commit("slipway/app", {}, {"lib": ("../lib.git", lib), "ssh": ("git@127.0.0.1:slipway/lib.git", lib)})
    here = {"clone_url": f"{GIT_SERVER}/slipway/app.git", "folder": str(home.folder / "slipway/app.git")}

    with pytest.raises(StepFailed, match=r"the submodule lib in lib may not be fetched: .* collaborators"):
        fetching.get(fetching.sources("", **here), sha)
    (fetching.folder / "out").rename(fetching.folder / "refused")
    out = fetching.get(fetching.sources("", **here, readable=("127.0.0.1:1/slipway/lib",)), sha)

    assert (out / "lib" / "lib.txt").exists()
    assert (out / "ssh" / "lib.txt").exists()


def test_the_repository_of_an_app_of_others_is_no_submodule_although_the_platform_may_read_it(
    fetching: Fetching,
) -> None:
    lib = fetching.forge.commit("team/lib", {"lib.txt": ""})
    sha = fetching.forge.commit("team/nosy", {}, {"lib": ("../lib.git", lib)})
    sources = fetching.sources("team/nosy", closed=(f"127.0.0.1:{fetching.forge.port}/team/lib",))

    with pytest.raises(StepFailed, match="the repository of another app"):
        fetching.get(sources, sha)


@pytest.mark.parametrize(
    ("base", "given", "url"),
    [
        ("https://h/o/app.git", "../lib.git", "https://h/o/lib.git"),
        ("https://h/o/app.git/", "../../p/lib", "https://h/p/lib"),
        ("https://h/o/app", "./sub", "https://h/o/app/sub"),
        ("https://h/o/app", "../.././p/lib", "https://h/p/lib"),
        ("git@h:o/app.git", "../lib.git", "git@h:o/lib.git"),
        ("https://h/o/app", "git@h:o/lib", "git@h:o/lib"),
    ],
)
def test_a_relative_url_is_read_as_git_reads_it(base: str, given: str, url: str) -> None:
    assert resolved_url(given, base=base) == url


@pytest.mark.parametrize("given", ["../../../lib", "../../../../x"])
def test_a_relative_url_does_not_choose_the_host(given: str) -> None:
    with pytest.raises(Rejected, match="out of the host"):
        resolved_url(given, base="https://h/o/app.git")


def test_a_build_may_read_what_everyone_who_may_push_to_its_app_may_read(idle: BuildWorld) -> None:
    """A submodule would show it to each of them."""
    database = idle.orders.database
    for name in ("hello", "shared", "hidden", "unowned"):
        sql = "insert into projects (name, git_key, git_repo_name) values (:name, '127.0.0.1:1/team/' || :name, :name)"
        database.run(sql, name=name)
    for person, is_administrator in (("ann", False), ("bob", False), ("eve", False), ("root", True)):
        sql = "insert into users (email, password, administrator) values (:email, 'x', :administrator)"
        database.run(sql, email=f"{person}@example.org", administrator=is_administrator)
    for app, person, role in (
        ("hello", "ann", "owner"), ("hello", "bob", "deployer"), ("hello", "eve", "viewer"), ("hello", "root", "owner"),
        ("shared", "ann", "viewer"), ("shared", "bob", "owner"), ("hidden", "ann", "owner"), ("hidden", "eve", "owner"),
    ):  # fmt: skip
        sql = "insert into app_members (app, user_id, role) select :app, id, :role from users where email = :email"
        database.run(sql, app=app, role=role, email=f"{person}@example.org")
    idle.order("a" * 40)
    (order,) = idle.orders.claim(1)

    assert set(order.readable) == {"127.0.0.1:1/team/hello", "127.0.0.1:1/team/shared"}
    assert set(order.closed) == {"127.0.0.1:1/team/hidden", "127.0.0.1:1/team/unowned"}


def test_a_build_has_its_submodules_in_its_image(world: BuildWorld) -> None:
    home = Forge(folder=world.workspace.home / "git")
    lib = home.commit("team/lib", {"lib.txt": "of the submodule"})
    sql = "insert into projects (name, git_key, git_repo_name) values (:name, '127.0.0.1:1/team/' || :name, :name)"
    for name in ("hello", "lib"):
        world.orders.database.run(sql, name=name)
    sha = home.commit("team/hello", {"index.html": "", "Procfile": "web: x"}, {"lib": ("../lib.git", lib)})
    result = world.ended(world.order(sha))

    assert result.image, result
    folder = world.workspace.images / result.image.digest.removeprefix("sha256:")
    assert (folder / "app" / "lib" / "lib.txt").read_text() == "of the submodule"
