"""What config is taken is what Linux and Kubernetes take, tried on both sides of each limit."""

import base64
import errno
import subprocess

import pytest

from functions.common.adapters.encryption import FernetCipher
from functions.common.adapters.kubernetes.names import Kind, place_of
from functions.common.adapters.kubernetes.pods import Namespaces
from functions.common.adapters.kubernetes.record import Record, Records, config_secret
from functions.common.domain.config import (
    CLUSTER_BYTES,
    MACHINE_BYTES,
    MOST_BYTES,
    check_total,
    check_variable,
    size_of,
)
from functions.common.domain.tokens import new_config_key
from functions.common.errors import Rejected
from tests.contract.kubernetes_deployer_world import a_workload
from tests.fakes.loopback_kubernetes import loopback_kubernetes

SECRET_BYTES = 1024**2  # of Kubernetes
LONG_COMMAND = ["/bin/sh", "-c", "true " + "x" * 100_000]


def full(most: int, size: int) -> dict[str, str]:
    """Return as many variables of a size as are taken, one more of which is refused."""
    count = most // (size_of("VARIABLE_00000", "") + size + 100)
    values = {f"VARIABLE_{number:05}": "v" * size for number in range(count)}
    check_total(values, most=most)
    with pytest.raises(Rejected, match=rf"all {count + 1} variables would take .* the largest are VARIABLE_00000"):
        check_total({**values, "VARIABLE_99999": "v" * size}, most=most)
    return values


def test_the_largest_value_that_is_taken_starts_a_program_and_the_next_one_does_not() -> None:
    for name in ("A", "NAME_WITH_MORE"):
        largest = "\u00fc" * ((MOST_BYTES - 2 - len(name)) // 2)
        largest += "v" * (MOST_BYTES - size_of(name, largest))
        check_variable(name, largest)
        subprocess.run(["/bin/true"], env={name: largest}, check=True)
        with pytest.raises(Rejected, match=f"the value of {name} is too long"):
            check_variable(name, largest + "v")
        with pytest.raises(OSError, match=r".") as refused:
            subprocess.run(["/bin/true"], env={name: largest + "v"}, check=True)
        assert refused.value.errno == errno.E2BIG


@pytest.mark.parametrize("size", [0, 1, 1000, 131_000])
def test_all_config_that_one_machine_takes_starts_a_program(size: int) -> None:
    subprocess.run(LONG_COMMAND, env=full(MACHINE_BYTES, size), check=True)


@pytest.mark.parametrize("size", [0, 1000, 131_000])
def test_all_config_that_a_cluster_takes_fits_into_its_secrets(size: int) -> None:
    cipher = FernetCipher(keys=(new_config_key(),))
    config = {name: cipher.seal(value) for name, value in full(CLUSTER_BYTES, size).items()}
    place = place_of("hello", "production", shared="")
    record = Record(workload=a_workload(1, config=config), kind=Kind.ROLLOUT, config="config-1")

    with loopback_kubernetes() as server:
        Namespaces(api=server.api).claim("hello", "production", place)
        Records(api=server.api).write(record, place)
        (written,) = server.of_kind("Secret")

    for secret in (written, config_secret(record, place, cipher)):
        assert sum(len(base64.b64decode(value)) for value in secret["data"].values()) < SECRET_BYTES


def test_names_that_the_platform_sets_never_reach_a_secret() -> None:
    """They may have been set before they were refused."""
    cipher = FernetCipher(keys=(new_config_key(),))
    config = {name: cipher.seal("x") for name in ("PATH", "HOME", "HOST", "A")}
    record = Record(workload=a_workload(1, config=config), kind=Kind.ROLLOUT, config="config-1")

    assert config_secret(record, place_of("hello", "production", shared=""), cipher)["data"].keys() == {"A"}
