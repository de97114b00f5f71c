"""What app.json declares: Heroku's forms are read, what cannot be honoured is refused by name."""

from typing import Any

import pytest

from functions.common.domain.declared import Declared, Variable, declared, unread
from functions.common.errors import Rejected


def test_variables_and_processes_are_read_in_each_of_their_forms() -> None:
    found = declared(
        {
            "name": "Shop",
            "env": {
                "PLAIN": "text",
                "NUMBER": {"value": 5},
                "FLAG": {"value": True},
                "KEY": {"generator": "secret", "description": "signs cookies"},
                "TOKEN": {"description": "of the bank"},
                "OPTIONAL": {"required": False},
                "EMPTY": {"value": ""},
                "PORT": "8080",
                "SLIPWAY_APP": "x",
            },
            "formation": {"web": {"quantity": 2, "size": "basic"}, "worker": {"quantity": 0}, "clock": {"size": "eco"}},
        }
    )

    values = {name: one.value for name, one in found.env.items() if one.value}
    assert values == {"PLAIN": "text", "NUMBER": "5", "FLAG": "true"}
    assert {name for name, one in found.env.items() if one.is_open} == {"TOKEN"}
    assert found.env["KEY"] == Variable(generator="secret", description="signs cookies")
    assert "PORT" not in found.env
    assert "SLIPWAY_APP" not in found.env
    assert found.formation == {"web": 2, "worker": 0}
    assert declared(found.as_json()) == found


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ({"env": {"a b": "x"}}, "'a b'"),
        ({"env": {"": "x"}}, "env ''"),
        ({"env": {"KEY": "x" * 20_000}}, "env KEY"),
        ({"env": {"KEY": "a\0b"}}, "env KEY"),
        ({"env": {"KEY": {"generator": "uuid"}}}, "'uuid'"),
        ({"env": {f"K{number}": "" for number in range(300)}}, "300 variables"),
        ({"formation": {"web": {"quantity": -1}}}, "quantity of web"),
        ({"formation": {"web": {"quantity": 10**9}}}, "quantity of web"),
        ({"formation": {"worker": {"quantity": "two"}}}, "quantity of worker"),
        ({"formation": {"worker": {"quantity": True}}}, "quantity of worker"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(found: dict[str, Any], named: str) -> None:
    with pytest.raises(Rejected, match=named):
        declared(found)


def test_what_heroku_would_act_on_and_nothing_here_does_is_said() -> None:
    found = {"scripts": {"postdeploy": "./seed", "test": "x"}, "addons": ["postgres"], "buildpacks": [], "name": "x"}
    lines = unread(found)

    assert [line.split(" is not read: ")[0] for line in lines] == ["app.json: scripts.postdeploy", "app.json: addons"]
    assert unread({"scripts": "x", "addons": None}) == ()


@pytest.mark.parametrize("found", [{}, {"env": []}, {"env": None, "formation": "x"}, {"formation": {"web": None}}])
def test_what_heroku_does_not_read_is_ignored(found: dict[str, Any]) -> None:
    assert declared(found) == Declared()
    assert declared(found).as_json() == {}
