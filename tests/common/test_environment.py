"""Names of previews are DNS labels, stable and unique."""

import re
from itertools import combinations

import pytest

from functions.common.domain.environment import branch_slug, preview, preview_name, production

LABEL = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
LONG_APP = "a" * 40
BRANCHES = [
    "topic", "feat/x", "feat-x", "feat_x", "FEAT-X", "production", "qa", "xn", "ß", "---", "日本", "a" * 80, "a" * 81,
    "a" * 19, "b" * 21, "b" * 22, "renovate/npm-@types/node-20.x", "1", "-x", "x-",
]  # fmt: skip


@pytest.mark.parametrize(
    ("branch", "slug"),
    [("topic", "topic"), ("feature/main", "feature-main"), ("A__b", "a-b"), ("-x-", "x"), ("日本", "branch")],
)
def test_slugs(branch: str, slug: str) -> None:
    assert branch_slug(branch) == slug


@pytest.mark.parametrize("app", ["a", "hello", LONG_APP])
@pytest.mark.parametrize("branch", BRANCHES)
def test_a_label_separates_branch_and_app(app: str, branch: str) -> None:
    environment = preview(app, branch)
    assert LABEL.match(environment.label)
    assert environment.label.split("--") == [environment.name, app]
    assert environment.label[2:4] != "--"  # reserved, as in xn--
    assert environment == preview(app, branch)
    assert not environment.is_production


@pytest.mark.parametrize("app", ["hello", LONG_APP])
def test_no_two_branches_share_a_name(app: str) -> None:
    for one, other in combinations(BRANCHES, 2):
        assert preview_name(app, one) != preview_name(app, other)


def test_a_plain_branch_keeps_its_name_and_a_longer_digest_gives_another() -> None:
    assert preview_name("hello", "topic") == "topic"
    assert re.fullmatch(r"feat-x-[0-9a-f]{6}", preview_name("hello", "feat/x"))
    assert re.fullmatch(r"topic-[0-9a-f]{12}", preview_name("hello", "topic", digest_length=12))
    assert LABEL.match(preview(LONG_APP, "x" * 90, digest_length=12).label)


def test_production_answers_at_the_apps_name() -> None:
    environment = production("hello", "main")
    assert (environment.name, environment.label, environment.is_production) == ("production", "hello", True)
