"""What every BuildLogs and RuntimeLogs keeps to."""

from typing import Protocol

import pytest

from functions.common.errors import NotFound, Rejected
from functions.common.ports.logs import BuildLogs, RuntimeLogs


class LogsWorld(Protocol):
    """Logs, and those who write them."""

    @property
    def builds(self) -> BuildLogs:
        """Return the build logs under test."""
        ...

    @property
    def runtime(self) -> RuntimeLogs:
        """Return the runtime logs under test."""
        ...

    def build_says(self, name: str, text: str) -> None:
        """Let a build write."""
        ...

    def build_ends(self, name: str) -> None:
        """Let a build end."""
        ...

    def build_fails(self, name: str) -> None:
        """Let the step of a build that wrote last fail."""
        ...

    def app_says(self, release: int, text: str) -> None:
        """Let the web process of hello/production write."""
        ...


class LogsContract:
    """To be subclassed with a fixture `world`."""

    def test_a_build_is_read_on_from_where_the_last_reading_ended(self, world: LogsWorld) -> None:
        """Whole lines, each once, and an end."""
        world.build_says("b1", "one\ntw")
        first = world.builds.read("b1", 0)
        world.build_says("b1", "o\n")
        second = world.builds.read("b1", first.next_offset)
        world.build_ends("b1")
        third = world.builds.read("b1", second.next_offset)

        assert (first.text, first.ended) == ("one\n", False)
        assert (second.text, second.ended) == ("two\n", False)
        assert third.ended
        assert world.builds.read("b1", 0).text == first.text + second.text + third.text

    def test_a_finished_build_has_ended_however_late_it_is_asked_for(self, world: LogsWorld) -> None:
        """Also at its very end."""
        world.build_says("b1", "one\n")
        world.build_ends("b1")
        end = world.builds.read("b1", 0).next_offset

        assert world.builds.read("b1", end).ended

    def test_a_failed_build_ends_with_its_last_lines(self, world: LogsWorld) -> None:
        """Those that say why."""
        world.build_says("b1", "one\n" * 10_000 + "no such package\n")
        world.build_fails("b1")

        assert "one\nno such package\n" in world.builds.tail("b1")
        assert len(world.builds.tail("b1")) <= 5000

    @pytest.mark.parametrize("name", ["b2", "../b1", ""])
    def test_a_build_without_a_log_has_no_last_lines(self, world: LogsWorld, name: str) -> None:
        """It is no error: the log may be gone."""
        assert world.builds.tail(name) == ""

    @pytest.mark.parametrize("name", ["b2", "../b1", ""])
    def test_a_build_without_a_log_is_not_found(self, world: LogsWorld, name: str) -> None:
        """Nor is a name that is none."""
        with pytest.raises(NotFound):
            world.builds.read(name, 0)

    def test_an_app_is_read_on_over_releases(self, world: LogsWorld) -> None:
        """Each line says where it comes from."""
        world.app_says(9, "old\n")
        first = world.runtime.read("hello", "production", "")
        world.app_says(10, "new\n")
        second = world.runtime.read("hello", "production", first.cursor)

        assert first.text == "9-web: old\n"
        assert second.text == "10-web: new\n"
        assert world.runtime.read("hello", "production", second.cursor).text == ""

    def test_an_app_that_said_nothing_is_empty(self, world: LogsWorld) -> None:
        """It is no error."""
        assert world.runtime.read("quiet", "production", "").text == ""

    @pytest.mark.parametrize("cursor", ["x", "[]", '{"9-web": "x"}'])
    def test_a_foreign_cursor_is_rejected(self, world: LogsWorld, cursor: str) -> None:
        """With what to do."""
        with pytest.raises(Rejected, match="cursor"):
            world.runtime.read("hello", "production", cursor)
