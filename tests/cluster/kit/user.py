"""A user with a clone and a terminal that resolves the cluster's names: git, paas, and requests to apps."""

import json
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from functions.local.demo.traffic import AppClient
from tests.cluster.kit.acme import authority_file
from tests.cluster.kit.cache import Instance
from tests.cluster.kit.control_plane import CLUSTER
from tests.cluster.kit.gitea import ACCOUNT, RESOLVING, settings_file
from tests.cluster.kit.install import Installed
from tests.cluster.kit.overlay import DOMAIN, HOST
from tests.conftest import ROOT
from tests.patience import patient

EXAMPLE = ROOT / "docs" / "examples" / "hello"
LOGIN = "!f() { echo username=$FORGE_USER; echo password=$FORGE_TOKEN; }; f"
AUTHOR = ("-c", "user.name=Dev", "-c", "user.email=dev@example.com")
HTTPS = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user of `app` with a clone of it."""

    instance: Instance
    installed: Installed
    app: str
    clone: Path

    def paas(self, *words: str, code: int = 0, text: str = "") -> str:
        """Run paas with a text piped into it and return what it printed. Fails unless it exits with `code`."""
        return self._run(sys.executable, "-m", "functions.cli.main", *words, code=code, text=text)

    def paas_json(self, *words: str) -> Any:  # noqa: ANN401 - as the command has it
        """Run paas with --json and return the document."""
        return json.loads(self._run(sys.executable, "-m", "functions.cli.main", *words, "--json", error=False))

    def git(self, *words: str) -> str:
        """Run git and return what it printed."""
        return self._run("git", *AUTHOR, "-c", f"credential.helper={LOGIN}", *words).strip()

    def begin(self, *options: str) -> None:
        """Create the repository and the app."""
        self.git("init", "--quiet", "--initial-branch=main", ".")
        self.paas("apps", "create", self.app, *options)

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        """Commit the example with these files over it, and nothing else; return the sha."""
        for entry in self.clone.iterdir():
            if entry.name != ".git":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        shutil.copytree(EXAMPLE, self.clone, dirs_exist_ok=True)
        for name, text in (files or {}).items():
            (self.clone / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def push(self, refspec: str = "HEAD:refs/heads/main") -> float:
        """Push and return when that was done, in UNIX seconds."""
        self.git("push", "--quiet", "--force", "paas", refspec)
        return time.time()

    def deploy(self, files: Mapping[str, str] | None = None, *, seconds: float = 240) -> str:
        """Commit, push, and return the sha when it is live."""
        sha = self.commit(files)
        self.push()
        self.ended(sha, "live", seconds=seconds)
        return sha

    def ended(self, sha: str, state: str, *, seconds: float = 240) -> dict[str, Any]:
        """Return the push once it has ended. Fails unless it ended in this state."""
        until, seen = time.monotonic() + patient(seconds), dict[str, Any]()
        while time.monotonic() < until:
            found = self.api("GET", f"/pushes/{sha}")
            seen = found["pushes"][0]["apps"][0] if found.get("pushes") and found["pushes"][0]["apps"] else found
            if seen.get("final"):
                assert seen["state"] == state, (seen["state"], seen["step"], seen["reason"])
                return seen
            time.sleep(0.3)
        msg = f"push {sha[:12]} is not {state} after {seconds:.0f} s: {json.dumps(seen, indent=1)[-3000:]}"
        raise AssertionError(msg)

    def api(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Call the API through the gateway and return the answer, empty when there is none yet."""
        trusted = ssl.create_default_context(cafile=str(authority_file(self.instance)))
        with httpx.Client(verify=trusted, timeout=patient(20), trust_env=False) as http:
            answer = http.request(
                method,
                f"https://{CLUSTER.address}/v1{path}",
                json=body,
                headers={"Host": HOST, "Authorization": f"Bearer {self.installed.token}"},
                extensions={"sni_hostname": HOST},
            )
        found: dict[str, Any] = answer.json() if answer.is_success and answer.content else {}
        return found

    def client(self, label: str = "") -> AppClient:
        """Return a client of the app's production, or of the host with this label."""
        host = f"{label or self.app}.{DOMAIN}"
        return AppClient(host=host, port=HTTPS, ca=authority_file(self.instance), address=CLUSTER.address)

    def get(self, label: str = "") -> tuple[int, str]:
        """Return status and text of one request."""
        client = self.client(label)
        try:
            return client.get("/")
        finally:
            client.close()

    def _run(self, *command: str, code: int = 0, error: bool = True, text: str = "") -> str:
        resolver = str(self.instance.folder / "resolv.conf")
        forge = dict(line.split("=", 1) for line in settings_file(self.instance).read_text().splitlines())
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.clone),
            "PYTHONPATH": str(ROOT),
            "PAAS_SERVER": self.installed.url,
            "PAAS_TOKEN": self.installed.token,
            "SSL_CERT_FILE": str(authority_file(self.instance)),
            "GIT_TERMINAL_PROMPT": "0",
            "FORGE_USER": ACCOUNT,
            "FORGE_TOKEN": forge["GITEA_TOKEN"],
        }
        words = ["unshare", "--mount", "/bin/sh", "-c", RESOLVING, resolver, *command]
        ran = subprocess.run(
            words,
            cwd=self.clone,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=patient(120),
            check=False,
        )
        assert ran.returncode == code, f"{' '.join(command)}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        return ran.stdout + (ran.stderr if error else "")
