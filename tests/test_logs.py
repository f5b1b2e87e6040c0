"""How the log shows an error: with its function, without local data."""

import subprocess
import sys

import pytest

PROGRAM_WITH_UNEXPECTED_ERROR = """
import sys, structlog
from app import logging_config

logging_config.configure_logging(sys.argv[1])

def fail(customer):
    raise KeyError("metadata")

try:
    fail("ann@" + "example.com")
except KeyError as error:
    structlog.get_logger().error("unexpected error", exc_info=error)
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_an_error_is_logged_with_its_function_and_without_local_data(form: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM_WITH_UNEXPECTED_ERROR, form],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "unexpected error" in run.stderr
    assert "KeyError" in run.stderr
    assert "in fail" in run.stderr or '"name": "fail"' in run.stderr
    assert "ann@example.com" not in run.stderr


PROGRAM_WITH_SILENT_ERROR = """
import sys, structlog
from app import logging_config

logging_config.configure_logging(sys.argv[1])
for error in (TimeoutError(), OSError("redis is away")):
    structlog.get_logger().warning("can't receive log notifications; retrying", error=error)
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_an_error_without_a_message_is_logged_by_its_name(form: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM_WITH_SILENT_ERROR, form],
        capture_output=True,
        text=True,
        check=True,
    )

    silent, telling = run.stderr.splitlines()
    assert "TimeoutError()" in silent
    assert "redis is away" in telling
    assert "OSError" not in telling
