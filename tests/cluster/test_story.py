"""What a user does, on the real thing: forge, ingress, Broker, functions, Tekton, registry, Rollout, certificate."""

import time
from datetime import datetime

import httpx
import pytest

from functions.local.demo.traffic import Answer, probing, split
from tests.cluster.kit.bad_versions import BAD, ERRING
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.overlay import DOMAIN, HOST
from tests.cluster.kit.user import HTTPS, User
from tests.fakes.loopback_cloudflare import LoopbackCloudflare
from tests.local.waiting import until
from tests.patience import patient

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
APP = "hello"
STEPS = (10, 25, 50, 100)
REPLICAS = 2
TOLERANCE = 12  # percent points: a step of six seconds has three hundred requests, and Traefik lags up to two


def failed(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.failed]


def pods(user: User, kubectl: Kubectl) -> list[str]:
    marks = f"slipway.dev/app={user.app},slipway.dev/process=web"
    return kubectl("get", "pods", "--all-namespaces", "--selector", marks, "-o", "name").split()


def probed(
    user: User, sha: str, state: str, refspec: str = "HEAD:refs/heads/main"
) -> tuple[list[Answer], dict[int, float]]:
    """Push under 50 requests a second; return the answers, and the new version's share at each step."""
    ca = user.client().ca
    host = f"{user.app}.{DOMAIN}"
    with probing(host=host, port=HTTPS, ca=ca, rate=50, address=CLUSTER.address) as probe:
        time.sleep(1)
        user.push(refspec)
        ended = user.ended(sha, state)
        time.sleep(3)
    marks = [
        (datetime.fromisoformat(step["at"]).timestamp(), int(step["details"]["weight"]))
        for step in ended["steps"]
        if step["details"].get("weight")
    ]
    answers = sorted(probe.answers, key=lambda answer: answer.at)
    return answers, split(answers, marks, lambda answer: sha in answer.text)


def test_a_push_is_live_over_https_with_a_certificate_from_the_authority(user: User) -> None:
    status, text = user.get()
    head = user.git("rev-parse", "HEAD")
    assert (status, head in text) == (200, True), text


def test_plain_http_is_redirected_and_https_is_remembered(user: User) -> None:
    hosts = (f"{user.app}.{DOMAIN}", HOST, f"none.{DOMAIN}")
    with httpx.Client(trust_env=False, verify=False, timeout=patient(20)) as http:  # noqa: S501 - the redirect is meant
        for host in hosts:
            answer = http.get(f"http://{CLUSTER.address}/a/b?c=d", headers={"Host": host})
            assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{host}/a/b?c=d")
        for host, path in ((hosts[0], "/"), (HOST, "/v1/openapi.json")):
            url, extensions = f"https://{CLUSTER.address}{path}", {"sni_hostname": host}
            answer = http.get(url, headers={"Host": host}, extensions=extensions)
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000", answer.text


def test_a_second_push_moves_the_traffic_step_by_step_and_loses_no_request(user: User) -> None:
    sha = user.commit({"more.txt": "more\n"})
    answers, shares = probed(user, sha, "live")
    print(f"\n{len(answers)} requests, {len(failed(answers))} failed, shares {shares}")
    assert not failed(answers), failed(answers)[:3]
    assert sha in answers[-1].text
    assert all(abs(shares[step] - step) <= TOLERANCE for step in STEPS), shares


@pytest.mark.parametrize("version", BAD)
def test_a_version_that_never_gets_well_goes_back_by_itself_and_the_old_one_serves_on(
    user: User, kubectl: Kubectl, version: str
) -> None:
    before = user.get()[1]
    sha = user.commit({"app.py": BAD[version]})
    answers, _ = probed(user, sha, "failed")
    print(f"\n{len(answers)} requests, {len(failed(answers))} failed")
    assert not failed(answers), failed(answers)[:3]
    assert user.get()[1] == before
    # From then on Argo forgets the next version's progress deadline: the next of these tests is that version.
    until(lambda: len(pods(user, kubectl)) == REPLICAS, seconds=60)


def test_a_version_that_errs_with_a_tenth_of_the_traffic_goes_back_by_itself(user: User) -> None:
    before = user.get()[1]
    sha = user.commit({"app.py": ERRING})
    answers, shares = probed(user, sha, "failed")
    lost = failed(answers)
    print(f"\n{len(answers)} requests, {len(lost)} failed, shares {shares}")
    assert user.get()[1] == before
    assert not failed(answers[-100:]), "the old version serves alone again"


def test_a_rollback_releases_the_old_digest_without_a_build(user: User, kubectl: Kubectl) -> None:
    runs = kubectl("get", "pipelineruns", "-n", "slipway-builds", "-o", "name").split()
    releases = user.paas_json("releases")
    first = next(one for one in releases if one["number"] == 1)
    user.paas("rollback", "1")
    newest = until(lambda: [one for one in user.paas_json("releases")[:1] if one["state"] == "live"], seconds=90)
    assert newest[0]["digest"] == first["digest"]
    until(lambda: first["sha"] in user.get()[1], seconds=5)
    assert kubectl("get", "pipelineruns", "-n", "slipway-builds", "-o", "name").split() == runs


def test_a_preview_comes_and_goes_and_leaves_nothing(user: User, kubectl: Kubectl, zone: LoopbackCloudflare) -> None:
    label = f"try-it--{user.app}"
    sha = user.commit({"more.txt": "try it\n"})
    user.push("HEAD:refs/heads/try-it")
    user.ended(sha, "live")
    until(lambda: sha in user.get(label)[1], seconds=5)
    assert any(record["name"] == f"{label}.{DOMAIN}" for record in zone.records.values())

    user.git("push", "--quiet", "paas", ":refs/heads/try-it")

    def left() -> list[str]:
        spaces = kubectl("get", "namespaces", "-o", "name").split()
        found = [name for name in spaces if name.endswith(f"app-{user.app}--try-it")]
        return found + [record["name"] for record in zone.records.values() if record["name"].startswith(label)]

    until(lambda: not left(), seconds=120, why="the preview's end")
    until(lambda: user.get(label)[0] == 404, seconds=5, why="the ingress to know of it")
    assert user.get()[0] == 200
