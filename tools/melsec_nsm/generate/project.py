"""All generated files of the checkout: rendered together, then written or compared."""

from __future__ import annotations

from pathlib import Path

from melsec_nsm.definitions import lock as locks
from melsec_nsm.definitions.model import Definition
from melsec_nsm.generate import attack_page, detection_page, log_page, pages, suricata, zeek

_SCRIPTS = Path(__file__).resolve().parents[3] / "zeek" / "scripts"
"""The scripts that are written by hand. Only a checkout has generated files."""

LOCK_PATH = "tools/melsec_nsm/definitions/lock.yaml"


def render(definition: Definition) -> dict[str, bytes]:
    """The generated files by their path in the checkout, the moved lock among them."""
    rules = suricata.rules_by_detection(definition)
    texts = {name: {variant: rule.text() for variant, rule in by.items()} for name, by in rules.items()}
    lock, _ = locks.update(locks.read(), texts)
    return {
        **zeek.render(definition),
        **suricata.render(definition, lock),
        **pages.render(definition),
        **detection_page.render(definition),
        **attack_page.render(definition),
        **log_page.render(_SCRIPTS),
        LOCK_PATH: locks.dump(lock),
    }


def stale(root: Path, files: dict[str, bytes]) -> list[str]:
    """Paths whose file is missing or differs from what the definition gives."""
    return [path for path, octets in sorted(files.items()) if _read(root / path) != octets]


def write(root: Path, files: dict[str, bytes]) -> list[str]:
    """Writes what is stale and says which paths that were."""
    changed = stale(root, files)
    for path in changed:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path])
    return changed


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
