"""The tool's own state: its engines, and the files that it generates and ships."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from melsec_nsm import __version__
from melsec_nsm.analysis.doctor.model import ADVICE, INFORMATION, PROBLEM, Fact, Finding, Said
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import Availability, Engine, EngineError
from melsec_nsm.engines.locate import SURICATA, ZEEK, locate
from melsec_nsm.engines.share import checkout, share, suricata_rules, zeek_analyzer, zeek_scripts
from melsec_nsm.engines.suricata import SuricataEngine
from melsec_nsm.generate import project

_WANTED = {one.name: one for one in (ZEEK, SURICATA)}


def examine(
    engines: Mapping[str, Engine], here: tuple[Availability, ...], definition: Definition, spared: Collection[str] = ()
) -> Said:
    """What is here of the tool, and whether its files are what they should be.

    ``spared`` are engines that the sensor of this machine does without.
    """
    root = checkout()
    place = f"checkout {root}" if root else f"installed package, files for the sensors in {share()}"
    yield Fact("melsec-nsm", f"{__version__}, {place}")
    for one in here:
        if one.version:
            yield Fact(one.engine, one.version + (f" ({one.path})" if one.path else ""))
        else:
            yield Finding(one.engine, INFORMATION if one.engine in spared else _severity(one), one.reason, one.remedy)
    yield from _stale(root, definition) if root else _missing()
    for one in here:
        if one.version:
            yield from _refused(engines[one.engine])


def _severity(absent: Availability) -> str:
    """A machine without a sensor is none that is set up wrongly; one whose program is of no use is."""
    if absent.path is None:
        return INFORMATION
    return PROBLEM if locate(_WANTED[absent.engine]).version is None else ADVICE


def _stale(root: Path, definition: Definition) -> Said:
    """Generated files of a checkout that are not what the definition gives."""
    paths = project.stale(root, project.render(definition))
    if paths:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield Finding("generated files", PROBLEM, f"{paths[0]}{more} missing or stale", "melsec-nsm generate")


def _missing() -> Said:
    """Files that an installed package lacks."""
    for path in (zeek_analyzer() / "melsec.evt", zeek_scripts() / "__load__.zeek", suricata_rules()):
        if not path.is_file():
            yield Finding("package", PROBLEM, f"{path} is missing", "pip install --force-reinstall melsec-nsm")


def _refused(engine: Engine) -> Said:
    """Rules that the Suricata of this machine does not load."""
    if isinstance(engine, SuricataEngine):
        try:
            complaints = engine.self_test()
        except EngineError as error:
            complaints = [str(error)]
        for complaint in complaints:
            yield Finding("suricata rules", PROBLEM, complaint)
