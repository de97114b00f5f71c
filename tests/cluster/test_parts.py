"""What can be held of the cluster's scripts without a cluster."""

import json
import os
import tarfile
from pathlib import Path

import yaml

from tests.cluster.kit.build import binaries
from tests.cluster.kit.cache import HERE, Cache
from tests.cluster.kit.images import Image, write_image
from tests.cluster.kit.platform import merged, with_images
from tests.cluster.kit.programs import Program, is_running, start, stop
from tests.local.waiting import until


def image(folder: Path) -> Image:
    program = folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Image(reference="slipway.test/a:1", files={"/bin/a": program}, links={"/bin/b": "a"}, entrypoint=("/bin/a",))


def test_the_same_files_make_the_same_image(tmp_path: Path) -> None:
    first = write_image(image(tmp_path), tmp_path / "1.tar")
    os.utime(tmp_path / "program", (1, 1))
    assert write_image(image(tmp_path), tmp_path / "2.tar") == first
    (tmp_path / "program").write_text("#!/bin/sh\nexit 1\n")
    changed = Image(reference="slipway.test/a:1", files={"/bin/a": tmp_path / "program"}, entrypoint=("/bin/a",))
    assert write_image(changed, tmp_path / "3.tar") != first


def test_an_archive_names_its_image_and_holds_every_blob_it_speaks_of(tmp_path: Path) -> None:
    digest = write_image(image(tmp_path), tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as tar:
        contents = {member.name: tar.extractfile(member) for member in tar}
        blobs = {name: file.read() for name, file in contents.items() if file}
    (described,) = json.loads(blobs["index.json"])["manifests"]
    assert described["digest"] == digest
    assert described["annotations"]["io.containerd.image.name"] == "slipway.test/a:1"
    manifest = json.loads(blobs["blobs/" + digest.replace(":", "/")])
    for blob in (manifest["config"], *manifest["layers"]):
        assert len(blobs["blobs/" + blob["digest"].replace(":", "/")]) == blob["size"]


def test_our_images_stand_in_and_a_workload_that_is_not_built_is_left_out() -> None:
    def deployment(name: str) -> dict[str, object]:
        pod = {"containers": [{"image": name, "env": [{"name": "A", "value": "ko://example.com/cmd/other"}]}]}
        return {"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"template": {"spec": pod}}}

    images = {"example.com/cmd/a": "slipway.test/a:1"}
    ready = with_images(deployment("ko://example.com/cmd/a"), images, {})
    assert ready is not None
    container = ready["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"][0]["value"]) == ("slipway.test/a:1", "slipway.test/not-built:1")
    assert with_images(deployment("ko://example.com/cmd/b"), images, {}) is None
    foreign = with_images(
        deployment("docker.io/envoyproxy/envoy:v1.36-latest"), {}, {"docker.io/envoyproxy/envoy": "envoy"}
    )
    assert foreign is not None
    assert foreign["spec"]["template"]["spec"]["containers"][0]["image"] == "slipway.test/envoy:1"


def test_a_change_is_laid_over_mappings_and_replaces_all_else() -> None:
    assert merged({"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}, "d": 1}


def test_a_program_is_known_by_its_pid_and_file_and_stopped(tmp_path: Path) -> None:
    instance = Cache(home=tmp_path).instance("test")
    instance.folder.mkdir(parents=True)
    start(instance, Program(name="sleep", file=Path("/bin/sleep"), words=("60",)))
    until(lambda: is_running(instance, "sleep"))
    stop(instance, "sleep")
    until(lambda: not is_running(instance, "sleep"))
    instance.pids.joinpath("other").write_text(f"{os.getpid()} /bin/sleep\n")  # the number is another program's by now
    assert not is_running(instance, "other")


def test_a_program_is_known_when_another_turned_into_it(tmp_path: Path) -> None:
    instance = Cache(home=tmp_path).instance("test")
    instance.folder.mkdir(parents=True)
    through = ("/bin/sh", "-c", 'exec "$@"', "sh")
    start(instance, Program(name="sleep", file=Path("/bin/sleep"), words=("60",), through=through))
    number = (instance.pids / "sleep").read_text().split()[0]
    until(lambda: Path("/proc", number, "cmdline").read_bytes() == b"/bin/sleep\x0060\x00")
    assert is_running(instance, "sleep")
    stop(instance, "sleep")
    until(lambda: not is_running(instance, "sleep"))


def test_every_binary_is_pinned_and_every_configuration_is_yaml() -> None:
    assert len({binary.name for binary in binaries()}) == len(list(binaries()))
    assert all(binary.version for binary in binaries())
    for file in sorted((HERE / "config").glob("*.yaml")):
        assert list(yaml.safe_load_all(file.read_text())), file.name
