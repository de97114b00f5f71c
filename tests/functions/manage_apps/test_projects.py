"""Projects: apps at the paths of a project API, without a prefix too."""

import json
from collections.abc import Iterator

import pytest
from werkzeug.wrappers import Response

from tests.api_world import ApiWorld
from tests.story import Story


@pytest.mark.parametrize("prefix", ["", "/v1", "/api/v1"])
def test_a_project_lives_at_each_prefix(api: ApiWorld, prefix: str) -> None:
    made = api.call("POST", f"{prefix}/project", {"name": "shop"})

    assert made.status == 201
    assert made.body["git_clone_http"] == "http://git.example.org/slipway/shop.git"
    assert (made.body["domain"], made.body["url"]) == ("shop.apps.example.org", "https://shop.apps.example.org/")
    assert (made.body["deployment_status"], made.body["deployment_replicas"]) == ("none", 1)
    assert api.get(f"{prefix}/project")["items"] == [api.get(f"{prefix}/project/shop")]
    assert api.get(f"{prefix}/project/{made.body['id']}")["name"] == "shop"
    assert api.get("/v1/apps/shop")["id"] == made.body["id"]
    assert api.call("DELETE", f"{prefix}/project/shop").status == 202
    assert api.call("GET", f"{prefix}/project/shop").status == 404
    assert api.types() == ["app.created", "app.deleted"]


def test_a_projects_status_follows_its_releases(api: ApiWorld, story: Story) -> None:
    api.app("shop")
    story.release(1, state="started")
    assert api.get("/project/shop")["deployment_status"] == "pending"
    api.database.run("update releases set state = 'live'")
    assert api.get("/project/shop")["deployment_status"] == "running"
    api.database.run("update releases set state = 'failed'")
    api.database.run("update projects set deployment_status = 'failed'")
    assert api.get("/project/shop")["deployment_status"] == "failed"


def test_a_repository_is_shown_deleted_and_created_again(api: ApiWorld) -> None:
    api.app("shop")
    path = "/projects/shop/repo"

    assert api.get(path) == {
        "owner": "slipway",
        "name": "shop",
        "full_name": "slipway/shop",
        "private": True,
        "clone_ssh": "ssh://git@git.example.org:2222/slipway/shop.git",
        "clone_http": "http://git.example.org/slipway/shop.git",
        "html_url": "http://git.example.org/slipway/shop",
    }
    assert api.call("POST", path).status == 200
    assert api.call("DELETE", path).body == {"deleted": "slipway/shop"}
    assert api.repositories.names == set()
    assert [api.call("GET", path).status, api.call("DELETE", path).status] == [404, 404]
    assert api.call("POST", path).status == 201
    assert api.repositories.names == {"shop"}


def test_a_repository_of_another_forge_is_forgotten_but_not_deleted(api: ApiWorld) -> None:
    api.app("shop", git_url="https://git.example.net/team/web.git")
    refused = api.call("POST", "/projects/shop/repo")

    assert (refused.status, "DELETE" in refused.body["error"]) == (409, True)
    assert api.call("DELETE", "/projects/shop/repo").body == {"deleted": "team/web"}
    assert api.get("/v1/apps/shop")["git_url"] == ""


def test_a_forge_that_is_down_changes_nothing(api: ApiWorld) -> None:
    api.app("shop")
    api.repositories.down = True

    assert api.call("DELETE", "/projects/shop/repo").status == 503
    assert api.get("/projects/shop/repo")["name"] == "shop"


def test_a_domain_says_what_to_point_where(api: ApiWorld) -> None:
    api.app("shop")
    answer = api.call("POST", "/projects/shop/domain", {"domain": "WWW.example.net"})

    assert answer.status == 201
    assert answer.body["record"] == {
        "type": "CNAME",
        "name": "www.example.net",
        "content": "shop.apps.example.org",
        "ttl": 300,
    }
    assert answer.body["instructions"] == (
        "create the DNS record www.example.net CNAME shop.apps.example.org at the provider of your domain; "
        "for a domain without a subdomain, which takes no CNAME, an ALIAS or ANAME record"
    )
    assert api.get("/project/shop")["custom_domain"] == "www.example.net"
    assert api.call("DELETE", "/projects/shop/domain").body == {"removed": "www.example.net"}
    assert api.types()[1:] == ["domain.added", "domain.removed"]


def test_of_several_domains_the_one_to_remove_is_named(api: ApiWorld) -> None:
    api.app("shop")
    assert api.call("DELETE", "/projects/shop/domain").status == 404
    for host in ("a.example.net", "b.example.net"):
        api.call("POST", "/projects/shop/domain", {"domain": host})
    refused = api.call("DELETE", "/projects/shop/domain")

    assert (refused.status, "a.example.net, b.example.net" in refused.body["error"]) == (409, True)
    assert api.call("DELETE", "/projects/shop/domain", {"domain": "b.example.net"}).status == 200


def events_of(answer: Response) -> Iterator[bytes]:
    """Return the parts of a streamed answer as they come."""
    return (part if isinstance(part, bytes) else part.encode() for part in answer.iter_encoded())


def test_logs_are_a_stream_for_those_who_accept_one(api: ApiWorld) -> None:
    api.app("shop")
    log = api.home / "logs" / "apps" / "shop" / "production" / "1-web.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\n")
    headers = {"Accept": "text/event-stream", "Authorization": "Bearer token-with-scope-admin"}

    client = api.flask.test_client()
    with client.get("/projects/shop/deploy/logs", headers=headers, buffered=False) as answer:
        assert answer.content_type == "text/event-stream"
        events = events_of(answer)
        assert next(events) == b"retry: 1000\n\n"
        assert json.loads(next(events).removeprefix(b"data: ")) == {"source": "web.v1", "text": "one"}
        second = next(events).decode()
        cursor = second.partition("\n")[0].removeprefix("id: ")
        assert "two" in second
        with log.open("a") as file:
            file.write("three\n")
        assert "three" in next(event for event in events if event != b": \n\n").decode()
    again = {**headers, "Last-Event-ID": cursor}
    with client.get("/projects/shop/deploy/logs", headers=again, buffered=False) as answer:
        events = events_of(answer)
        assert "three" in [next(events), next(events)][1].decode()


def test_more_streams_than_threads_are_refused(api: ApiWorld) -> None:
    api.app("shop")
    headers = {"Accept": "text/event-stream", "Authorization": "Bearer token-with-scope-admin"}
    client = api.flask.test_client()
    open_ones = [client.get("/projects/shop/deploy/logs", headers=headers, buffered=False) for _ in range(4)]

    assert [answer.status_code for answer in open_ones] == [200] * 4
    assert client.get("/projects/shop/deploy/logs", headers=headers).status_code == 503
    open_ones[0].close()
    with client.get("/projects/shop/deploy/logs", headers=headers, buffered=False) as answer:
        assert answer.status_code == 200
    for answer in open_ones:
        answer.close()
