"""Tests that use npm are skipped where it is missing, or reaches no registry."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.errors import SetupError
from app.npm_bundle import has_npm

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
