"""The captures of the checkout, as committed: every engine at hand says what the manifest says."""

from __future__ import annotations

from pathlib import Path

import pytest

from melsec_nsm.analysis import verdicts
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine

_TOP = Path(__file__).resolve().parents[2]
_EXPECTATIONS = verdicts.expectations([_TOP / "pcaps"])


@pytest.mark.parametrize("expectation", _EXPECTATIONS, ids=lambda one: one.name)
def test_verdict_is_as_expected(engine: Engine, expectation: verdicts.Expectation) -> None:
    assert verdicts.compare(expectation, engine.run(expectation.capture, expectation.policy)) == []


def test_every_detection_fires_and_is_missed_somewhere(definition: Definition) -> None:
    for detection in definition.detections.values():
        for name in detection.engines():
            fired = [one for one in _EXPECTATIONS if detection.id in one.detections[name]]
            quiet = [one for one in _EXPECTATIONS if detection.id not in one.detections[name]]
            assert fired, (detection.id, name)
            assert {one.name for one in quiet} >= set(detection.quiet), (detection.id, name)
