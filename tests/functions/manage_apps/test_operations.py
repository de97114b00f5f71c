"""Deploy, undeploy, restart, scale and limits: what is answered, stored and published."""

import json
from typing import Any

import pytest

from functions.common.domain.git_url import repository_key
from tests.api_world import ApiWorld
from tests.story import SHA, Story

DIGEST = "sha256:" + "d" * 64
BUILT = """
update builds set digest = :digest, image = 'local/' || app, processes = :processes::jsonb where app = :app
"""


@pytest.fixture(autouse=True)
def _shop(api: ApiWorld, story: Story) -> None:
    made = api.app("shop")
    api.heads.branches[repository_key(made["git_url"])] = {"main": SHA}
    story.release(1, state="retired")
    story.release(2, state="live")
    api.broker.events.clear()


def built(api: ApiWorld, story: Story, *, app: str = "shop", digest: str = DIGEST) -> None:
    """Record a build of the commit, with its image on this machine."""
    story.build(f"build-{app}", app=app)
    api.database.run(BUILT, app=app, digest=digest, processes=json.dumps({"web": "run"}))
    (api.home / "images" / digest.removeprefix("sha256:")).mkdir(parents=True, exist_ok=True)


def event(api: ApiWorld) -> dict[str, Any]:
    """Return the only event that was published."""
    (found,) = api.broker.events
    return found


def test_the_newest_commit_is_built_when_it_has_no_image(api: ApiWorld) -> None:
    answer = api.call("POST", "/projects/shop/deploy")

    assert (answer.status, answer.body["sha"], answer.body["digest"]) == (202, SHA, "")
    data = event(api)["data"]
    assert api.types() == ["push.received"]
    assert (data["app"], data["branch"], data["after"]) == ("shop", "main", SHA)
    assert data["push"] == event(api)["id"] == answer.body["event"]


def test_the_newest_commit_is_released_again_when_it_has_an_image(api: ApiWorld, story: Story) -> None:
    built(api, story)
    answer = api.call("POST", "/v1/apps/shop/deploy")

    assert (answer.status, answer.body["digest"], answer.body["url"]) == (202, DIGEST, "https://shop.apps.example.org/")
    assert api.types() == ["deploy.requested"]
    data = event(api)["data"]
    assert (data["sha"], data["image"], data["processes"]) == (SHA, "local/shop", {"web": "run"})


def test_a_commit_that_is_being_deployed_is_not_deployed_twice(api: ApiWorld, story: Story) -> None:
    story.push("push-9", state="building")
    refused = api.call("POST", "/projects/shop/deploy")

    assert (refused.status, "being deployed already" in refused.body["error"]) == (409, True)


@pytest.mark.parametrize(("branches", "why"), [({}, "no commit yet"), (None, "forge cannot be asked")])
def test_a_head_that_is_unknown_is_refused_with_the_reason(api: ApiWorld, branches: Any, why: str) -> None:  # noqa: ANN401 - heads
    api.heads.branches = {} if branches is None else dict.fromkeys(api.heads.branches, branches)
    refused = api.call("POST", "/projects/shop/deploy")

    assert (refused.status, why in refused.body["error"]) == (409, True)


def test_an_image_of_this_machine_is_deployed_by_its_digest(api: ApiWorld, story: Story) -> None:
    built(api, story)
    answer = api.call("POST", "/projects/shop/deploy", {"image": DIGEST})

    assert (answer.status, answer.body["image"], answer.body["digest"]) == (202, "local/shop", DIGEST)


def test_an_image_of_another_users_app_is_refused(api: ApiWorld, story: Story) -> None:
    owner, stranger = (api.user(f"{name}@example.org") for name in ("owner", "stranger"))
    api.app("secret", token=owner)
    api.app("thief", token=stranger)
    built(api, story, app="secret")
    api.broker.events.clear()
    refused = api.call("POST", "/projects/thief/deploy", {"image": DIGEST}, token=stranger)

    assert (refused.status, "there is no image" in refused.body["error"]) == (422, True)
    assert api.broker.events == []


def test_an_image_of_which_no_build_is_known_is_refused(api: ApiWorld, story: Story) -> None:
    """Its app was deleted, its build has failed, or is not recorded yet."""
    owner, stranger = (api.user(f"{name}@example.org") for name in ("owner", "stranger"))
    api.app("secret", token=owner)
    api.app("thief", token=stranger)
    built(api, story, app="secret")
    assert api.call("DELETE", "/v1/apps/secret", token=owner).status == 202
    api.broker.events.clear()
    for image in (DIGEST, f"local/thief@{DIGEST}"):
        refused = api.call("POST", "/projects/thief/deploy", {"image": image}, token=stranger)
        assert (refused.status, "there is no image" in refused.body["error"]) == (422, True)
    assert api.broker.events == []
    assert api.call("POST", "/projects/shop/deploy", {"image": DIGEST}).status == 422
    assert api.call("POST", "/projects/shop/deploy", {"image": f"local/secret@{DIGEST}"}).status == 202  # the platform


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"image": "registry.example.net/team/web:1"}, "image: images of registries cannot run on one machine"),
        ({"image": "sha256:" + "e" * 64}, "image: there is no image"),
        ({"image": "x" * 501}, "image: "),
        ({"project_name": "other"}, "project_name: "),
        ({"domain": "nodots"}, "nodots"),
        ({"port": 65536}, "port: "),
        ({"replicas": 13}, "replicas: "),
        ({"env_vars": {"1A": "b"}}, "1A"),
        ({"env_vars": {"A": "b"}, "secrets": {"A": "c"}}, "secrets: A"),
        ({"env_vars": {"A": "b"}, "environment": "none"}, "none"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_deployment_that_cannot_be_is_refused_by_name(api: ApiWorld, body: dict[str, Any], named: str) -> None:
    refused = api.call("POST", "/projects/shop/deploy", body)

    assert refused.status in {404, 422}
    assert named in refused.body["error"]
    assert api.broker.events == []


def test_a_deployment_may_set_config_port_replicas_and_domain(api: ApiWorld, story: Story) -> None:
    built(api, story)
    body = {
        "project_name": "shop",
        "port": 3000,
        "replicas": 2,
        "domain": "www.example.net",
        "env_vars": {"MODE": "fast"},
        "secrets": {"TOKEN": "hush"},
    }
    answer = api.call("POST", "/projects/shop/deploy", body)

    assert answer.status == 202
    assert api.types() == ["domain.added", "deploy.requested"]
    assert "hush" not in json.dumps(api.broker.events) + answer.text
    assert api.get("/v1/apps/shop/config?reveal=true")["config"] == {"MODE": "fast", "TOKEN": "hush"}
    assert api.get("/v1/apps/shop/limits")["port"] == 3000
    assert api.get("/project/shop")["deployment_replicas"] == 2
    assert api.get("/project/shop")["custom_domain"] == "www.example.net"


def test_undeploy_names_the_release_up_to_which_all_goes(api: ApiWorld) -> None:
    answer = api.call("DELETE", "/projects/shop/deploy")

    assert (answer.status, answer.body["environment"]) == (202, "production")
    assert (api.types(), event(api)["data"]["through"]) == (["undeploy.requested"], 2)


def test_nothing_that_runs_is_neither_undeployed_nor_restarted(api: ApiWorld) -> None:
    api.database.run("update releases set state = 'retired'")
    for method, path in (("DELETE", "/projects/shop/deploy"), ("POST", "/projects/shop/deploy/restart")):
        refused = api.call(method, path)
        assert (refused.status, "nothing runs" in refused.body["error"]) == (404, True)


def test_a_restart_is_one_event(api: ApiWorld) -> None:
    assert api.call("POST", "/projects/shop/deploy/restart").status == 202
    assert (api.types(), event(api)["data"]["actor"]) == (["restart.requested"], "admin")


def test_scaling_is_stored_published_and_shown(api: ApiWorld) -> None:
    api.database.run('update releases set processes = \'{"web": "run", "worker": "work", "release": "prepare"}\'')
    answer = api.call("POST", "/projects/shop/deploy/scale", {"processes": {"web": 3, "worker": 0}})
    again = api.call("POST", "/projects/shop/deploy/scale", {"processes": {"web": 3, "worker": 0}})

    assert (answer.status, answer.body["processes"]) == (202, {"web": 3, "worker": 0})
    assert (again.status, again.body["event"]) == (200, "")
    assert (api.types(), event(api)["data"]["processes"]) == (["scale.changed"], ["web", "worker"])
    status = api.get("/projects/shop/deploy/status")
    assert [(one["name"], one["replicas"]) for one in status["processes"]] == [("web", 3), ("worker", 0)]
    assert api.get("/project/shop")["deployment_replicas"] == 3


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "processes: give numbers"),
        ({"processes": {"web": 0}}, "processes.web"),
        ({"processes": {"web": 13}}, "processes.web"),
        ({"processes": {"worker": 1}}, "'worker', only web"),
        ({"processes": {"release": 1}}, "processes.release: it is the release command"),
        ({"processes": {"web": "3"}}, "processes.web"),
        ({"processes": {"web": 1.5}}, "processes.web"),
        ({"processes": {"web": -1}}, "processes.web"),
        ({"replicas": True}, "replicas"),
        ({"processes": {"x" * 5000: 1}}, "processes"),
    ],
)
def test_a_scale_that_cannot_be_is_refused_by_name(api: ApiWorld, body: dict[str, Any], named: str) -> None:
    refused = api.call("POST", "/v1/apps/shop/scale", body)

    assert (refused.status, named in refused.body["error"]) == (422, True)
    assert api.broker.events == []


def test_the_status_is_what_is_observed(api: ApiWorld) -> None:
    status = api.get("/projects/shop/deploy/status")

    assert status == {
        "project_name": "shop",
        "environment": "production",
        "image": "shop@sha256:2",
        "release": 2,
        "replicas": 1,
        "ready_replicas": 0,
        "url": "https://shop.apps.example.org/",
        "status": "pending",
        "maintenance": False,
        "processes": [{"name": "web", "replicas": 1, "ready_replicas": 0, "start": ""}],
    }


@pytest.mark.parametrize(("state", "status"), [("started", "pending"), ("failed", "failed"), ("retired", "none")])
def test_the_status_of_what_does_not_run(api: ApiWorld, state: str, status: str) -> None:
    api.database.run("update releases set state = :state", state=state)

    found = api.get("/projects/shop/deploy/status")

    assert (found["status"], found["release"], found["image"]) == (status, 0, "")


def test_limits_are_set_one_by_one_and_reset(api: ApiWorld) -> None:
    path = "/v1/apps/shop/limits"

    assert api.call("PATCH", path, {"cpu": "500m", "memory": "256Mi"}).body["memory"] == "256Mi"
    assert api.call("PATCH", path, {"port": 3000}).body["cpu"] == "500m"
    assert api.call("PATCH", path, {"port": 3000}).status == 200
    assert api.call("PATCH", path, {"cpu": ""}).body["cpu"] == ""
    assert [one["data"]["names"] for one in api.broker.events] == [["cpu", "memory"], ["port"], ["cpu"]]
    assert any("port" in note for note in api.get(path)["notes"])


@pytest.mark.parametrize(
    "body",
    [
        {"cpu": "many"},
        {"cpu": "1m"},
        {"cpu": "129"},
        {"cpu": "0"},
        {"cpu": "-1"},
        {"cpu": "1e3"},
        {"memory": "1Mi"},
        {"memory": "2Ti"},
        {"memory": "64 Mi"},
        {"memory": "0x10Gi"},
        {"port": -1},
        {"port": 65536},
    ],
)
def test_a_limit_that_is_none_is_refused_by_name(api: ApiWorld, body: dict[str, Any]) -> None:
    refused = api.call("PATCH", "/v1/apps/shop/limits", body)

    assert (refused.status, f"{next(iter(body))}: " in refused.body["error"]) == (422, True)
    assert api.broker.events == []


def test_the_maintenance_page_is_switched_once(api: ApiWorld) -> None:
    path = "/v1/apps/shop/maintenance"

    assert api.call("PUT", path, {"on": True}).body == {"app": "shop", "environment": "production", "on": True}
    assert api.call("PUT", path, {"on": True}).status == 200
    assert api.get("/projects/shop/deploy/status")["maintenance"] is True
    assert api.call("PUT", path, {"on": False}).status == 200
    assert [one["data"]["on"] for one in api.broker.events] == [True, False]
    for body in ({}, {"on": "yes"}, {"on": 1}):
        refused = api.call("PUT", path, body)
        assert (refused.status, "on: " in refused.body["error"]) == (422, True)
