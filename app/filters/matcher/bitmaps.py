"""Bit vectors: Python's integers, in which the bit at a place stands for what has that place."""

from collections.abc import Collection, Iterable

# So many bits are sooner turned one by one, and kept in less memory, than as a vector.
MAX_LISTED_BITS = 4

BitFlips = int | tuple[int, ...]
"""The bits that something turns: a vector or, where they are few, their places."""


def to_bitmap(indexes: Collection[int]) -> int:
    """The vector of these places."""
    if len(indexes) <= MAX_LISTED_BITS:
        return flip_bits(0, tuple(indexes))
    bits = bytearray(max(indexes) // 8 + 1)
    for index in indexes:
        bits[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(bits, "little")


def to_bit_flips(indexes: Iterable[int]) -> BitFlips:
    """What turns the bits at these places, each of which comes once."""
    indexes = tuple(indexes)
    return indexes if len(indexes) <= MAX_LISTED_BITS else to_bitmap(indexes)


def flip_bits(bits: int, flips: BitFlips) -> int:
    """The vector with bits turned."""
    if isinstance(flips, int):
        return bits ^ flips
    for index in flips:
        bits ^= 1 << index
    return bits
