"""paas releases, rollback, previews and ps."""

from collections.abc import Iterable

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
@click.option("--config", "keys", multiple=True, metavar="KEY", help="Set KEY to its value of that release again.")
@json_option
@click.pass_obj
def rollback(
    session: Session, number: int | None, app: str | None, environment: str, keys: tuple[str, ...], *, as_json: bool
) -> None:
    """Release the image of an earlier release again, with the config of now; by default the last one that was live."""
    body = {"environment": environment, "config": keys, **({"to": number} if number else {})}
    answer = session.client().send("POST", f"/apps/{quoted(chosen_app(app))}/rollback", body)
    if as_json:
        print_json(answer)
        return
    where = f"{answer['app']}/{answer['environment']}"
    click.echo(f"rolling back {where} to v{answer['to']}, with the config of now: see `paas releases`")
    if answer["differs"]:
        had = f"v{answer['to']} had other values of {', '.join(answer['differs'])}"
        click.echo(f"{had}: `paas rollback {answer['to']} --config KEY` sets KEY to its value of then", err=True)


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
    """Show what runs: the processes of each environment, how many are wanted, and how many are ready.

    Types beside web are not started until they are scaled.
    """
    name, client, running = chosen_app(app), session.client(), list[Json]()
    for environment in _environments(session, name):
        if environment["state"] == "open":
            found = client.get(f"/apps/{quoted(name)}/deploy/status", environment=environment["name"])
            shared = {key: found[key] for key in ("environment", "release", "status")}
            running += [
                {
                    **shared,
                    "process": one["name"],
                    "replicas": one["replicas"],
                    "ready": one["ready_replicas"],
                    "start": one["start"],
                }
                for one in found["processes"]
            ]
    if as_json:
        print_json(running)
        return
    print_table(
        ("ENVIRONMENT", "PROCESS", "RELEASE", "READY", "STATUS"),
        map(_process_row, running),
        empty="nothing runs yet: deploy with `git push paas main`, or `paas deploy`",
    )
    for line in not_started(running):
        click.echo(line)


def _process_row(one: Json) -> tuple[str, ...]:
    status = "not started" if one["start"] else one["status"]
    return (one["environment"], one["process"], f"v{one['release']}", f"{one['ready']}/{one['replicas']}", status)


def not_started(processes: Iterable[Json]) -> list[str]:
    """Return a line for each process type that runs only when it is scaled."""
    return [f"{one.get('process') or one['name']} is not started: {one['start']}" for one in processes if one["start"]]


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
