"""A function without a setting: its readiness fails, again and again, without cost and with one line in the log."""

import subprocess
import sys

from tests.conftest import ROOT
from tests.patience import patient

STARTED = """
from flask import Flask, request
from functions.resolve_app.app import resolve_app

with Flask("function").test_request_context("/healthz"):
    print(resolve_app(request)[1])
"""
ASKED = """
import threading
from flask import Flask, request
from functions.start_build.app import start_build

app = Flask("function")
with app.test_request_context("/healthz"):
    answers = {start_build(request)[1] for _ in range(200)}
print(answers, threading.active_count() <= 5)
"""


def test_a_function_without_a_setting_fails_readiness_and_logs_it_once() -> None:
    given = {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/none", "SLIPWAY_PLATFORM": "kubernetes"}
    ran = subprocess.run(
        [sys.executable, "-c", ASKED],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    assert ran.stdout == "{500} True\n", ran.stdout + ran.stderr
    assert ran.stderr.count("cannot start: the setting REGISTRY_URL is missing") == 1, ran.stderr


def test_a_function_is_ready_before_the_broker_has_an_address() -> None:
    given = {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/none", "DEFAULT_DOMAIN": "apps.example.org"}
    ran = subprocess.run(
        [sys.executable, "-c", STARTED],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    assert ran.stdout == "204\n", ran.stdout + ran.stderr
