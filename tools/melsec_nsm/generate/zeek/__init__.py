"""The generated half of the Zeek package: tables, payload units, signatures, notices."""

from __future__ import annotations

from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate.zeek import actions, layouts, scripts, signatures, tables


def render(definition: Definition) -> dict[str, bytes]:
    """The generated files of ``zeek/`` by their path in the checkout."""
    files = {
        "zeek/analyzer/melsec_layouts.spicy": layouts.layouts(definition),
        "zeek/analyzer/melsec_tables.spicy": tables.tables(definition),
        "zeek/scripts/actions.zeek": actions.actions(definition),
        "zeek/scripts/consts.zeek": scripts.consts(definition),
        "zeek/scripts/detections.zeek": scripts.detections(definition),
        "zeek/scripts/dpd.sig": signatures.dpd(definition),
    }
    return {path: text.encode("ascii") for path, text in files.items()}
