"""Operations, controllers and alerts: Zeek says the same of a capture as the built-in engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import Operation
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.zeek import ZeekEngine

_TOP = Path(__file__).resolve().parents[2]
_GENERATED = sorted((_TOP / "pcaps").glob("*.pcap"))
_SHARED = _TOP.parent / "shared" / "captures"
_OTHERS = sorted(path for folder in ("clients", "real") for path in (_SHARED / folder).glob("*.pcap*"))


def _counted(definition: Definition, operations: Iterable[Operation] | None) -> Counter[Operation]:
    """The operations but transfers of files, which Zeek's scripts do not put together yet."""
    assert operations is not None
    kinds = definition.engineering.kinds
    transfers = {action for kind in kinds for action in (kind.upload, kind.download)}
    return Counter(one for one in operations if one.action not in transfers)


@pytest.mark.parametrize("capture", [*_GENERATED, *_OTHERS], ids=lambda one: one.stem)
def test_zeek_tells_the_same(definition: Definition, zeek: ZeekEngine, capture: Path) -> None:
    wanted, found = ReferenceEngine(definition).run(capture), zeek.run(capture)
    assert found.warnings == ()
    assert _counted(definition, found.operations) == _counted(definition, wanted.operations)
    assert found.assets == wanted.assets
    claimed = [one for one in wanted.detections if "zeek" in definition.detections[one.id].engines()]
    assert [(one.id, one.count, one.client, one.server) for one in found.detections] == [
        (one.id, one.count, one.client, one.server) for one in claimed
    ]
