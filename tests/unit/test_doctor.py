"""What doctor says of a Suricata that is here."""

from __future__ import annotations

import pytest

from melsec_nsm.analysis import doctor
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import Availability
from melsec_nsm.engines.suricata import SuricataEngine


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"stream.midstream": "no"}, True), ({"stream.midstream": "true"}, False), ({"x": "y"}, True), ({}, False)],
)
def test_a_suricata_that_joins_no_connection_is_told_of(
    monkeypatch: pytest.MonkeyPatch, definition: Definition, settings: dict[str, str], told: bool
) -> None:
    engine = SuricataEngine()
    monkeypatch.setattr(engine, "availability", lambda: Availability("suricata", "7.0.10", "/bin/suricata", "", ""))
    monkeypatch.setattr(engine, "self_test", list)
    monkeypatch.setattr(engine, "settings", lambda: settings)
    report = doctor.examine({"suricata": engine}, definition)
    assert any("stream.midstream is off" in line for line in report.lines()) == told
