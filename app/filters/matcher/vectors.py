"""Bit vectors: Python's integers, in which the bit at a place stands for what has that place."""

from collections.abc import Collection, Iterable

# So many bits are sooner turned one by one, and kept in less memory, than as a vector.
FEW = 4

Turn = int | tuple[int, ...]
"""The bits that something turns: a vector or, where they are few, their places."""


def vector(places: Collection[int]) -> int:
    """The vector of these places."""
    if len(places) <= FEW:
        return turned(0, tuple(places))
    bits = bytearray(max(places) // 8 + 1)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def turn(places: Iterable[int]) -> Turn:
    """What turns the bits at these places, each of which comes once."""
    places = tuple(places)
    return places if len(places) <= FEW else vector(places)


def turned(bits: int, by: Turn) -> int:
    """The vector with bits turned."""
    if isinstance(by, int):
        return bits ^ by
    for place in by:
        bits ^= 1 << place
    return bits
