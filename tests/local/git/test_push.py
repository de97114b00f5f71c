"""Pushing over HTTP, and the webhooks that follow."""

import base64
import hashlib
import hmac
import http.client
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.common.adapters.local.repositories import GitHeads
from tests.databases import Databases
from tests.local.git.forge import SECRET, Forge, clone, commit, forge, git
from tests.local.repositories import HOOK_SECRET
from tests.patience import patient

ZEROS = "0" * 40


@pytest.fixture(scope="module")
def home(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with databases.one() as url, forge(tmp_path_factory.mktemp("forge") / "home", url) as running:
        yield running


@pytest.fixture
def listening(home: Forge) -> Iterator[Forge]:
    home.gateway.received.clear()
    with home.gateway.listening():
        yield home


def test_a_push_sends_signed_webhooks_and_prints_the_answer(listening: Forge, tmp_path: Path) -> None:
    listening.repositories.create("signed", webhook_secret=HOOK_SECRET)
    work = clone(tmp_path / "work")
    first = commit(work, {"a.txt": "1", "ü b.txt": "1"}, "one")
    output = git("push", listening.remote("signed.git"), "main", cwd=work)

    push, create = listening.gateway.received
    assert (push.headers["x-forgejo-event"], create.headers["x-forgejo-event"]) == ("push", "create")
    for request in (push, create):
        expected = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.headers["x-forgejo-signature"] == request.headers["x-gitea-signature"] == expected
        assert request.headers["x-hub-signature-256"] == f"sha256={expected}"
        assert uuid.UUID(request.headers["x-forgejo-delivery"]).version == 4
    assert push.headers["x-forgejo-delivery"] != create.headers["x-forgejo-delivery"]
    assert f"accepted, event event-of-{push.headers['x-forgejo-delivery']}" in output
    assert f"paas explain {first[:12]}" in output


def test_the_payload_names_commits_and_their_files(listening: Forge, tmp_path: Path) -> None:
    url = listening.repositories.create("payload", webhook_secret=HOOK_SECRET)
    work = clone(tmp_path / "work")
    remote = listening.remote("payload.git")
    first = commit(work, {"a.txt": "1", "ü b.txt": "1"}, "one\n\nmore words")
    git("push", remote, "main", cwd=work)
    second = commit(work, {"a.txt": "2", "ü b.txt": "", "c/d.txt": "3"}, "two")
    third = commit(work, {"e.txt": "1"}, "three [skip ci]")
    git("push", remote, "main", cwd=work)

    new, later = listening.deliveries("push")
    assert (new["ref"], new["before"], new["after"]) == ("refs/heads/main", ZEROS, first)
    assert new["commits"][0]["added"] == ["a.txt", "ü b.txt"]
    assert new["repository"]["default_branch"] == "main"
    assert new["repository"]["full_name"] == "slipway/payload"
    assert new["repository"]["clone_url"] == url
    assert (later["before"], later["after"], later["total_commits"]) == (first, third, 2)
    assert [one["id"] for one in later["commits"]] == [third, second]
    assert later["head_commit"]["message"] == "three [skip ci]\n"
    changed = later["commits"][1]
    assert (changed["added"], changed["removed"], changed["modified"]) == (["c/d.txt"], ["ü b.txt"], ["a.txt"])
    assert changed["author"]["email"] == "ada@example.org"


def test_a_message_and_a_file_may_have_control_characters_in_their_texts(listening: Forge, tmp_path: Path) -> None:
    listening.repositories.create("odd", webhook_secret=HOOK_SECRET)
    work = clone(tmp_path / "work")
    first = commit(work, {"a.txt": "1"}, "one")
    second = commit(work, {"\x01": "1"}, "two\x01\x02 and\x1e a half")
    output = git("push", listening.remote("odd.git"), "main", cwd=work)

    (push,) = listening.deliveries("push")
    assert "not announced" not in output
    assert [one["id"] for one in push["commits"]] == [second, first]
    assert (push["commits"][0]["message"], push["commits"][0]["added"]) == ("two\x01\x02 and\x1e a half\n", ["\x01"])


def test_branches_tags_force_pushes_and_deletions_have_the_payloads_of_forgejo(
    listening: Forge, tmp_path: Path
) -> None:
    listening.repositories.create("refs", webhook_secret=HOOK_SECRET)
    work = clone(tmp_path / "work")
    remote = listening.remote("slipway/refs.git")
    first = commit(work, {"a.txt": "1"}, "one")
    git("push", remote, "main", cwd=work)
    git("checkout", "-q", "-b", "feature/main", cwd=work)
    second = commit(work, {"a.txt": "2"}, "two")
    git("tag", "v1", cwd=work)
    listening.gateway.received.clear()

    git("push", remote, "feature/main", "v1", cwd=work)
    by_ref = {payload["ref"]: payload for payload in listening.deliveries("push")}
    assert [one["id"] for one in by_ref["refs/heads/feature/main"]["commits"]] == [second]
    assert by_ref["refs/tags/v1"]["commits"] == []
    assert by_ref["refs/tags/v1"]["head_commit"]["id"] == second
    assert {(one["ref"], one["ref_type"]) for one in listening.deliveries("create")} == {
        ("refs/heads/feature/main", "branch"),
        ("refs/tags/v1", "tag"),
    }

    listening.gateway.received.clear()
    git("commit", "-q", "--amend", "-m", "other", cwd=work)
    forced = git("rev-parse", "HEAD", cwd=work).strip()
    git("push", "--force", remote, "feature/main", cwd=work)
    (payload,) = listening.deliveries("push")
    assert (payload["before"], payload["after"]) == (second, forced)
    assert [one["id"] for one in payload["commits"]] == [forced]

    listening.gateway.received.clear()
    said = git("push", remote, "--delete", "feature/main", cwd=work)
    assert "feature/main was deleted: previews of it are closed; an app that it feeds keeps its release" in said
    assert listening.deliveries("push") == []
    assert [(one["ref"], one["ref_type"]) for one in listening.deliveries("delete")] == [
        ("refs/heads/feature/main", "branch")
    ]

    heads = GitHeads(folder=listening.home / "git", base_url=listening.instance.url("git"))
    clone_url = f"{listening.instance.url('git')}/slipway/refs.git"
    assert heads.heads(clone_url) == {"main": first}
    assert heads.head(clone_url, "feature/main") == ""


def test_a_push_succeeds_while_the_gateway_is_down_and_reports_it(home: Forge, tmp_path: Path) -> None:
    url = home.repositories.create("alone", webhook_secret=HOOK_SECRET)
    work = clone(tmp_path / "work")
    sha = commit(work, {"a.txt": "1"}, "one")
    output = git("push", home.remote("alone.git"), "main", cwd=work)

    assert "the gateway does not answer; it is deployed when it does" in output
    assert GitHeads(folder=home.home / "git", base_url=home.instance.url("git")).head(url, "main") == sha


def test_a_request_without_the_token_is_refused(home: Forge, tmp_path: Path) -> None:
    home.repositories.create("closed", webhook_secret=HOOK_SECRET)
    for credentials in ("", "slipway:wrong@", "slipway:@"):
        url = home.instance.url("git").replace("http://", f"http://{credentials}")
        output = git("ls-remote", f"{url}/closed.git", cwd=tmp_path, fails=True)
        assert "could not read Username" in output or "Authentication failed" in output or "could not read" in output
    git("ls-remote", home.remote("closed.git"), cwd=tmp_path)


def test_an_unknown_repository_is_explained_and_no_path_leads_outside(home: Forge) -> None:
    coded = base64.b64encode(b"x:let-me-in").decode()
    for path in ("/unknown.git/info/refs", "/../instance.json", "/slipway/..%2F..%2Finstance.json/x", "/.hooks/x/y"):
        connection = http.client.HTTPConnection("127.0.0.1", home.instance.ports["git"], timeout=patient(5))
        connection.request("GET", path, headers={"Authorization": f"Basic {coded}"})
        answer = connection.getresponse()
        assert answer.status == 404
        assert b"paas apps create" in answer.read()
        connection.close()


def test_a_large_push_and_a_clone_stream_through(listening: Forge, tmp_path: Path) -> None:
    listening.repositories.create("large", webhook_secret=HOOK_SECRET)
    work = clone(tmp_path / "work")
    for number in range(6):
        (work / f"{number}.bin").write_bytes(hashlib.shake_256(str(number).encode()).digest(1_000_000))
    sha = commit(work, {"a.txt": "1"}, "much")
    remote = listening.remote("large.git")
    git("-c", "http.postBuffer=65536", "push", remote, "main", cwd=work)  # larger than the buffer: sent in chunks
    git("clone", "-q", remote, "copy", cwd=tmp_path)

    assert git("rev-parse", "HEAD", cwd=tmp_path / "copy").strip() == sha
    assert listening.deliveries("push")[0]["total_commits"] == 1
