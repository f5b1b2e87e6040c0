"""Traces of operations by OpenTelemetry, for installations with the extra `otel`.

Without an address of a collector in the environment, nothing of OpenTelemetry is imported.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.errors import SetupError

_ADDRESS_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_DEFAULT_SERVICE_NAME = "customer-segments"

RecordErrors = Callable[[Sequence[Mapping[str, Any]]], None]
"""Records the errors of an operation's result."""

_OperationTracer = Callable[[str, str | None], AbstractContextManager[RecordErrors]]

_trace_operation: _OperationTracer | None = None


@contextmanager
def tracing() -> Iterator[None]:
    """Traces operations until the context exits, if the environment has the address of a collector.

    The variables are those of OpenTelemetry: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and
    others. Raises SetupError if the extra is not installed.
    """
    global _trace_operation
    if not any(map(os.environ.get, _ADDRESS_VARIABLES)):
        yield
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SetupError(
            f"{' or '.join(_ADDRESS_VARIABLES)} is set, but OpenTelemetry is not installed; install"
            " the extra: customer-segments[otel]"
        ) from None
    name = os.environ.get("OTEL_SERVICE_NAME", _DEFAULT_SERVICE_NAME)
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("app.schema.http")

    @contextmanager
    def trace_operation(type_: str, name: str | None) -> Iterator[RecordErrors]:
        attributes = {"graphql.operation.type": type_}
        if name is not None:
            attributes["graphql.operation.name"] = name
        title = type_ if name is None else f"{type_} {name}"
        with tracer.start_as_current_span(
            title, kind=trace.SpanKind.SERVER, attributes=attributes
        ) as span:

            def record_errors(errors: Sequence[Mapping[str, Any]]) -> None:
                codes = sorted({str(error["extensions"]["code"]) for error in errors})
                span.set_attribute("graphql.error.codes", codes)
                span.set_status(trace.StatusCode.ERROR, ", ".join(codes))

            yield record_errors

    _trace_operation = trace_operation
    try:
        yield
    finally:
        _trace_operation = None
        # Sends the spans that are left.
        provider.shutdown()


def trace_operation(type_: str, name: str | None) -> AbstractContextManager[RecordErrors]:
    """Returns the context of a span for an operation: its type, and its name if it has one. The
    span has neither the document nor variables, which may contain customers' data."""
    if _trace_operation is None:
        return nullcontext(_ignore_errors)
    return _trace_operation(type_, name)


def _ignore_errors(_: Sequence[Mapping[str, Any]]) -> None:
    """Nothing is traced."""


class TraceContextMiddleware:
    """Makes the trace of a client, whose id is in the header `traceparent`, that of its
    operations."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _trace_operation is None or scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        from opentelemetry import context, propagate

        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        token = context.attach(propagate.extract(headers))
        try:
            await self._app(scope, receive, send)
        finally:
            context.detach(token)
