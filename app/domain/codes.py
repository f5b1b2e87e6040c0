"""Code pools: unique codes to give away, sent by the client or generated from a pattern."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.errors import InputError, Problem, UserErrorCode, input_error
from app.filters.fields import is_storable

MAX_POOLS = 1_000
MAX_CODES_PER_CALL = 10_000
MAX_GENERATED_CODES = 1_000_000
MAX_CODE_LENGTH = 100
MAX_RECIPIENTS_PER_CODE = 100
DEFAULT_PATTERN = "####-####"
# A pool runs low when it has less than this share of its codes left, and less than this number.
LOW_POOL_RATIO = 0.1
LOW_POOL_CODES = 1_000

# Without 0 and O, 1, I and L, which look alike.
CODE_CHARACTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_PLACEHOLDER = "#"
_MAX_LISTED_PROBLEMS = 10

# Maps each random byte to a character by its lower five bits. One of their 32 values is rejected,
# so that all 31 characters are equally likely.
_CHARACTER_BY_BYTE = bytes(ord((CODE_CHARACTERS + "?")[byte & 31]) for byte in range(256))
_REJECTED_BYTES = bytes(byte for byte in range(256) if byte & 31 == len(CODE_CHARACTERS))


@dataclass(frozen=True, slots=True)
class CodePool:
    """A pool of codes. `generating_count` is how many codes a job has yet to generate."""

    id: str
    name: str
    created_at: datetime
    total_count: int = 0
    claimed_count: int = 0
    generating_count: int = 0

    @property
    def available_count(self) -> int:
        """The number of codes that have not been claimed."""
        return self.total_count - self.claimed_count

    @property
    def is_low(self) -> bool:
        """Whether the pool will soon run out of codes, and none are being generated."""
        low_count = min(LOW_POOL_RATIO * self.total_count, LOW_POOL_CODES)
        return not self.generating_count and (
            self.available_count < low_count or not self.available_count
        )


@dataclass(frozen=True, slots=True)
class CodeRecipient:
    """A customer who got a code. `giver_id` is the id of the distribution or referral tier that
    gave it, and `at` the instant of the delivery or the reward."""

    customer_id: str
    giver_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CodePattern:
    """A pattern of generated codes: each `#` stands for a random character of CODE_CHARACTERS,
    every other character for itself."""

    text: str

    @property
    def max_count(self) -> int:
        """How many codes a pool with this pattern may have: half of the possible ones, so that
        generating rarely hits a code that exists, and guessing rarely does."""
        return int(len(CODE_CHARACTERS) ** self.text.count(_PLACEHOLDER) // 2)

    def generate(self, count: int) -> Iterator[str]:
        """Yields `count` codes from a cryptographic random generator. They may repeat."""
        first, *others = self.text.split(_PLACEHOLDER)
        characters = iter(_random_characters(count * len(others)))
        for _ in range(count):
            yield first + "".join(next(characters) + literal for literal in others)

    def generate_distinct(self, count: int) -> list[str]:
        """Returns `count` different codes; `count` is at most `max_count`."""
        codes: dict[str, None] = {}
        while len(codes) < count:
            codes.update(dict.fromkeys(self.generate(count - len(codes))))
        return list(codes)


def _random_characters(count: int) -> str:
    characters = b""
    while len(characters) < count:
        random_bytes = secrets.token_bytes(count - len(characters) + 64)
        characters += random_bytes.translate(_CHARACTER_BY_BYTE, _REJECTED_BYTES)
    return characters.decode()


def validate_pattern(text: str, count: int, *path: str) -> CodePattern:
    """Returns the pattern for `count` codes. Raises an input error at `path` if the pattern or the
    count is invalid, or if the pattern has too few codes."""
    if problem := _find_code_problem(text):
        raise input_error(UserErrorCode.INVALID, f"A pattern {problem}.", *path, "pattern")
    if count < 1:
        raise input_error(UserErrorCode.INVALID, "count must be at least 1.", *path, "count")
    if count > MAX_GENERATED_CODES:
        message = f"At most {MAX_GENERATED_CODES:,} codes can be generated at a time."
        raise input_error(UserErrorCode.TOO_MANY, message, *path, "count")
    pattern = CodePattern(text)
    if count > pattern.max_count:
        message = (
            f"The pattern is too short: of its codes, at most {pattern.max_count:,} can be"
            f" generated (half of the possible ones). Generate fewer, or add a {_PLACEHOLDER}."
        )
        raise input_error(UserErrorCode.INVALID, message, *path, "pattern")
    return pattern


def validate_codes(codes: Sequence[str], *path: str) -> None:
    """Raises an input error that lists the first codes which are invalid or repeated; TOO_MANY for
    too many codes. `path` is that of the list."""
    if len(codes) > MAX_CODES_PER_CALL:
        message = f"At most {MAX_CODES_PER_CALL:,} codes are taken at a time; send fewer."
        raise input_error(UserErrorCode.TOO_MANY, message, *path)
    problems: list[Problem] = []
    index_by_code: dict[str, int] = {}
    for index, code in enumerate(codes):
        first_index = index_by_code.setdefault(code, index)
        if problem := _find_code_problem(code):
            message = f"A code {problem}."
        elif first_index != index:
            message = f"The code is the same as that at {first_index}; leave one of them out."
        else:
            continue
        problems.append(Problem(UserErrorCode.INVALID, message, (*path, str(index))))
        if len(problems) == _MAX_LISTED_PROBLEMS:
            break
    if problems:
        raise InputError(problems)


def require_codes_absent(codes: Sequence[str], existing: set[str], *path: str) -> None:
    """Raises an input error that lists the first codes which the pool has already."""
    message = "The pool has this code already; leave it out."
    taken_indexes = [index for index, code in enumerate(codes) if code in existing]
    if taken_indexes:
        raise InputError(
            Problem(UserErrorCode.INVALID, message, (*path, str(index)))
            for index in taken_indexes[:_MAX_LISTED_PROBLEMS]
        )


def _find_code_problem(text: str) -> str | None:
    if not 1 <= len(text) <= MAX_CODE_LENGTH:
        return f"has 1 to {MAX_CODE_LENGTH} characters"
    if text != text.strip():
        return "has no blanks at its ends"
    if not text.replace(" ", "").isprintable() or not is_storable(text):
        return "has no control characters"
    return None
