"""The check for known vulnerabilities, with uv itself, a package of this test, and a service on this machine."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.advisories import BROKEN, CLEAN, LOCKS, VULNERABLE, Advisories, ignored_advisories, pins
from tests.conftest import ROOT
from tests.fakes.loopback import Call, Reply, served

NAME, VERSION, FIXED, ID, ALIAS = "slipway-example", "1.0", "1.2", "GHSA-aaaa-bbbb-cccc", "CVE-2026-0001"
_ADVISORY = {
    "id": ID,
    "aliases": [ALIAS],
    "summary": "it does what it must not",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": NAME, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": FIXED}]}],
            "versions": [VERSION],
        }
    ],
}


@dataclass(slots=True)
class Osv:
    """Answers as OSV does; `known` are the packages with the advisory, `status` that of every answer."""

    known: set[str] = field(default_factory=set)
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def answer(self, call: Call) -> Reply:
        """Answer a batch of queries, or with the advisory."""
        if call.method == "GET":
            return Reply(status=self.status, body=_ADVISORY)
        names = [query["package"]["name"] for query in call.body["queries"]]
        self.asked += names
        seen = {"vulns": [{"id": ID, "modified": _ADVISORY["modified"]}]}
        found = [seen if one in self.known else {} for one in names]
        return Reply(status=self.status, body={"results": found})


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Return a folder with the package: the check needs no index."""
    module, metadata = NAME.replace("-", "_"), f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n"
    info = f"{module}-{VERSION}.dist-info"
    with zipfile.ZipFile(tmp_path / f"{module}-{VERSION}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return tmp_path


@pytest.fixture
def osv() -> Osv:
    return Osv()


@pytest.fixture
def url(osv: Osv) -> Iterator[str]:
    with served(osv) as found:
        yield f"{found}/"


def check(url: str, wheels: Path, **ignored: str) -> tuple[int, str]:
    options = ("--no-index", "--find-links", str(wheels), "--no-cache")
    known = {one.replace("_", "-"): reason for one, reason in ignored.items()}
    return Advisories(service=url, ignored=known, options=options).check([f"{NAME}=={VERSION}"])


def test_a_known_vulnerability_fails_with_its_id_and_the_version_that_mends_it(
    osv: Osv, url: str, wheels: Path
) -> None:
    osv.known.add(NAME)

    code, said = check(url, wheels)

    assert code == VULNERABLE
    for shown in (NAME, VERSION, ID, FIXED):
        assert shown in said
    assert osv.asked == [NAME]


@pytest.mark.parametrize("one", [ID, ALIAS])
def test_an_ignored_one_passes_by_its_id_and_by_its_alias(osv: Osv, url: str, wheels: Path, one: str) -> None:
    osv.known.add(NAME)

    assert check(url, wheels, **{one.replace("-", "_"): "it is in a part that is not used"})[0] == CLEAN
    assert check(url, wheels, CVE_2020_1="another one")[0] == VULNERABLE


def test_without_a_known_one_it_passes(osv: Osv, url: str, wheels: Path) -> None:
    assert check(url, wheels)[0] == CLEAN
    assert osv.asked == [NAME]


def test_without_a_network_it_says_so_and_passes(wheels: Path) -> None:
    code, said = check("http://127.0.0.1:1/", wheels)

    assert (code, said) == (CLEAN, "not checked for known vulnerabilities: no network to http://127.0.0.1:1/")


@pytest.mark.parametrize(("status", "wanted"), [(503, CLEAN), (400, BROKEN), (404, BROKEN)])
def test_only_a_service_that_is_down_is_passed_over(osv: Osv, url: str, wheels: Path, status: int, wanted: int) -> None:
    osv.status = status

    code, said = check(url, wheels)

    assert code == wanted, said
    assert ("not checked" in said) == (wanted == CLEAN)


def test_the_locks_can_be_read_whole_and_nothing_else_is() -> None:
    names = {one.partition("==")[0] for lock in LOCKS for one in pins((ROOT / lock).read_text())}
    assert {"uv", "pydantic", "flask", "cryptography"} < names
    assert pins("a==1 \\\n    --hash=x\nb==2 ; os_name == 'nt' \\\n    --hash=y\n# c==3\n") == [
        "a==1",
        "b==2 ; os_name == 'nt'",
    ]
    for odd in ("a>=1\n", "a @ https://example.org/a.whl\n", "-e .\n"):
        with pytest.raises(ValueError, match="NAME==VERSION"):
            pins(odd)


def test_each_ignored_advisory_has_a_reason() -> None:
    assert ignored_advisories('[tool.slipway.advisories]\n"CVE-1" = "not used"\n') == {"CVE-1": "not used"}
    with pytest.raises(ValueError, match="CVE-1"):
        ignored_advisories('[tool.slipway.advisories]\n"CVE-1" = " "\n')
    assert all(ignored_advisories((ROOT / "pyproject.toml").read_text()).values())
