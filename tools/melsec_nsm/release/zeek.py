"""The Zeek package with its analyzers compiled, for sensors that have the same Zeek and no compiler."""

from __future__ import annotations

import platform
import re
from datetime import date
from pathlib import Path

from melsec_nsm.engines.hlto import BUILT_FOR, compiled
from melsec_nsm.engines.share import zeek_analyzer, zeek_scripts
from melsec_nsm.engines.zeek import ZeekEngine, compiler
from melsec_nsm.release import ReleaseError
from melsec_nsm.release.archive import pack
from melsec_nsm.release.build import seconds

NAME = "melsec-nsm"
_SCRIPTS, _PLUGINS = f"scripts/packages/{NAME}", f"plugins/packages/{NAME}"


def package(root: Path, version: str, day: date | None) -> dict[str, bytes]:
    """The archive by its name. ``day`` is that of the release, None before it.

    ``scripts`` and ``plugins`` in it are for the folders that ``zeek-config`` calls site and plugin folder; below them
    everything is where zkg would put it. Compiles the analyzers unless this machine has them, for more than a minute.

    Raises:
        ReleaseError: there is no Zeek here, or no compiler.
        EngineError: the analyzers cannot be compiled.
    """
    here = ZeekEngine().availability()
    if here.path is None or here.version is None:
        raise ReleaseError(f"zeek: {here.reason}; {here.remedy}")
    analyzer = compiled(zeek_analyzer(), compiler(Path(here.path)), here.version)
    built = f"zeek{here.version}-{machine()}"
    text = f"{NAME} {version}\nzeek {here.version}\nmachine {machine()}\n"
    files = {
        f"{_PLUGINS}/melsec.hlto": analyzer.read_bytes(),
        f"{_PLUGINS}/{BUILT_FOR}": text.encode(),
        f"{_PLUGINS}/LICENSE": (root / "LICENSE").read_bytes(),
    }
    files |= {f"{_SCRIPTS}/{path.name}": path.read_bytes() for path in sorted(zeek_scripts().iterdir())}
    return {f"{NAME}-zeek-{version}-{built}.tar.gz": pack(files, seconds(day))}


def machine() -> str:
    """Operating system and processor, such as ``debian12-x86_64``."""
    try:
        known = platform.freedesktop_os_release()
    except OSError:
        known = {"ID": platform.system().lower()}
    system = f"{known['ID']}{known.get('VERSION_ID', '')}"
    return re.sub(r"[^a-z0-9._]", "", system.lower()) + f"-{platform.machine()}"
