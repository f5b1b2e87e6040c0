"""Structured logging to standard error."""

import logging
import sys
from typing import Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

# What they log at INFO repeats the events of this program. A URL that httpx logs may have a secret.
_QUIET_LOGGERS = ("httpx", "arq", "uvicorn", "asyncio", "pymongo")
# Without local variables: they hold customers' data, and may take megabytes.
_TRACEBACK_RENDERER = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure_logging(log_format: Literal["console", "json"]) -> None:
    """Formats the events of this program and of its libraries alike, as text or JSON lines."""
    shared_processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _format_error,
    ]
    rendering_processors: list[Processor] = (
        [_TRACEBACK_RENDERER, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendering_processors,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for logger_name in _QUIET_LOGGERS:
        logging.getLogger(logger_name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared_processors,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _format_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replaces an exception in `error` by its message, or by its repr if it has none."""
    if isinstance(error := event.get("error"), BaseException):
        event["error"] = str(error) or repr(error)
    return event
