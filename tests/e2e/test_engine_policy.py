"""Policies compiled for a sensor: it says what the reference engine says, of what its rules claim."""

from __future__ import annotations

from pathlib import Path

import pytest

from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Engine
from melsec_nsm.engines.base import Result
from melsec_nsm.engines.reference import ReferenceEngine
from melsec_nsm.engines.suricata import SuricataEngine, shipped_rules
from melsec_nsm.generate.site.rules import FILE, SUPPORTED, render
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
    rules = shipped_rules() + render(CompiledPolicy(load_policy(site, definition), definition), definition)[FILE]
    assert suricata.self_test(rules) == []
    assert raised(suricata.run(path, site)) == raised(ReferenceEngine(definition).run(path, site))


_TUNED = {
    "as shipped": ("site-maintenance", "", {"remote-stop": 1, "remote-run": 1}),
    "switched off": ("site-maintenance", "remote-stop: {enabled: false}", {"remote-run": 1}),
    "not of this host": ("site-maintenance", "remote-stop: {except: [eng-ws-1]}", {"remote-run": 1}),
    "not of another one": ("site-maintenance", "remote-stop: {except: [panel]}", {"remote-stop": 1, "remote-run": 1}),
    "as often as shipped": ("slmp-3e-password-wrong", "", {}),
    "sooner": ("slmp-3e-password-wrong", "password-guessing: {threshold: {count: 2}}", {"password-guessing": 1}),
    "later": ("slmp-3e-password-guessing", "password-guessing: {threshold: {count: 50}}", {}),
    "in less time": ("slmp-3e-password-guessing", "password-guessing: {threshold: {seconds: 1, count: 50}}", {}),
}


@pytest.mark.parametrize("name", _TUNED)
def test_detections_are_tuned_by_the_policy(checkout: Path, tmp_path: Path, engine: Engine, name: str) -> None:
    capture, tuning, expected = _TUNED[name]
    site = tmp_path / "site.yaml"
    text = (checkout / "pcaps/policies/site-allowed.yaml").read_text("utf-8")
    site.write_text(text + (f"detections:\n  {tuning}\n" if tuning else ""), "utf-8")
    found = {one.id: one.count for one in engine.run(checkout / "pcaps" / f"{capture}.pcap", site).detections}
    tuned = ("remote-stop", "remote-run", "password-guessing")
    assert {key: count for key, count in found.items() if key in tuned} == expected
