"""`segments worker`: runs the engine, the jobs and the consumers, or one of them."""

import asyncio
from typing import Literal

import uvloop

from app import logging_config, open_files
from app.commands import connections


def run(only: Literal["engine", "jobs", "consumers"] | None) -> None:
    settings = connections.require_settings()
    open_files.raise_soft_limit()
    from workers.main import run_worker

    logging_config.configure_logging(settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_worker(settings, only))
