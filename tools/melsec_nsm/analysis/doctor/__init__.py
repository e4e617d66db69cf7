"""The state of this machine: which engines and sensors are here, what is set up wrongly, and the line that mends it.

Only reads, needs no rights, and says what it could not look at. What the sensors' own files mean the sensors say
themselves: Suricata dumps its settings, Zeek parses its scripts.
"""

from __future__ import annotations

from collections.abc import Mapping

from melsec_nsm.analysis.doctor import bundle, suricata, zeek, zeek_logs, zeek_place
from melsec_nsm.analysis.doctor.model import POLICY, SEVERITIES, Fact, Finding, Places, Report
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine
from melsec_nsm.engines.suricata import SuricataEngine
from melsec_nsm.engines.zeek import ZeekEngine

__all__ = ["POLICY", "Fact", "Finding", "Places", "Report", "examine"]


def examine(engines: Mapping[str, Engine], definition: Definition, places: Places) -> Report:
    """Looks at the tool, at the engines, and at the sensors that they are.

    EngineError where a sensor that is asked for by name is not there.
    """
    here = tuple(engine.availability() for engine in engines.values())
    sensors: list[Fact | Finding] = []
    spared: list[str] = []
    watching = zeek_place.find(places.zeek)
    if watching is not None:
        sensors += zeek.examine(watching, places.policy)
        sensors += zeek_logs.examine(watching, places.zeek_logs)
        if watching.unpacked():
            # Its package was compiled elsewhere, because it cannot be here.
            spared.append(ZeekEngine.name)
    for engine in engines.values():
        if isinstance(engine, SuricataEngine):
            sensors += suricata.examine(engine, definition, places)
    said = [*bundle.examine(engines, here, definition, spared), *sensors]
    findings = dict.fromkeys(one for one in said if isinstance(one, Finding))
    return Report(
        here,
        tuple(one for one in said if isinstance(one, Fact)),
        tuple(sorted(findings, key=lambda one: SEVERITIES.index(one.severity))),
    )
