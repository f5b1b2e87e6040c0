"""The audits of graphql-http, the reference implementation of GraphQL over HTTP."""

import json
from pathlib import Path

import pytest

from tests.client_libraries.conftest import LibraryTarget
from tests.client_libraries.node import run_node

pytestmark = pytest.mark.asyncio(loop_scope="module")

# It wants status 400 for variables that do not fit, as drafts before September 2026 did.
OUTDATED_AUDIT = "86EE"


async def test_the_server_passes_the_audits(clients: Path, target: LibraryTarget) -> None:
    output = await run_node(clients, "audit.mjs", target.url, target.key)

    ids_by_status = json.loads(output)
    assert len(ids_by_status["ok"]) > 40
    assert ids_by_status.get("error", []) == []
    assert ids_by_status.get("warn", []) == [OUTDATED_AUDIT]
