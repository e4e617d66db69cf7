"""The Suricata back-end: rules made from the definition.

`render` gives the rule file, `rules_by_detection` the rules behind it before they have a sid.
"""

from __future__ import annotations

from melsec_nsm.generate.suricata.backend import (
    RULES_PATH,
    all_enabled,
    is_enabled,
    is_published,
    render,
    rules_by_detection,
)
from melsec_nsm.generate.suricata.patterns import UnsupportedByBackend
from melsec_nsm.generate.suricata.rule import Rule

__all__ = [
    "RULES_PATH",
    "Rule",
    "UnsupportedByBackend",
    "all_enabled",
    "is_enabled",
    "is_published",
    "render",
    "rules_by_detection",
]
