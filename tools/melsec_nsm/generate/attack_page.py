"""What of ATT&CK for ICS the detections cover: a page, and a layer for MITRE's ATT&CK Navigator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from melsec_nsm.definitions.model import ENGINES, Definition, Detection
from melsec_nsm.generate import detection_page
from melsec_nsm.generate.text import NOTE, table

PAGE = "tools/docs/attack.md"
LAYER = "tools/docs/attack-navigator.json"

_LAYER_FORMAT = "4.5"
_NAVIGATOR = "5.1.0"
_URL = "https://attack.mitre.org/techniques/"
_COLORS = ("#ffffff", "#c62828")


def render(definition: Definition) -> dict[str, bytes]:
    """The page and the layer by their paths in the checkout."""
    layer = json.dumps(_layer(definition), indent=2, ensure_ascii=False)
    page = "\n".join(_page(definition)).rstrip("\n")
    return {PAGE: f"{page}\n".encode(), LAYER: f"{layer}\n".encode()}


def covered(definition: Definition) -> dict[str, list[Detection]]:
    """The techniques that detections name, each with its detections by id."""
    found: dict[str, list[Detection]] = {}
    for _, detection in sorted(definition.detections.items()):
        for technique in detection.attack:
            found.setdefault(technique, []).append(detection)
    return dict(sorted(found.items()))


def _page(definition: Definition) -> Iterator[str]:
    yield from (f"<!-- {NOTE} -->", "", "# Coverage of ATT&CK for ICS", "")
    yield f"Techniques of ATT&CK for ICS {definition.attack_version} that an alert may be a sign of, with the"
    yield "detections that raise it. Each is seen where it uses a MELSEC protocol, and only there."
    yield ""
    yield "[`attack-navigator.json`](attack-navigator.json) is the same as a layer for the ATT&CK Navigator: open it"
    yield 'there with "Open Existing Layer".'
    yield ""
    yield from table(
        ("technique", "name", "detections", *(detection_page.ENGINE_NAMES[name] for name in ENGINES)),
        (
            (
                f"[{technique}]({_URL}{technique}/)",
                definition.techniques[technique],
                ", ".join(f"[`{one.id}`](detections.md#{one.id})" for one in detections),
                *(str(sum(name in one.engines() for one in detections)) for name in ENGINES),
            )
            for technique, detections in covered(definition).items()
        ),
    )


def _layer(definition: Definition) -> dict[str, Any]:
    """A layer; the score of a technique is the number of its detections.

    Source: the layer file format of the ATT&CK Navigator.
    """
    found = covered(definition)
    return {
        "name": "melsec-nsm",
        "versions": {
            "attack": definition.attack_version.partition(".")[0],
            "navigator": _NAVIGATOR,
            "layer": _LAYER_FORMAT,
        },
        "domain": "ics-attack",
        "description": "What the detections of melsec-nsm see on the protocols of Mitsubishi MELSEC controllers",
        "gradient": {
            "colors": list(_COLORS),
            "minValue": 0,
            "maxValue": max((len(detections) for detections in found.values()), default=1),
        },
        "techniques": [
            {
                "techniqueID": technique,
                "score": len(detections),
                "enabled": True,
                "comment": "; ".join(f"{one.id}: {one.title}" for one in detections),
            }
            for technique, detections in found.items()
        ],
    }
