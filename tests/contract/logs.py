"""The contract of BuildLogs and RuntimeLogs."""

from typing import Protocol

import pytest

from functions.common.errors import NotFound, Rejected
from functions.common.ports.logs import BuildLogs, RuntimeLogs


class LogsWorld(Protocol):
    """Logs, and methods that write them."""

    @property
    def builds(self) -> BuildLogs:
        """Return the build logs under test."""
        ...

    @property
    def runtime(self) -> RuntimeLogs:
        """Return the runtime logs under test."""
        ...

    def build_says(self, name: str, text: str) -> None:
        """Write to the log of a build."""
        ...

    def build_ends(self, name: str) -> None:
        """End a build."""
        ...

    def build_fails(self, name: str) -> None:
        """Fail the last step of a build."""
        ...

    def app_says(self, release: int, text: str) -> None:
        """Write to the log of hello/production's web process."""
        ...


class LogsContract:
    """Subclasses provide the fixture `world`."""

    def test_a_read_continues_where_the_previous_one_ended(self, world: LogsWorld) -> None:
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

    def test_the_log_of_a_finished_build_has_ended_at_every_later_read(self, world: LogsWorld) -> None:
        """Also at its very end."""
        world.build_says("b1", "one\n")
        world.build_ends("b1")
        end = world.builds.read("b1", 0).next_offset

        assert world.builds.read("b1", end).ended

    def test_a_failed_build_ends_with_its_last_lines(self, world: LogsWorld) -> None:
        """They contain the error."""
        world.build_says("b1", "one\n" * 10_000 + "no such package\n")
        world.build_fails("b1")

        assert "one\nno such package\n" in world.builds.tail("b1")
        assert len(world.builds.tail("b1")) <= 5000

    @pytest.mark.parametrize("name", ["b2", "../b1", ""])
    def test_a_build_without_a_log_has_no_last_lines(self, world: LogsWorld, name: str) -> None:
        """It is no error: the log may have been deleted."""
        assert world.builds.tail(name) == ""

    @pytest.mark.parametrize("name", ["b2", "../b1", ""])
    def test_a_build_without_a_log_is_not_found(self, world: LogsWorld, name: str) -> None:
        """Neither is an invalid name."""
        with pytest.raises(NotFound):
            world.builds.read(name, 0)

    def test_reads_of_an_app_continue_over_releases(self, world: LogsWorld) -> None:
        """Each line names its release and process."""
        world.app_says(9, "old\n")
        first = world.runtime.read("hello", "production", "")
        world.app_says(10, "new\n")
        second = world.runtime.read("hello", "production", first.cursor)

        assert first.text == "9-web: old\n"
        assert second.text == "10-web: new\n"
        assert world.runtime.read("hello", "production", second.cursor).text == ""

    def test_an_app_without_output_has_empty_logs(self, world: LogsWorld) -> None:
        """It is no error."""
        assert world.runtime.read("quiet", "production", "").text == ""

    @pytest.mark.parametrize("cursor", ["x", "[]", '{"9-web": "x"}'])
    def test_a_foreign_cursor_is_rejected(self, world: LogsWorld, cursor: str) -> None:
        """With the remedy."""
        with pytest.raises(Rejected, match="cursor"):
            world.runtime.read("hello", "production", cursor)
