"""Suggests the known word that the user probably meant."""

from collections.abc import Iterable, Mapping
from itertools import pairwise


def suggest(text: str, bigrams_of_words: Mapping[str, set[str]]) -> str:
    """The known word with the highest bigram similarity (Dice coefficient) to the text."""
    text_bigrams = _bigrams(text[:100])

    def similarity(word: str) -> float:
        return len(bigrams_of_words[word] & text_bigrams) / (
            len(bigrams_of_words[word]) + len(text_bigrams)
        )

    return max(bigrams_of_words, key=similarity)


def bigrams_by_word(words: Iterable[str]) -> dict[str, set[str]]:
    """The known words with their bigrams, for `suggest`."""
    return {word: _bigrams(word) for word in words}


def _bigrams(text: str) -> set[str]:
    """The pairs of adjacent letters, with a space at both ends."""
    return {letter + next_letter for letter, next_letter in pairwise(f" {text.casefold()} ")}
