"""A running platform and the system's Chromium. Without Chromium the tests are skipped; `task browser` installs it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from functions.local.tools import make_tools
from tests.browser.visitor import EMAIL, PASSWORD
from tests.local.pipeline.developer import Developer, clone_for
from tests.local.pipeline.stage import Stage
from tests.patience import patient

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the system's Chromium, headless."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        pytest.skip("Chromium is not installed: `task browser` installs it where apt-get can")
    with sync_playwright() as playwright:
        # As root, as in a container, Chromium has no sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the source of axe-core, from npm by the lock file."""
    if not AXE.exists():
        tools = make_tools(tmp_path_factory.mktemp("tools"))
        ran = subprocess.run(
            [tools / "node", tools / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=HERE, capture_output=True, text=True, timeout=patient(120), check=False,
        )  # fmt: skip
        if ran.returncode:
            pytest.skip(f"axe-core cannot be installed by npm: {ran.stderr[-300:]}")
    return AXE.read_text()


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """Return a platform with an administrator."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-browser-")))
        folder.chmod(0o711)  # PostgreSQL may run as another user
        stage = Stage(folder=folder)
        stack.callback(stage.stop)
        stage.start()
        setup = clone_for(stage, "setup")
        subprocess.run(
            [sys.executable, "-m", "functions.cli.main", "setup", "--email", EMAIL, "--password-stdin"],
            cwd=setup.clone, input=PASSWORD + "\n", text=True, check=True, capture_output=True,
        )  # fmt: skip
        yield stage


@pytest.fixture
def developer(stage: Stage, request: pytest.FixtureRequest) -> Developer:
    """Return a developer with an empty repository; the app is called like the test's parameter."""
    return clone_for(stage, f"shop-{request.node.callspec.id}")
