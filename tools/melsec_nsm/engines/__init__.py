"""The engines that judge captures: the built-in reference, Zeek and Suricata, with one shape of verdict."""

from __future__ import annotations

from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.base import (
    Asset,
    Availability,
    DetectionCount,
    Engine,
    EngineError,
    Result,
    TransactionCount,
)

__all__ = [
    "Asset",
    "Availability",
    "DetectionCount",
    "Engine",
    "EngineError",
    "Result",
    "TransactionCount",
    "engines",
]


def engines(definition: Definition | None = None) -> dict[str, Engine]:
    """Every engine by its name, in the order in which tables show them; whether it is here, each says itself.

    DefinitionError where no definition is given and that of the package cannot be used.
    """
    # Imported late: who wants the types does not pay for the engines.
    from melsec_nsm.definitions import load  # noqa: PLC0415
    from melsec_nsm.engines.reference import ReferenceEngine  # noqa: PLC0415
    from melsec_nsm.engines.suricata import SuricataEngine  # noqa: PLC0415
    from melsec_nsm.engines.zeek import ZeekEngine  # noqa: PLC0415

    definition = definition or load()
    found: list[Engine] = [ReferenceEngine(definition), ZeekEngine(), SuricataEngine()]
    return {engine.name: engine for engine in found}
