"""Names of builds are DNS labels."""

import re

import pytest

from functions.common.domain.build import attempt_name, build_name

LABEL = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
SHA = "0123456789ab" + "c" * 28


@pytest.mark.parametrize("app", ["a", "hello", "a" * 40])
def test_every_attempt_has_a_different_label(app: str) -> None:
    first = build_name(app, "production", SHA)
    names = [attempt_name(first, attempt) for attempt in range(1, 120)]
    assert names[0] == first
    assert names[1].endswith("-r2")
    assert len(set(names)) == len(names)
    assert all(LABEL.match(name) for name in names)
    assert all(first.rpartition("-")[2] in name for name in names)


def test_a_short_name_is_kept_whole() -> None:
    first = build_name("hello", "production", SHA)
    assert attempt_name(first, 3) == f"{first}-r3"
    assert first != build_name("hello", "topic", SHA)
    assert (
        len({first, build_name("hello", "production", SHA, "web"), build_name("hello", "production", SHA, "api")}) == 3
    )
