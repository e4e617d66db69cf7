"""Where the files are that sensors load: in the checkout this package runs from, else in the installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]

SETTINGS_PATH = "zeek/scripts/site-settings.zeek"
"""The one script that is for users to write into."""


def checkout() -> Path | None:
    """The top of the checkout, None for an installed package."""
    top = _PACKAGE.parents[1]
    return top if _PACKAGE.parent.name == "tools" and (top / "zkg.meta").is_file() else None


def share() -> Path:
    """The folder that holds ``zeek/`` and ``suricata/``."""
    return checkout() or _PACKAGE / "share"


def zeek_analyzer() -> Path:
    """The folder of the Spicy grammar."""
    return share() / "zeek" / "analyzer"


def zeek_scripts() -> Path:
    """The folder of the Zeek scripts."""
    return share() / "zeek" / "scripts"


def suricata_rules() -> Path:
    """The rule file."""
    return share() / "suricata" / "rules" / "melsec.rules"
