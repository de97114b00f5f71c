"""Writes the tables of settings in docs/operate.md from the groups of functions/common/settings.py; `--check` compares.

Which functions read a group is found by composing them all as on a cluster, where nothing answers.
"""

import os
import sys
from collections.abc import Iterator
from importlib import import_module

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from functions.common.platform.core import core
from functions.common.settings import Group, groups
from tests.conftest import ROOT
from tests.manifests import function_manifests

PAGE = ROOT / "docs" / "operate.md"
BEGIN, END = "<!-- settings: written by `task settings` -->\n", "<!-- /settings -->\n"
_CLUSTER = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "DEFAULT_DOMAIN": "apps.example.org",
    "SLIPWAY_GATEWAY_URL": "http://127.0.0.1:1",
    "GITEA_URL": "http://127.0.0.1:1",
    "GITEA_TOKEN": "none",
    "GITEA_DEFAULT_ORG": "none",
    "REGISTRY_URL": "http://127.0.0.1:1",
    "DEPLOY_TLS_ISSUER": "none",
    "SLIPWAY_DNS": "none",
}


def readers() -> dict[type[Group], list[str]]:
    """Return the functions that read each group when they are composed."""
    os.environ.update(_CLUSTER)  # noqa: TID251 - as a pod has them
    found: dict[type[Group], list[str]] = {group: [] for group in groups()}
    names = sorted(manifest.name for manifest in function_manifests())
    for name in names:
        core.cache_clear()
        import_module(f"functions.{name.replace('-', '_')}.app").create()
        for value in vars(core().settings).values():
            if isinstance(value, Group):
                found[type(value)].append(name)
    return {group: ["every function"] if used == names else used for group, used in found.items()}


def secrets_read() -> dict[str, list[str]]:
    """Return the secrets in the groups that each function reads, but for those that Slipway sets itself."""
    found: dict[str, list[str]] = {manifest.name: [] for manifest in function_manifests()}
    for group, names in readers().items():
        secrets = [
            field.alias for field in group.model_fields.values() if field.annotation is SecretStr and field.alias
        ]
        for name in names if not group.from_platform else ():
            found[name] += secrets
    return found


def tables() -> str:
    """Return the tables, those that Slipway sets itself at the end."""
    used = readers()
    own = [group for group in groups() if group.from_platform]
    parts = [_table(group, used[group]) for group in groups() if group not in own]
    return "\n".join([*parts, "### Set by Slipway itself\n", *(_table(group, used[group]) for group in own)])


def _table(group: type[Group], used: list[str]) -> str:
    title, _, rest = (group.__doc__ or "").partition("\n")[0].partition(".")
    remarks = [f"**{title}.**{rest}", *([f"Read by {', '.join(used)}."] if used else [])]
    if group.from_user:
        remarks.append("On one machine: from the environment of `task up`.")
    return "\n".join([" ".join(remarks), "", "| setting | default | meaning |", "|---|---|---|", *_rows(group), ""])


def _rows(group: type[Group]) -> Iterator[str]:
    for field in group.model_fields.values():
        secret = "**secret**; " if field.annotation is SecretStr else ""
        yield f"| `{field.alias}` | {_default(field)} | {secret}{field.description} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    local = field.json_schema_extra["local"] if isinstance(field.json_schema_extra, dict) else ""
    both = [_text(field.default), f"{_text(local)} on one machine" if local else ""]
    return ", ".join(filter(None, both))


def _text(default: object) -> str:
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`"
    return "" if not default or isinstance(default, SecretStr) else f"`{default}`"


def written(page: str) -> str:
    """Return the page with the tables as they should be."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + tables() + "\n" + END + after


def main() -> int:
    """Write, or with --check compare and return 1 on drift."""
    page = PAGE.read_text()
    wanted = written(page)
    if "--check" not in sys.argv:
        PAGE.write_text(wanted)
        return 0
    if page == wanted:
        return 0
    print("the settings in docs/operate.md are not those of the code: run `task settings`")  # noqa: T201 - a command
    return 1


if __name__ == "__main__":
    sys.exit(main())
