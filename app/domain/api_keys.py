"""Keys of the API: who calls it, and what they may do."""

import hashlib
import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

MAX_KEYS = 1_000
MAX_KEY_NAME_LENGTH = 100
EXPIRED_KEY_RETENTION = timedelta(days=30)

_SECRET_BYTES = 32
_PREFIX_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PREFIX_LENGTH = 8
_KEY_PATTERN = re.compile(r"sgk_[a-z2-7]{8}_[A-Za-z0-9_-]{43}")


class Role(Enum):
    """What a key may do. Each role includes those below it."""

    ADMIN = "ADMIN"
    WRITE = "WRITE"
    READ = "READ"
    CHECK = "CHECK"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do all that the other may."""
        return _RANKS[self] >= _RANKS[other]


_RANKS = {Role.ADMIN: 3, Role.WRITE: 2, Role.READ: 1, Role.CHECK: 0}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as stored. `prefix` is its first part, which is no secret; `digest` is its SHA-256."""

    prefix: str
    digest: bytes
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def has_expired(self, at: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= at


@dataclass(frozen=True, slots=True)
class Caller:
    """Who runs an operation. `key` is None where keys are off: everyone is an administrator."""

    role: Role
    key: ApiKey | None = None


calling_key_name: ContextVar[str | None] = ContextVar("calling_key_name", default=None)
"""The name of the key of the present operation; None where keys are off, and outside of one. The
API sets it for each operation, so that a record of what was done can say who did it."""


def generate_key() -> tuple[str, str]:
    """Returns a new random key and its prefix."""
    characters = [secrets.choice(_PREFIX_CHARACTERS) for _ in range(_PREFIX_LENGTH)]
    prefix = "sgk_" + "".join(characters)
    return f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}", prefix


def digest_of(key: str) -> bytes | None:
    """Returns the digest of a key; None for a text that has not the form of one.

    A plain SHA-256 suffices. A slow hash protects passwords, which can be guessed; nobody can guess
    256 random bits. The API computes it for each request.
    """
    if not _KEY_PATTERN.fullmatch(key):
        return None
    return hashlib.sha256(key.encode()).digest()
