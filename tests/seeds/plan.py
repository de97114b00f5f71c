"""The infrastructure plan, route by route and command by command."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from functions.common.settings import groups
from tests.conftest import ROOT, SHARED
from tests.local.pipeline.developer import Developer, clone_for
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.patience import patient
from tests.seeds.site import Site
from tests.seeds.table import Table, document

PLAN = "infrastructure-plan.md"
NAME, AGENT, DOMAIN = "plan", "agent", "www.plan.example.net"
SETTINGS = (
    "GITEA_URL",
    "GITEA_TOKEN",
    "GITEA_DEFAULT_ORG",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_ZONE_ID",
    "DEFAULT_DOMAIN",
    "DEPLOY_NAMESPACE",
    "DEPLOY_TLS_ISSUER",
    "CLUSTER_IP",
    "REGISTRY_URL",
)
COLUMNS = (
    "git_repo_name",
    "git_clone_ssh",
    "git_clone_http",
    "domain",
    "custom_domain",
    "deployment_image",
    "deployment_status",
    "deployment_replicas",
)
PREFIXES = ("", "/v1", "/api/v1")
WANTED = 3  # processes; neither platform has so many by itself


@dataclass(slots=True, kw_only=True)
class Plan:
    """An agent that follows the plan with the platform's token; `home` is its home folder."""

    site: Site
    home: Path
    table: Table = field(default_factory=lambda: Table(name=PLAN, text=document(SHARED / "seeds", PLAN)))

    @property
    def stage(self) -> Stage:
        """The platform."""
        return self.site.stage

    def follow(self) -> Table:
        """Follow the plan's routes, columns, settings and commands."""
        row = self.table.row
        row("POST /project - Create new project with git repo and DNS", self.create)
        row("GET /project - List all projects with status", self.list_all)
        row("GET /project/{name} - Get single project status", self.show)
        row("POST /projects/{id}/repo - Create git repo", self.make_repository)
        row("GET /projects/{id}/repo - Get repo info", self.repository)
        row("POST /projects/{id}/deploy - Deploy from image", self.deploy)
        row("GET /projects/{id}/deploy/status - Get deployment status", self.status)
        row("POST /projects/{id}/deploy/restart - Restart deployment", self.restart)
        row("POST /projects/{id}/deploy/scale - Scale replicas", self.scale)
        row("GET /projects/{id}/deploy/logs - Get logs", self.logs)
        row("POST /projects/{id}/domain - Add custom domain", self.add_domain)
        row("DELETE /projects/{id}/domain - Remove custom domain", self.remove_domain)
        row("DELETE /projects/{id}/deploy - Undeploy", self.undeploy)
        row("DELETE /projects/{id}/repo - Delete repo", self.delete_repository)
        row("DELETE /project/{name} - Delete project and all resources", self.delete)
        self.table.leave_out(
            "POST /webhook/woodpecker - Woodpecker CI webhook", "Woodpecker is no builder of Slipway yet"
        )
        row("/project create <name>", self.command_create)
        row("/project deploy <name>", self.command_deploy)
        row("/project status <name>", self.command_status)
        row("/project domain <name> <custom-domain>", self.command_domain)
        row(".claude/commands/project-list.md - /project list command", self.command_list)
        row("git_repo_name VARCHAR(255);", self.columns)
        row("New Environment Variables:", self.settings)
        return self.table

    # Routes.

    def create(self) -> str:
        """Create the project; the same route stands below each prefix."""
        made = self._call("POST", "/project", {"name": NAME})
        for number, prefix in enumerate(PREFIXES[1:]):
            self._call("POST", f"{prefix}/project", {"name": f"{NAME}-{number}"})
            self._call("DELETE", f"{prefix}/project/{NAME}-{number}")
        assert made["git_clone_http"], made
        assert made["git_clone_ssh"].startswith(("git@", "ssh://git@")), made
        return f"{made['git_clone_ssh']} {made['git_clone_http']}"

    def list_all(self) -> str:
        """List projects."""
        found = {one["name"]: one["deployment_status"] for one in self._each("GET", "/project")["items"]}
        assert found[NAME] == "none", found
        return str(found)

    def show(self) -> str:
        """Show the project, by name and by id."""
        shown = self._each("GET", f"/project/{NAME}")
        assert self._each("GET", f"/project/{shown['id']}")["name"] == NAME
        return f"{shown['name']} {shown['deployment_status']} {shown['url']}"

    def make_repository(self) -> str:
        """Ask for a repository: the project has one already."""
        return f"{self._each('POST', f'/projects/{NAME}/repo')['full_name']} exists"

    def repository(self) -> str:
        """Look at the repository."""
        found = self._each("GET", f"/projects/{NAME}/repo")
        assert found["clone_http"].endswith(f"/{NAME}.git"), found
        return f"{found['clone_ssh']} {found['clone_http']}"

    def deploy(self) -> str:
        """Deploy the newest commit without a push: the push's own webhook is left out."""
        developer = self._developer()
        sha = developer.commit()
        self.site.push_silently(developer)
        # A forge answers 500 for a branch that was pushed a moment ago: the API says 503, which means again.
        answer = until(lambda: self._unless_down("POST", f"/projects/{NAME}/deploy", {}), seconds=10, every=1)
        self.stage.live(sha, NAME)
        assert developer.answer().split()[0] == sha
        return json.dumps(answer)

    def status(self) -> str:
        """Look at the observed state."""
        found = self._each("GET", f"/projects/{NAME}/deploy/status")
        assert found["status"] == "running", found
        assert found["ready_replicas"] == found["replicas"] > 0, found
        assert found["image"], found
        return json.dumps(found)

    def restart(self) -> str:
        """Restart: another process answers, and no request is lost."""
        before = self._process()
        answer = self._call("POST", f"/projects/{NAME}/deploy/restart")

        def is_new() -> bool:
            status, _ = self.stage.get(NAME)
            assert status == httpx.codes.OK
            return self._process() != before

        until(is_new, seconds=60, why="the new process")
        return json.dumps(answer)

    def scale(self) -> str:
        """Scale to three, and wait until three are ready."""
        answer = self._call("POST", f"/projects/{NAME}/deploy/scale", {"replicas": WANTED})

        def ready() -> bool:
            found = self._call("GET", f"/projects/{NAME}/deploy/status")
            return bool(found["replicas"] == found["ready_replicas"] == WANTED)

        until(ready, seconds=60, why="three replicas")
        return json.dumps(answer)

    def logs(self) -> str:
        """Read the logs, also as a stream."""
        found = self._each("GET", f"/projects/{NAME}/deploy/logs")
        assert found["lines"], found
        url, headers = f"{self.stage.at.gateway}/projects/{NAME}/deploy/logs", {**self._headers}
        headers["Accept"] = "text/event-stream"
        with self.stage.http() as http, http.stream("GET", url, headers=headers) as stream:
            return next(line for line in stream.iter_lines() if line.startswith("data:"))

    def add_domain(self) -> str:
        """Add a domain and read what to point where."""
        answer = self._call("POST", f"/projects/{NAME}/domain", {"domain": DOMAIN})
        assert DOMAIN in answer["instructions"], answer
        return str(answer["instructions"])

    def remove_domain(self) -> str:
        """Remove it."""
        answer = self._call("DELETE", f"/projects/{NAME}/domain")
        assert self._call("GET", f"/project/{NAME}")["custom_domain"] == ""
        return json.dumps(answer)

    def undeploy(self) -> str:
        """Undeploy: nothing answers, and the project stays."""
        answer = self._call("DELETE", f"/projects/{NAME}/deploy")
        until(lambda: self.stage.get(NAME)[0] != httpx.codes.OK, seconds=60, why="the end of the deployment")
        assert self._call("GET", f"/project/{NAME}")["name"] == NAME
        return json.dumps(answer)

    def delete_repository(self) -> str:
        """Delete the repository."""
        answer = self._call("DELETE", f"/projects/{NAME}/repo")
        assert self._status("GET", f"/projects/{NAME}/repo") == httpx.codes.NOT_FOUND
        return json.dumps(answer)

    def delete(self) -> str:
        """Delete the project."""
        self._call("DELETE", f"/project/{NAME}")
        assert self._status("GET", f"/project/{NAME}") == httpx.codes.NOT_FOUND
        return "404 afterwards"

    # Commands.

    def command_create(self) -> str:
        """Create a project by the command."""
        made = self._paas("project", "create", AGENT)
        assert {"git_clone_ssh", "git_clone_http", "url"} <= set(made), made
        return f"{made['git_clone_ssh']} {made['git_clone_http']} {made['url']}"

    def command_deploy(self) -> str:
        """Deploy its newest commit by the command."""
        developer = Developer(stage=self.stage, app=AGENT, clone=self._clone(AGENT))
        sha = developer.commit()
        self.site.push_silently(developer)
        answer = self._paas("project", "deploy", AGENT)
        self.stage.live(sha, AGENT)
        return json.dumps(answer)

    def command_status(self) -> str:
        """Look at it by the command."""
        found = self._paas("project", "status", AGENT)
        assert found["deployment_status"] == "running", found
        return json.dumps(found)

    def command_domain(self) -> str:
        """Add a domain by the command."""
        return str(self._paas("project", "domain", AGENT, "www.agent.example.net")["instructions"])

    def command_list(self) -> str:
        """List projects by the command."""
        assert AGENT in [one["name"] for one in self._paas("project", "list")]
        return f"{AGENT} is listed"

    # Columns and settings.

    def columns(self) -> str:
        """Find the plan's columns of projects."""
        rows = self.stage.rows("select column_name from information_schema.columns where table_name = 'projects'")
        missing = set(COLUMNS) - {name for (name,) in rows}
        assert not missing, missing
        return f"{len(COLUMNS)} columns"

    def settings(self) -> str:
        """Find the plan's settings."""
        missing = set(SETTINGS) - {name for group in groups() for name in group.names()}
        assert not missing, missing
        return f"{len(SETTINGS)} settings"

    # How the agent works.

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stage.at.token}"}

    def _request(self, method: str, path: str, body: object = None) -> httpx.Response:
        url = self.stage.at.gateway + path
        with self.stage.http() as http:
            return http.request(method, url, json=body, headers=self._headers)

    def _status(self, method: str, path: str) -> int:
        return self._request(method, path).status_code

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self._request(method, path, body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def _unless_down(self, method: str, path: str, body: object) -> dict[str, Any]:
        """Call the API; return nothing when it is to be called again."""
        answer = self._request(method, path, body)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return {}
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def _each(self, method: str, path: str) -> dict[str, Any]:
        """Call the route below each prefix; the answers must be the same."""
        found = [self._call(method, prefix + path) for prefix in PREFIXES]
        assert all(set(one) == set(found[0]) for one in found), found
        return found[0]

    def _developer(self) -> Developer:
        return Developer(stage=self.stage, app=NAME, clone=self._clone(NAME))

    def _clone(self, app: str) -> Path:
        clone = self.stage.folder / app
        if not clone.exists():
            clone_for(self.stage, app)
        return clone

    def _process(self) -> str:
        """Return which process of the app answers."""
        return self.stage.get(NAME)[1].split()[1]

    def _paas(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        environment = {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            **self.site.environment,
            "PAAS_SERVER": self.stage.at.gateway,
            "PAAS_TOKEN": self.stage.at.token,
        }
        command = [sys.executable, "-m", "functions.cli.main", *words, "--json"]
        ran = subprocess.run(
            command, cwd=self.home, env=environment, capture_output=True, text=True, timeout=patient(60), check=False
        )
        assert ran.returncode == 0, f"paas {' '.join(words)}: {ran.stdout}{ran.stderr}"
        return json.loads(ran.stdout)
