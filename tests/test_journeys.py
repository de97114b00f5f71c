"""A newcomer finds a behaviour in few files."""

import json
import re
import subprocess
import sys

from tests.conftest import ROOT
from tests.journeys import BEGIN, END, PAGE
from tests.patience import patient

MOST = 36  # a reader keeps no more apart


def test_a_webhook_becomes_a_started_build_in_few_files() -> None:
    command = [sys.executable, "-m", "tests.journeys", "--json"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patient(60), check=True)
    files = json.loads(ran.stdout)
    push = files["push, until build.started"]

    assert len(files) == 5
    assert {"verify_webhook/handler.py", "resolve_app/handler.py", "start_build/handler.py"} < set(push)
    assert len(push) <= MOST, push


def test_the_page_names_files_that_are_there() -> None:
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    folders = re.findall(r"`([\w/]+/)\{?([\w, ]+)\}?`", table)
    named = {folder + name for folder, names in folders for name in names.split(", ")}

    assert len(named) > MOST
    assert [name for name in named if not (ROOT / "functions" / f"{name}.py").exists()] == []
