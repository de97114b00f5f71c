"""The guide "Git Push Deploy", line by line."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from functions.common.adapters.postgres.client import Postgres
from tests.chaos.webhooks import Push
from tests.conftest import ROOT, SHARED
from tests.local.pipeline.developer import Developer, clone_for
from tests.local.pipeline.stage import Stage
from tests.local.waiting import until
from tests.patience import patient
from tests.seeds.curl import Curl
from tests.seeds.observed import Observed
from tests.seeds.site import Site
from tests.seeds.table import Table, document
from tests.webhook_sender import forge_headers

GUIDE = "git-push-deploy.md"
EMAIL, PASSWORD, APP = "you@example.com", "correct horse battery", "my-app"
PATIENCE = 8  # seconds that a person takes to type `git push` after `paas apps create`
CLUSTER_ONLY = "one machine has no Kubernetes; `task cluster:seeds` follows this line"


@dataclass(slots=True, kw_only=True)
class Guide:
    """A person who follows the guide. `home` is the person's home folder."""

    site: Site
    home: Path
    table: Table = field(default_factory=lambda: Table(name=GUIDE, text=document(SHARED / "seeds", GUIDE)))
    token: str = ""
    app: dict[str, Any] = field(default_factory=dict)
    sha: str = ""

    @property
    def stage(self) -> Stage:
        """The platform."""
        return self.site.stage

    def follow(self) -> Table:
        """Follow the guide from its first line to its last."""
        self.join()
        self.prerequisites()
        self.first_push()
        self.watching()
        self.default_branch()
        self.troubleshooting()
        self.migrations()
        return self.table

    # What an administrator does before the guide begins.

    def join(self) -> None:
        """Accept an invitation as the user of the guide."""
        headers = {"Authorization": f"Bearer {self.stage.at.token}"}
        invited = self._send("POST", "/v1/invitations", {"email": EMAIL}, headers)
        body = {"token": invited["token"], "password": PASSWORD}
        self._send("POST", "/v1/auth/invitation", body, {})
        self.site.admit(EMAIL)

    # Prerequisites.

    def prerequisites(self) -> None:
        """Add an SSH key and create the app."""
        row = self.table.row
        row("Open https://dashboard.example.com/runtime/dashboard/account", self.account_page)
        row("Click + Add SSH key in the SSH Keys section", self.account_page)
        row("curl -s -X POST https://runtime.example.com/api/v1/auth/login", self.log_in)
        row("curl -X POST https://runtime.example.com/api/v1/auth/ssh-keys", self.add_key)
        row("The response includes a SHA256:... fingerprint", lambda: self.fingerprint)
        row("2. Create the app", self.create_app)
        row("A Forgejo repo at", self.repository)
        row("A subdomain at", lambda: self.app["url"])
        row("The CLI auto-adds the paas git remote in your local clone.", self.remote)

    def account_page(self) -> str:
        """Open the page, log in on the way, and find the button."""
        path = "/runtime/dashboard/account"
        page, _ = self._page(path)
        assert "+ Add SSH key" in page.text, page.text[-500:]
        return f"{path} → login → {page.url.path}: + Add SSH key"

    def _page(self, path: str) -> tuple[httpx.Response, str]:
        """Log in to the dashboard as a browser without JavaScript does; return the page asked for, and the cookie."""
        origin = self.stage.at.gateway
        with self.stage.http() as browser:
            login = browser.get(origin + path, follow_redirects=True).url
            fields = {"email": EMAIL, "password": PASSWORD, "next": login.params["next"]}
            answer = browser.post(origin + login.path, data=fields, headers={"Origin": origin})
            assert answer.status_code == httpx.codes.SEE_OTHER, (answer.status_code, answer.text[-500:])
            # The cookie is Secure. Browsers send it to this machine over HTTP too, httpx does not.
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
            browser.cookies.clear()
            return browser.get(origin + answer.headers["Location"], headers={"Cookie": cookie}), cookie

    @property
    def curl(self) -> Curl:
        """Return curl with the guide's hosts and values replaced."""
        return Curl(
            stage=self.stage,
            replaced={
                "https://runtime.example.com": self.stage.at.gateway,
                '"password":"..."': f'"password":"{PASSWORD}"',
                "$TOKEN": self.token,
                "$(cat ~/.ssh/id_ed25519.pub)": self._public_key(),
                "<app-id>": str(self.app.get("id", "")),
            },
        )

    def log_in(self) -> str:
        """Run the guide's first command."""
        answer = self.curl(
            "curl -s -X POST https://runtime.example.com/api/v1/auth/login \\\n"
            "-H 'Content-Type: application/json' \\\n"
            """-d '{"email":"you@example.com","password":"..."}'"""
        )
        self.token = answer.json()["data"]["access_token"]
        return f"{answer.status_code} .data.access_token, until {answer.json()['data']['expires_at']}"

    def add_key(self) -> str:
        """Run the guide's second command."""
        answer = self.curl(
            "curl -X POST https://runtime.example.com/api/v1/auth/ssh-keys \\\n"
            '-H "Authorization: Bearer $TOKEN" \\\n'
            "-H 'Content-Type: application/json' \\\n"
            '-d "{\\"name\\":\\"laptop\\",\\"public_key\\":\\"$(cat ~/.ssh/id_ed25519.pub)\\"}"'
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        fingerprint = answer.json()["fingerprint"]
        assert fingerprint == self.fingerprint, answer.text
        return f"{answer.status_code} {fingerprint}"

    @property
    def fingerprint(self) -> str:
        """What ssh-keygen says of the key."""
        key = str(self.home / ".ssh" / "id_ed25519.pub")
        return self._run("ssh-keygen", "-lf", key).split()[1]

    def create_app(self) -> str:
        """Create the app in a clone, logged in by the command."""
        self._paas("login", "--email", EMAIL, "--password-stdin", text=PASSWORD + "\n")
        self.app = json.loads(self._paas("apps", "create", APP, "--json"))
        return f"paas apps create {APP}"

    def repository(self) -> str:
        """Look at the app's clone URL."""
        url: str = self.app["git_url"]
        assert url.endswith(f"/{APP}.git"), url
        return url

    def remote(self) -> str:
        """Look at the remote that the command added."""
        url = self._git("remote", "get-url", "paas").strip()
        assert url == self.app["git_url"], (url, self.app["git_url"])
        return f"paas {url}"

    # First push.

    def first_push(self) -> None:
        """Push, and see what the webhook's handler does."""
        row = self.table.row
        row("git remote add paas https://forgejo.runtime.example.com/<your-username>/my-app.git", self.add_remote)
        row("git push paas main", self.push)
        row("PaaS uses SSH-authenticated git over the Forgejo cluster service.", self.push_over_ssh)
        row("Verifies HMAC signature from Forgejo (PAAS_WEBHOOK_SECRETshared secret)", self.forged)
        row("replays return 200 fast without re-triggering a build", self.replayed)
        row("Looks up the app by", self.looked_up)
        self._on_cluster("Creates a Tekton PipelineRun that runs Paketo buildpacks", self.pipeline_run)
        row("On build success, updates the K8s", self.image)
        self._on_cluster("A K8s namespace + NetworkPolicy + Service", Observed.surroundings)
        self._on_cluster("An auto-issued TLS cert (cert-manager + Let's Encrypt)", self.certificate)
        row("Argo Rollouts picks up the change and runs the canary (10% → 25% → 50% → 100%)", self.canary)

    def add_remote(self) -> str:
        """Add the remote by hand, as in a clone that was made later."""
        self._git("remote", "remove", "paas")
        self._git("remote", "add", "paas", self.app["git_url"])
        return f"paas {self.app['git_url']}"

    def push(self) -> str:
        """Push and wait until the app is live."""
        self.sha = self.developer.commit()
        said = until(self._pushed, seconds=PATIENCE, every=0.5, why="the forge to know the user's role")
        self.stage.live(self.sha, APP)
        assert self.developer.answer().split()[0] == self.sha
        return f"live: {' '.join(line for line in said.splitlines() if 'remote:' in line)[:60]}"

    def _pushed(self) -> str:
        """Return what git prints; nothing while the forge has not heard of the app's owner yet."""
        try:
            return self._git("push", "paas", "main")
        except AssertionError as error:
            if "not found" in str(error):
                return ""
            raise

    def push_over_ssh(self) -> str:
        """Push a branch with the key that was added; a key that was not is refused."""
        url = str(self._get(f"/projects/{APP}/repo")["clone_ssh"])
        known = self.home / ".ssh" / "known_hosts"
        ssh = f"ssh -F none -o UserKnownHostsFile={known} -o StrictHostKeyChecking=accept-new -o IdentitiesOnly=yes -i "
        other = self.home / "other_key"
        self._run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other))
        own = str(self.home / ".ssh" / "id_ed25519")
        self._git("-c", f"core.sshCommand={ssh}{own}", "push", url, "HEAD:refs/heads/over-ssh")
        refused = ""
        try:
            self._git("-c", f"core.sshCommand={ssh}{other}", "push", url, "HEAD:refs/heads/refused")
        except AssertionError as error:
            refused = str(error)
        assert "Permission denied" in refused, refused
        return url

    def forged(self) -> str:
        """Send a push with a wrong signature."""
        body, headers = self._delivery()
        forged = {name: "0" * 64 if "signature" in name.lower() else value for name, value in headers.items()}
        answer = self.stage.post(self._webhooks, body, forged)
        assert answer.status_code == httpx.codes.UNAUTHORIZED, answer.text
        return f"{answer.status_code} {answer.json()['error']}"

    def replayed(self) -> str:
        """Send the delivery of the push again as it was."""
        body, headers = self._delivery()
        builds = self.stage.rows("select count(*) from builds where app = :app", app=APP)
        answer = self.stage.post(self._webhooks, body, headers)
        assert answer.status_code == httpx.codes.OK, answer.text
        assert self.stage.rows("select count(*) from builds where app = :app", app=APP) == builds
        (stored,) = self.stage.rows(
            "select provider, delivery_id from webhook_deliveries where sha = :sha limit 1", sha=self.sha
        )
        return f"{answer.status_code}; webhook_deliveries has {stored}"

    def looked_up(self) -> str:
        """Give the app's URL in three spellings; each must still be the app's repository."""
        url = self.app["git_url"].removesuffix(".git")
        for spelling in (url, f"{url}/", f"{url}.git"):
            answer = self._put_git({"url": spelling, "branch": "main"})
            assert answer.status_code == httpx.codes.OK, answer.text
        return "with .git, without, with a slash"

    def image(self) -> str:
        """See which image the live release has."""
        (release, *_) = self._get(f"/v1/apps/{APP}/releases")["items"]
        assert release["state"] == "live", release
        assert release["digest"].startswith("sha256:"), release
        if self.observed:
            return self.observed.image(release["digest"])
        return f"v{release['number']} {release['digest'][:19]}"

    @property
    def observed(self) -> Observed | None:
        """What Kubernetes has of the app; None on one machine."""
        return Observed(kubectl=self.site.kubectl, app=APP) if self.site.kubectl else None

    def _on_cluster(self, line: str, check: Callable[[Observed], object]) -> None:
        """Follow a line that only a cluster has."""
        observed = self.observed
        if observed:
            self.table.row(line, lambda: check(observed))
        else:
            self.table.leave_out(line, CLUSTER_ONLY)

    def pipeline_run(self, observed: Observed) -> str:
        """Look at the run that built the live release."""
        (release, *_) = self._get(f"/v1/apps/{APP}/releases")["items"]
        return observed.pipeline_run(self.sha, release["digest"])

    def certificate(self, observed: Observed) -> str:
        """Look at the certificate of the app's host."""
        return observed.certificate(str(self.app["url"]))

    def watched_runs(self, observed: Observed) -> str:
        """Watch the runs while a branch is pushed."""

        def push() -> str:
            sha = self.developer.commit({"watched.txt": "watched"})
            self._git("push", "paas", "HEAD:refs/heads/watched")
            return sha

        return observed.watched_runs(push)

    def canary(self) -> str:
        """Push a second version and see the shares that its events report."""
        self.sha = self.developer.commit({"second.txt": "second"})
        self._git("push", "paas", "main")
        self.stage.live(self.sha, APP)
        steps = self.stage.ended(self.sha, APP)["steps"]
        weights = (int(step["details"].get("weight", 0)) for step in steps)
        shares = list(dict.fromkeys(weight for weight in weights if weight))
        assert shares == sorted(shares), shares
        assert set(shares) <= {10, 25, 50, 100}, shares
        assert {10, 25, 50} <= set(shares), shares
        return " → ".join(f"{share}%" for share in shares)

    # Watching.

    def watching(self) -> None:
        """Watch a deploy."""
        self.table.row("paas logs --tail", self.logs)
        self._on_cluster("kubectl get pipelinerun -n paas-system -w", self.watched_runs)
        self.table.row("curl -i https://my-app.runtime.example.com/", self.live)

    def logs(self) -> str:
        """Follow the logs for a moment: build and processes in one stream."""
        command = [sys.executable, "-m", "functions.cli.main", "logs", "--tail"]
        with subprocess.Popen(
            command, cwd=self.developer.clone, env=self._environment(), stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            lines = [process.stdout.readline() for _ in range(3)]
            process.terminate()
        assert all(lines), lines
        return lines[0]

    def live(self) -> str:
        """Ask the app."""
        status, text = self.stage.get(APP)
        assert (status, text.split()[0]) == (200, self.sha)
        return f"HTTPS {status}"

    # The default branch.

    def default_branch(self) -> None:
        """Deploy from another branch."""
        row = self.table.row
        row("Via the dashboard: Settings → Git Source → Default branch → save.", self.settings_page)
        row("curl -X PUT https://runtime.example.com/v1/apps/<app-id>/git", self.set_branch)
        row("Pushes to other branches still create preview environments", self.preview)

    def settings_page(self) -> str:
        """Change the branch in the form, and back."""
        path = f"/dashboard/apps/{APP}/settings"
        page, cookie = self._page(path)
        assert "Git Source" in page.text
        assert "Default branch" in page.text
        ((csrf, *_),) = {tuple(re.findall(r'name="csrf" value="([0-9a-f]+)"', page.text))[:1]}
        for branch in ("release", "main"):
            fields = {"csrf": csrf, "url": self.app["git_url"], "branch": branch}
            headers = {"Cookie": cookie, "Origin": self.stage.at.gateway}
            url = f"{self.stage.at.gateway}{path}/git"
            with self.stage.http() as browser:
                saved = browser.post(url, data=fields, headers=headers)
            assert saved.status_code == httpx.codes.SEE_OTHER, saved.text[-500:]
            assert self._get(f"/v1/apps/{APP}")["branch"] == branch
        return f"{path}: saved"

    def set_branch(self) -> str:
        """Run the guide's command."""
        answer = self._put_git({"url": self.app["git_url"], "branch": "production"})
        assert answer.json()["branch"] == "production", answer.text
        sha = self.developer.commit({"third.txt": "third"})
        self._git("push", "--force", "paas", "HEAD:refs/heads/production")
        self.stage.live(sha, APP)
        assert self.developer.answer().split()[0] == sha
        self.sha = sha
        return f"{answer.status_code}; a push of production is live"

    def preview(self) -> str:
        """Push another branch: a preview is live, production stays."""
        sha = self.developer.commit({"fourth.txt": "fourth"})
        self._git("push", "paas", "HEAD:refs/heads/topic")
        found = self.stage.live(sha, APP)
        assert found["environment"] != "production"
        assert self.developer.answer().split()[0] == self.sha
        return f"{found['environment']} is live, production stays"

    # Troubleshooting.

    def troubleshooting(self) -> None:
        """See the guide's failures."""
        row = self.table.row
        row('"no app matches repo"', self.no_app)
        row("verify with paas apps:show my-app", lambda: self._paas("apps:show", APP))
        row('"webhook signature mismatch"', self.forged)
        row("missing Procfile, language not auto-detected", self.failed_build)

    def no_app(self) -> str:
        """Send a signed push of a repository that no app has."""
        url = f"{self.stage.at.git or 'https://forge.example.com'}/slipway/none.git"
        push = Push(app="none", clone_url=url, before="0" * 40, after="9" * 40, branch="main")
        body = push.payload()
        headers = self._signed(body, str(uuid.uuid4()), self.stage.at.webhook_secret)
        answer = self.stage.post(self._webhooks, body, headers)
        assert answer.is_success, answer.text

        def ignored() -> list[list[Any]]:
            return self.stage.rows("select code, reason from pushes where sha = :sha", sha="9" * 40)

        ((code, reason),) = until(ignored, seconds=30, why="the ignored push")
        return f"{code}: {reason}"

    def failed_build(self) -> str:
        """Push a commit without a Procfile."""
        clone = self.developer.clone
        for file in clone.iterdir():
            if file.is_file():
                file.unlink()
        (clone / "README").write_text("nothing to build\n")
        sha = self.developer.commit_tree()
        self._git("push", "--force", "paas", "HEAD:refs/heads/production")
        found = self.stage.ended(sha, APP)
        assert (found["state"], found["step"]) == ("failed", self.site.detect_step), found
        assert self.developer.answer().split()[0] == self.sha
        return str(found["reason"])

    # Migration drift.

    def migrations(self) -> None:
        """Edit an applied migration, in a database of its own."""
        self.table.row("NEVER edit an applied migration", self.drift)

    def drift(self) -> str:
        """See that the platform refuses a database whose migration differs from the file."""
        name = f"drift_{uuid.uuid4().hex[:8]}"
        server = Postgres(self.stage.at.database)
        server.run(f"create database {name}")
        server.close()
        url = _database(self.stage.at.database, name)
        self._paas("migrate", "--database", url)
        other = Postgres(url)
        other.run("update schema_migrations set sha384 = 'f493f7d8' where name like '0002%'")
        other.close()
        ran = self._ran("migrate", "--database", url)
        assert ran.returncode, ran.stdout
        assert "sha384" in ran.stderr, ran.stderr
        return ran.stderr

    # How the person works.

    @property
    def developer(self) -> Developer:
        """The clone of the app."""
        clone = self.stage.folder / APP
        return Developer(stage=self.stage, app=APP, clone=clone) if clone.exists() else clone_for(self.stage, APP)

    def _git(self, *words: str) -> str:
        """Run git in the clone; it asks `paas` for the person's token."""
        return self._run("git", *words, folder=self.developer.clone)

    def _public_key(self) -> str:
        file = self.home / ".ssh" / "id_ed25519"
        if not file.exists():
            file.parent.mkdir(mode=0o700)
            self._run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "laptop", "-f", str(file))
        return file.with_suffix(".pub").read_text().strip()

    @property
    def _webhooks(self) -> str:
        return f"{self.stage.at.gateway}/v1/webhooks/{self.site.provider}"

    def _delivery(self) -> tuple[bytes, dict[str, str]]:
        """Return the newest push as the forge sent it."""
        ((delivery, body),) = self.stage.rows(
            "select delivery_id, body from webhook_deliveries where sha = :sha and provider = :forge limit 1",
            sha=self.sha,
            forge=self.site.provider,
        )
        ((secret,),) = self.stage.rows("select secret from webhook_secrets where app = :app", app=APP)
        return body, self._signed(body, delivery, self.stage.opened(secret))

    def _signed(self, body: bytes, delivery: str, secret: str) -> dict[str, str]:
        return dict(forge_headers(self.site.provider, "push", delivery, body, secret))

    def _put_git(self, body: dict[str, str]) -> httpx.Response:
        return self.curl(
            "curl -X PUT https://runtime.example.com/v1/apps/<app-id>/git "
            '-H "Authorization: Bearer $TOKEN" '
            f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
        )

    def _get(self, path: str) -> dict[str, Any]:
        return self._send("GET", path, None, {"Authorization": f"Bearer {self.token}"})

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> dict[str, Any]:
        url = self.stage.at.gateway + path
        with self.stage.http() as http:
            answer = http.request(method, url, json=body, headers=headers)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "GIT_TERMINAL_PROMPT": "0",
            **self.site.environment,
        }

    def _ran(self, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "functions.cli.main", *words]
        folder = self.developer.clone
        run = partial(subprocess.run, capture_output=True, text=True, timeout=patient(60), check=False)
        return run(command, cwd=folder, env=self._environment(), input=text)

    def _paas(self, *words: str, text: str = "") -> str:
        ran = self._ran(*words, text=text)
        assert ran.returncode == 0, f"paas {' '.join(words)}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def _run(self, *command: str, folder: Path | None = None) -> str:
        ran = subprocess.run(
            command,
            cwd=folder or self.home,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=patient(60),
            check=False,
        )
        assert ran.returncode == 0, f"{' '.join(command)}: {ran.stdout}{ran.stderr}"
        return ran.stdout + ran.stderr


def _database(url: str, name: str) -> str:
    head, _, rest = url.rpartition("/")
    query = rest.partition("?")[2]
    return f"{head}/{name}{f'?{query}' if query else ''}"
