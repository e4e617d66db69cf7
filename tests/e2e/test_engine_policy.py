"""Policies compiled for a sensor: it says what the reference engine says, of what its rules claim."""

from __future__ import annotations

from pathlib import Path

import pytest

from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import Result
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.suricata import SuricataEngine, shipped_rules
from melsec_nsm.generate.site.rules import SUPPORTED, render
from melsec_nsm.policy import load as load_policy
from melsec_nsm.policy.compiled import CompiledPolicy

_CASES = sorted(load().cases)


def raised(result: Result) -> dict[str, tuple[int, str, str]]:
    """What was raised of that which rules can tell, how often, and by whom first."""
    return {one.id: (one.count, one.client, one.server) for one in result.detections if one.id in SUPPORTED}


@pytest.mark.parametrize("name", _CASES)
def test_suricata_agrees_with_the_oracle(
    checkout: Path, definition: Definition, suricata: SuricataEngine, name: str
) -> None:
    site, capture = checkout / "pcaps" / "policies" / f"{name}.yaml", definition.cases[name].capture
    path = checkout / "pcaps" / f"{capture}.pcap"
    rules = shipped_rules() + render(CompiledPolicy(load_policy(site, definition), definition), definition)
    assert suricata.self_test(rules) == []
    assert raised(suricata.run(path, site)) == raised(ReferenceEngine(definition).run(path, site))
