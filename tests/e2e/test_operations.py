"""Operations, controllers and alerts: Zeek says the same of a capture as the built-in engine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from test_records import UNREAD_BY_ZEEK

from melsec_nsm.definitions.model import Definition, Detection
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.zeek import ZeekEngine

_TOP = Path(__file__).resolve().parents[2]
_GENERATED = sorted((_TOP / "pcaps").glob("*.pcap"))
_SHARED = _TOP.parent / "shared" / "captures"
_OTHERS = sorted(path for folder in ("clients", "real") for path in (_SHARED / folder).glob("*.pcap*"))


def claims(detection: Detection, capture: Path) -> bool:
    """Whether Zeek has to raise a detection in a capture."""
    limit = detection.limits.get("zeek")
    return "zeek" in detection.engines() and not (limit is not None and capture.stem in limit.misses)


@pytest.mark.parametrize("capture", [*_GENERATED, *_OTHERS], ids=lambda one: one.stem)
def test_zeek_tells_the_same(definition: Definition, zeek: ZeekEngine, capture: Path) -> None:
    wanted, found = ReferenceEngine(definition).run(capture), zeek.run(capture)
    # A capture that is cut off is one for both.
    assert found.warnings == wanted.warnings
    assert found.operations is not None
    assert wanted.operations is not None
    assert Counter(found.operations) == Counter(wanted.operations)
    if capture.stem not in UNREAD_BY_ZEEK:
        assert found.assets == wanted.assets
    claimed = [one for one in wanted.detections if claims(definition.detections[one.id], capture)]
    assert [(one.id, one.count, one.client, one.server) for one in found.detections] == [
        (one.id, one.count, one.client, one.server) for one in claimed
    ]
