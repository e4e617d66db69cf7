"""A release after the present one, as rules and scripts may change from one to the next."""

from __future__ import annotations

from dataclasses import replace

from melsec_nsm.definitions.model import Definition


def next_definition(definition: Definition) -> Definition:
    """One where a detection changed, one is new, and one is gone."""
    detections = dict(definition.detections)
    detections["remote-stop"] = replace(detections["remote-stop"], suppress=120)
    detections["remote-halt"] = replace(detections["remote-pause"], id="remote-halt", title="Remote halt")
    del detections["clock-set"]
    return replace(definition, detections=detections)
