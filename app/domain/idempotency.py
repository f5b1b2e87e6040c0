"""Idempotency keys: with them, a client repeats a request that creates something, and creates it
once."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.input_types import Key
from app.domain.inputs import Input, InputObject

KEY_RETENTION = timedelta(hours=24)


class IdempotencyKeyArgument(Input):
    """The argument of the mutations that create, beside their input."""

    idempotency_key: Key | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key that a client chose for one request of a mutation.

    `caller` is the name of the API key that sent the request, so that two clients can choose the
    same idempotency key; None where API keys are off. It is the name and not the prefix: a client
    that gets a new API key of the same name in between can still repeat the request.
    """

    mutation: str
    key: str
    caller: str | None


@dataclass(frozen=True, slots=True)
class RecordedCreation:
    """What a request with an idempotency key created, from which input, and when."""

    input_digest: bytes
    created_id: str
    at: datetime


def digest_of_input(input_object: InputObject) -> bytes:
    """Returns the SHA-256 of an input. The order of its fields does not count."""
    return hashlib.sha256(json.dumps(input_object, sort_keys=True).encode()).digest()
