"""Path filters by table."""

import pytest

from functions.resolve_app.decide import touches


@pytest.mark.parametrize(
    ("glob", "path", "touched"),
    [
        ("web/**", "web/a/b.py", True),
        ("web/**", "web", False),
        ("web/**", "website/a", False),
        ("web/*", "web/a", True),
        ("web/*", "web/a/b", False),
        ("web/", "web/a/b", True),
        ("web", "web/a/b", True),
        ("web", "web", True),
        ("web", "website", False),
        ("./web/**", "web/a", True),
        ("/web/**", "web/a", True),
        ("**/*.py", "a.py", True),
        ("**/*.py", "x/y/a.py", True),
        ("*.py", "x/a.py", False),
        ("**", "x/a.py", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("a/**/z", "a/bz", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("pages/[id].tsx", "pages/[id].tsx", True),
        ("pages/[id].tsx", "pages/i.tsx", False),
        ("a.c", "abc", False),
        ("dir with space/*", "dir with space/é", True),
    ],
)
def test_globs(glob: str, path: str, touched: bool) -> None:  # noqa: FBT001 - a table's column
    assert touches([glob], [path]) is touched


def test_one_of_the_globs_and_one_of_the_paths_is_enough() -> None:
    assert touches(["a", "b"], ["c", "b"])
    assert not touches(["a"], [])
