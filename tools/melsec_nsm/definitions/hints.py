"""Near-match hints: what somebody who mistyped a name probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 12
"""More names than this are no help in a one-line message."""


def near(word: str, known: Iterable[str]) -> str | None:
    """The known name closest to ``word``, None where nothing is close."""
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold(), name)
    matches = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def suggest(word: str, known: Iterable[str], what: str = "known") -> str:
    """``did you mean 'x'?``, or else the known names where they are few, or nothing."""
    names = list(dict.fromkeys(known))
    match = near(word, names)
    if match is not None:
        return f"did you mean '{match}'?"
    if not names:
        return ""
    if len(names) <= _SHOWN:
        return f"{what}: {', '.join(names)}"
    return ""
