"""Operations are spans of OpenTelemetry if a collector is named, and only then."""

import asyncio
import gzip
import importlib.util
import subprocess
import sys

import httpx
import pytest

from app.settings import Settings
from tests.deliveries.receiver import running_receiver
from tests.environment import store_environment
from tests.local.conftest import RunProgram
from tests.local.test_rolling_restart import wait_until_ready
from tests.ports import free_port

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
IS_INSTALLED = importlib.util.find_spec("opentelemetry") is not None


def test_nothing_is_imported_without_a_collector() -> None:
    code = (
        "import sys, app.main, app.tracing\n"
        "with app.tracing.tracing(): pass\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


@pytest.mark.skipif(IS_INSTALLED, reason="needs an environment without the extra otel")
def test_a_collector_without_the_extra_is_an_error(
    run_program: RunProgram, settings: Settings
) -> None:
    program = run_program(
        "api",
        "--port",
        str(free_port()),
        **store_environment(settings),
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    assert program.wait_for_exit(30) == 1
    assert "install the extra: customer-segments[otel]" in program.stderr


@pytest.mark.skipif(not IS_INSTALLED, reason="needs the extra otel")
async def test_an_operation_is_a_span_of_its_clients_trace(
    run_program: RunProgram, settings: Settings
) -> None:
    async with running_receiver() as collector:
        port = free_port()
        api = run_program(
            "api",
            "--port",
            str(port),
            **store_environment(settings),
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}",
        )
        await wait_until_ready(f"127.0.0.1:{port}")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            query = 'query FindAnn { customer(ref: {sourceId: "ann"}) { id } }'
            await http.post("/graphql", json={"query": query}, headers={"traceparent": PARENT})
        api.process.terminate()
        assert await asyncio.to_thread(api.wait_for_exit) == 0

        (request,) = collector.requests
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        assert request.path == "/v1/traces"
        for text in (b"query FindAnn", b"graphql.operation.type", bytes.fromhex(TRACE_ID)):
            assert text in body
        assert b"ann" not in body
