"""The npm packages of the tests. Tests are skipped where npm is missing, or reaches no registry."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.errors import SetupError
from app.npm_bundle import has_npm

CLIENTS_FOLDER = Path(__file__).parent / "clients"
RECIPE_FOLDER = Path(__file__).parents[1] / "graphql-schema" / "clients"
REGISTRY_UNREACHABLE = re.compile("ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH")


@contextmanager
def skip_without_npm() -> Iterator[None]:
    """Skips the test if npm is missing, or if the block raises because npm reaches no registry."""
    if not has_npm():
        pytest.skip("npm is not on PATH")
    try:
        yield
    except SetupError as error:
        if REGISTRY_UNREACHABLE.search(str(error)):
            pytest.skip("npm reaches no registry")
        raise
