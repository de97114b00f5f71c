"""Repeated and forged deliveries."""

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor

from tests.local.pipeline.developer import begin
from tests.local.pipeline.stage import Stage
from tests.local.pipeline.webhooks import push_silently, webhook
from tests.local.waiting import until


def test_a_repeated_delivery_and_a_second_delivery_of_its_commit_build_once(stage: Stage) -> None:
    dev = begin(stage, "once")
    sha = dev.commit()
    push_silently(dev)
    delivery = webhook(dev, sha)

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: delivery.send(), range(5)))
    stage.live(sha, "once")
    answers.append(delivery.send())

    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [202]
    assert len({answer.json()["event"] for answer in answers}) == 1
    other = webhook(dev, sha).send()
    assert (other.status_code, other.json()["event"] != answers[0].json()["event"]) == (202, True)
    pushes = "select count(*) from pushes where sha = :sha and id = :event and ended_at is not null"
    until(lambda: stage.rows(pushes, sha=sha, event=other.json()["event"]) == [[1]], why="the end of the other push")
    assert stage.rows("select count(*) from platform.builds where app = 'once'") == [[1]]
    assert [release["number"] for release in dev.paas_json("releases")] == [1]


def test_forged_deliveries_change_nothing_and_reveal_nothing(stage: Stage) -> None:
    dev = begin(stage, "forged")
    sha = dev.commit()
    good = webhook(dev, sha)
    expected = hmac.new(stage.at.webhook_secret.encode(), good.body, hashlib.sha256).hexdigest()
    empty = hmac.new(b"", good.body, hashlib.sha256).hexdigest()
    audited = "select coalesce(sum(count), 0)::bigint from audit_log where detail like '%signature%'"
    ((before,),) = stage.rows(audited)

    for signature in ("0" * 64, empty, "", f"{expected[:-1]}{'0' if expected[-1] != '0' else '1'}"):
        hub = f"sha256={signature}" if signature else ""
        answer = good.send(X_Forgejo_Signature=signature, X_Gitea_Signature=signature, X_Hub_Signature_256=hub)
        assert (answer.status_code, expected in answer.text) == (401, False)

    assert stage.rows("select 1 from webhook_deliveries where delivery_id = :id", id=good.delivery) == []
    assert stage.rows("select 1 from pushes where sha = :sha", sha=sha) == []
    assert stage.rows(audited) == [[before + 4]]
    assert not [path for path in (stage.home / "logs").rglob("*.log") if expected.encode() in path.read_bytes()]


def test_webhooks_other_than_pushes_of_branches_deploy_nothing(stage: Stage) -> None:
    dev = begin(stage, "odd")
    sha = dev.deploy()

    status = webhook(dev, sha, kind="status").send()
    assert (status.status_code, status.json()["status"]) == (200, "ignored")
    assert status.json()["reason"]
    dev.git("tag", "v1")
    assert "accepted" in dev.push("refs/tags/v1")
    unreal = webhook(dev, sha, branch="../../etc").send().status_code
    assert unreal in {200, 202, 400}

    large = webhook(dev, sha, before=sha, padding="x" * 5_000_000).send()
    assert large.status_code == 202
    until(lambda: stage.rows("select 1 from pushes where id = :id", id=large.json()["event"]), why="the large push")
    assert [release["number"] for release in dev.paas_json("releases")] == [1]
