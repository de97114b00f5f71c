"""Live versions: workers, config, restarts, removal."""

import os
import shutil
import signal
import subprocess
import sys
import time

from functions.common.adapters.local.network import LocalCertificates
from functions.common.adapters.system_clock import SystemClock
from tests.local.processes import is_running
from tests.local.rollouts.conftest import controlled
from tests.local.rollouts.load import under_load
from tests.local.rollouts.test_releases import load_on
from tests.local.rollouts.world import RolloutWorld
from tests.local.waiting import until

SHOW = "echo $SLIPWAY_APP $SLIPWAY_ENVIRONMENT $SLIPWAY_RELEASE $SLIPWAY_COMMIT; printf '%s' \"$TRICKY\"; echo; env"


def log_of(world: RolloutWorld, name: str) -> str:
    path = world.home / "logs" / "apps" / "hello" / "production" / f"{name}.log"
    return path.read_text() if path.exists() else ""


def test_processes_get_their_config_and_nothing_of_the_platform(world: RolloutWorld) -> None:
    world.deployer.apply(world.workload(2, processes={"release": SHOW}))
    world.live(2)
    log = log_of(world, "2-release")

    assert f"hello production 2 {2:040x}\n100%d \"quoted\" 'and' $HOME\nline\n" in log
    assert "DATABASE_URL" not in log
    assert "SUPERVISOR_" not in log


def test_workers_follow_the_live_version(world: RolloutWorld) -> None:
    for release in (2, 3):
        world.deployer.apply(world.workload(release, processes={"worker": "exec sleep 300"}, replicas={"worker": 1}))
        world.live(release)
        name = f"app.hello.production.{release}.worker"
        until(lambda name=name: (state := world.process_manager.state(name)) and state.phase == "running", why=name)  # type: ignore[misc]

    until(lambda: world.process_manager.state("app.hello.production.2.worker") is None, why="the old worker's end")


def test_an_old_release_number_changes_nothing(world: RolloutWorld) -> None:
    world.deployer.apply(world.workload(3))
    world.live(3)
    world.deployer.apply(world.workload(2))
    time.sleep(0.3)

    observed = world.deployer.observe("hello", "production")
    assert observed
    assert (observed.release, observed.phase) == (3, "live")
    assert 2 not in world.stages()


def test_requests_in_flight_end_on_the_old_version(world: RolloutWorld) -> None:
    load = load_on(world)
    load.path = "/slow"
    with under_load(load, clients=3):
        time.sleep(0.3)
        world.deployer.apply(world.workload(2))
        world.live(2)
        until(lambda: load.shares()["release 1"] >= 3, why="slow answers")

    assert load.failures == []


def test_killing_a_live_process_costs_no_repeatable_request(world: RolloutWorld) -> None:
    with under_load(load_on(world), posts=False) as load:
        until(lambda: len(load.answers) > 20, why="load")
        state = world.process_manager.state("app.hello.production.1.web")
        assert state
        os.kill(state.pid, signal.SIGKILL)
        before = len(load.answers)
        until(lambda: len(load.answers) > before + 50, why="answers again")

    assert load.failures == []


def test_a_killed_caddy_resumes(world: RolloutWorld) -> None:
    assert world.caddy
    world.caddy.kill()
    world.caddy.wait()
    world.start_caddy()

    with under_load(load_on(world), clients=1) as load:
        until(lambda: load.answers, why="an answer")


def test_a_caddy_that_lost_its_configuration_gets_it_again(world: RolloutWorld) -> None:
    assert world.caddy
    world.caddy.kill()
    world.caddy.wait()
    (world.home / "caddy/config/caddy/autosave.json").unlink()
    world.start_caddy()

    with under_load(load_on(world), clients=1) as load:
        until(lambda: load.answers, why="an answer")


def test_apps_are_live_again_after_a_restart_of_the_platform(bare: RolloutWorld) -> None:
    bare.certify()
    with controlled(bare):
        bare.deployer.apply(bare.workload(1, processes={"worker": "exec sleep 300"}, replicas={"worker": 1}))
        bare.live(1)
    bare.stop_supervisord()
    bare.start_supervisord()

    with controlled(bare), under_load(load_on(bare), clients=1) as load:
        until(lambda: load.answers, why="an answer")
        name = "app.hello.production.1.worker"
        until(lambda: (state := bare.process_manager.state(name)) and state.phase == "running", why="the worker")
    assert load.shares().keys() == {"release 1"}


def test_a_release_goes_live_after_all_logs_were_deleted(world: RolloutWorld) -> None:
    world.deployer.apply(world.workload(5, environment="side", label="side--hello", hosts=("side--hello.localhost",)))
    world.live(5)
    shutil.rmtree(world.home / "logs")

    world.deployer.apply(world.workload(2))
    world.live(2)


def test_another_controller_continues_after_a_kill(bare: RolloutWorld) -> None:
    bare.certify()
    settings = {**bare.settings.environment, "SLIPWAY_CANARY_PAUSE": "0.6"}
    argv = [sys.executable, "-m", "functions.local.rollouts"]

    def controller() -> subprocess.Popen[bytes]:
        return subprocess.Popen(argv, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    first = controller()
    bare.deployer.apply(bare.workload(1))
    bare.live(1)
    until(bare.certified, why="the certificate")
    with under_load(load_on(bare)) as load:
        bare.deployer.apply(bare.workload(2, processes={"release": "echo ran; sleep 0.5"}))
        for phase in ("releasing", "starting", "shifting"):
            until(lambda phase=phase: any(one.release == 2 and one.phase == phase for one in bare.reports()))  # type: ignore[misc]
            first.kill()
            first.wait()
            first = controller()
        bare.live(2)
        until(lambda: bare.stages()[1] == "stopped", why="the old version's end")
    first.terminate()
    first.wait()

    assert load.failures == []
    assert log_of(bare, "2-release").count("ran") == 1
    weights = [one.weight for one in bare.reports() if one.release == 2 and one.phase == "shifting"]
    assert weights == [10, 25, 50, 100]


def test_removing_an_environment_leaves_nothing(world: RolloutWorld) -> None:
    LocalCertificates(database=world.database, clock=SystemClock()).delete(world.host)
    world.deployer.remove("hello", "production", through=1)
    until(lambda: world.deployer.observe("hello", "production") is None, why="removal")

    assert world.process_manager.states() == {}
    assert list((world.home / "apps.d").iterdir()) == []
    assert not (world.home / "routes" / "hello" / "production").exists()
    assert not (world.home / "logs" / "apps" / "hello" / "production").exists()
    assert world.host not in (world.home / "caddy/config/caddy/autosave.json").read_text()
    assert world.stages() == {}

    world.deployer.apply(world.workload(2))
    world.live(2)


def test_an_app_created_again_does_not_share_its_host_with_the_old_one(world: RolloutWorld) -> None:
    world.deployer.apply(world.workload(2, "crashes"))
    world.deployer.remove("hello", "production", through=1)
    until(lambda: world.process_manager.state("app.hello.production.1.web") is None, why="the old app's end")

    assert world.ended(2).phase == "failed"
    with under_load(load_on(world), clients=1) as load:
        until(lambda: load.answers, why="an answer")
    assert {status for _, status, _ in load.answers} == {503}


def test_an_app_without_a_live_version_answers_503(bare: RolloutWorld) -> None:
    bare.certify()
    bare.deployer.apply(bare.workload(1, "unhealthy"))  # its host is known as soon as there is a certificate
    with controlled(bare):
        until(bare.certified, why="the certificate")
        with under_load(load_on(bare), clients=1) as load:
            until(lambda: load.answers, why="an answer")

    assert {status for _, status, _ in load.answers} == {503}


def test_nothing_survives_a_removed_app_where_nothing_isolates_it(bare: RolloutWorld) -> None:
    """They began sessions of their own, and web ignores the request to end."""
    leave = "setsid sleep 740{0}1 & setsid -f setsid sleep 740{0}2 >/dev/null 2>&1; sleep 740{0}3 & "
    processes = {
        "release": leave.format(1),
        "web": leave.format(2) + "trap '' TERM; exec python app.py",
        "worker": leave.format(3) + "while :; do wait; done",
    }
    left = [f"740{process}{number}" for process in "123" for number in "123"]
    with controlled(bare, SLIPWAY_SANDBOX="off"):
        bare.deployer.apply(bare.workload(1, processes=processes, replicas={"worker": 1}))
        bare.live(1)
        assert [name for name in left[:3] if is_running("sleep", name)] == []
        until(lambda: all(is_running("sleep", name) for name in left[3:]), why="web and worker")
        bare.deployer.remove("hello", "production", through=1)
        until(lambda: not any(is_running("sleep", name) for name in left), seconds=40, why="their end")
