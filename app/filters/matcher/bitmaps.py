"""Bitmaps of rules: Python integers in which each rule has a bit."""

from collections.abc import Collection, Iterable

# Up to this many bits, a list of indexes is faster and smaller than a bitmap.
MAX_LISTED_BITS = 4

BitFlips = int | tuple[int, ...]
"""The bits to flip in a bitmap: another bitmap or, if they are few, their indexes."""


def to_bitmap(indexes: Collection[int]) -> int:
    """The bitmap in which the bits at these indexes are set."""
    if len(indexes) <= MAX_LISTED_BITS:
        return flip_bits(0, tuple(indexes))
    bitmap_bytes = bytearray(max(indexes) // 8 + 1)
    for index in indexes:
        bitmap_bytes[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(bitmap_bytes, "little")


def to_bit_flips(indexes: Iterable[int]) -> BitFlips:
    """The flips of the bits at these indexes, which must be distinct."""
    indexes = tuple(indexes)
    return indexes if len(indexes) <= MAX_LISTED_BITS else to_bitmap(indexes)


def flip_bits(bitmap: int, flips: BitFlips) -> int:
    """The bitmap with the given bits flipped."""
    if isinstance(flips, int):
        return bitmap ^ flips
    for index in flips:
        bitmap ^= 1 << index
    return bitmap
