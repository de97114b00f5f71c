"""paas releases, rollback, previews and ps."""

import click

from functions.cli.client import Json, quoted
from functions.cli.context import Session, app_option, chosen_app, environment_option, json_option
from functions.cli.output import duration, local_time, print_json, print_table, short_sha


@click.command()
@app_option
@environment_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@json_option
@click.pass_obj
def releases(session: Session, app: str | None, environment: str, limit: int, *, as_json: bool) -> None:
    """List the releases of an environment, newest first."""
    path = f"/apps/{quoted(chosen_app(app))}/releases"
    found = session.client().items(path, most=limit, environment=environment)
    if as_json:
        print_json(found)
        return
    headings = ("RELEASE", "STATE", "KIND", "COMMIT", "DIGEST", "CREATED", "TOOK", "NOTE")
    print_table(
        headings, [_row(release) for release in found], empty="no releases yet: create one with `git push paas main`"
    )


@click.command()
@click.argument("number", required=False, type=click.IntRange(min=1))
@app_option
@environment_option
@json_option
@click.pass_obj
def rollback(session: Session, number: int | None, app: str | None, environment: str, *, as_json: bool) -> None:
    """Release an earlier release again, without a build; by default the last one that was live."""
    body = {"environment": environment, **({"to": number} if number else {})}
    answer = session.client().send("POST", f"/apps/{quoted(chosen_app(app))}/rollback", body)
    if as_json:
        print_json(answer)
        return
    click.echo(f"rolling back {answer['app']}/{answer['environment']} to v{answer['to']}: see `paas releases`")


@click.command()
@app_option
@json_option
@click.pass_obj
def previews(session: Session, app: str | None, *, as_json: bool) -> None:
    """List the app's environments: production and the previews of other branches."""
    found = _environments(session, app)
    if as_json:
        print_json(found)
        return
    rows = [
        (one["name"], one["state"], one["branch"], _release(one), one["url"], local_time(one["pushed_at"]))
        for one in found
    ]
    print_table(("ENVIRONMENT", "STATE", "BRANCH", "RELEASE", "URL", "PUSHED"), rows, empty="no environments")


@click.command()
@app_option
@json_option
@click.pass_obj
def ps(session: Session, app: str | None, *, as_json: bool) -> None:
    """List the processes of each environment's live release."""
    name, running = chosen_app(app), list[Json]()
    for environment in _environments(session, name):
        if environment["release"]:
            path = f"/apps/{quoted(name)}/releases"
            found = session.client().items(path, environment=environment["name"], most=200)
            running += [one for one in found if one["number"] == environment["release"]]
    rows = [
        (one["environment"], process, f"v{one['number']}", short_sha(one["sha"]))
        for one in running
        for process in one["processes"]
    ]
    if as_json:
        keys = ("environment", "process", "release", "sha")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    print_table(
        ("ENVIRONMENT", "PROCESS", "RELEASE", "COMMIT"),
        rows,
        empty="nothing runs yet: deploy with `git push paas main`",
    )


def _environments(session: Session, app: str | None) -> list[Json]:
    found: list[Json] = session.client().get(f"/apps/{quoted(chosen_app(app))}/environments")["items"]
    return found


def _release(environment: Json) -> str:
    return f"v{environment['release']}" if environment["release"] else ""


def _row(release: Json) -> tuple[str, ...]:
    note = ": ".join(text for text in (release["step"], release["reason"]) if text) or release["note"]
    return (
        f"v{release['number']}",
        release["state"],
        release["kind"],
        short_sha(release["sha"]),
        release["digest"].removeprefix("sha256:")[:12],
        local_time(release["created_at"]),
        duration(release["seconds"]),
        note,
    )
