"""`segments receive` prints what arrives, and checks its signature."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from app.domain.deliveries import AttemptResult, Outcome, WebhookRequest
from app.services.deliveries.signing import new_secret
from app.services.deliveries.webhook_client import WebhookClient

BODY = b'{"code": "\\u001b[31mABC"}'


@contextmanager
def running_receive(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Runs the command; yields its URL and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "receive", "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("Ready: ").strip(), process
    finally:
        process.terminate()
        process.wait()


async def send(url: str, secret: str) -> AttemptResult:
    async with WebhookClient(allow_private=True, max_connections=1) as client:
        return await client.send("dlv_1", WebhookRequest(url, {}, BODY), [secret])


async def test_it_prints_what_arrives_and_checks_the_signature() -> None:
    secret = new_secret()
    with running_receive("--secret", secret) as (url, process):
        accepted = await send(url + "hook", secret)
        refused = await send(url, new_secret())
        process.terminate()
        output: Any = process.communicate()[0]

    assert accepted.outcome is Outcome.DELIVERED
    assert refused.error == "The receiver answered 401"
    assert output.splitlines() == [
        "/hook dlv_1 signature valid",
        *("{", '  "code": "\\u001b[31mABC"', "}"),
        "/ dlv_1 signature INVALID",
        *("{", '  "code": "\\u001b[31mABC"', "}"),
    ]


async def test_without_a_secret_it_checks_nothing() -> None:
    with running_receive() as (url, process):
        assert (await send(url, new_secret())).outcome is Outcome.DELIVERED
        process.terminate()
        assert "signature not checked" in process.communicate()[0]
