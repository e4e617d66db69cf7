"""What the schemas cannot say: rules over the whole definition.

Each check is a function that takes the bundle and yields the issues of one rule. A check skips
values in which the structure is at fault already; names count as known in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from melsec_nsm.definitions.bundle import Bundle
from melsec_nsm.definitions.checks import captures, codes, detections, engineering, fields, protocols
from melsec_nsm.definitions.model import Issue

Check = Callable[[Bundle], Iterator[Issue]]

CHECKS: tuple[Check, ...] = (
    *fields.CHECKS,
    *protocols.CHECKS,
    *codes.CHECKS,
    *engineering.CHECKS,
    *detections.CHECKS,
    *captures.CHECKS,
)


def check_meaning(bundle: Bundle) -> list[Issue]:
    """The issues of all checks."""
    return [issue for check in CHECKS for issue in check(bundle)]
