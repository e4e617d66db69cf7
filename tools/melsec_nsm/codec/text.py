"""Texts from the wire, as logs have them."""

from __future__ import annotations

_ESCAPED = {octet: f"\\x{octet:02x}" for octet in (*range(0x20), 0x7F)}


def printable(text: str) -> str:
    """Text without its padding, and with what cannot be printed escaped."""
    return text.rstrip("\0 ").translate(_ESCAPED)
