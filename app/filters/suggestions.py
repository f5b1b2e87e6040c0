"""Which of the known words was probably meant."""

from collections.abc import Iterable, Mapping
from itertools import pairwise


def suggest(text: str, bigrams_of_words: Mapping[str, set[str]]) -> str:
    """The one of the known words that looks most like the text."""
    text_bigrams = _bigrams(text[:100])

    def similarity(word: str) -> float:
        return len(bigrams_of_words[word] & text_bigrams) / (
            len(bigrams_of_words[word]) + len(text_bigrams)
        )

    return max(bigrams_of_words, key=similarity)


def bigrams_by_word(words: Iterable[str]) -> dict[str, set[str]]:
    """Known words by which `most_like` can be asked."""
    return {word: _bigrams(word) for word in words}


def _bigrams(text: str) -> set[str]:
    """The pairs of neighbouring letters, the ends included: what similar words have in common."""
    return {first + second for first, second in pairwise(f" {text.casefold()} ")}
