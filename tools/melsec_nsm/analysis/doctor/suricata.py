"""A Suricata that watches: its settings, its rules, its logs."""

from __future__ import annotations

from pathlib import Path

from melsec_nsm.analysis.doctor import suricata_logs, suricata_rules, suricata_settings
from melsec_nsm.analysis.doctor.model import INFORMATION, PROBLEM, Fact, Finding, Places, Said, guarded, unread
from melsec_nsm.analysis.doctor.suricata_settings import SUBJECT, Settings
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines import EngineError
from melsec_nsm.engines.suricata import SuricataEngine

_CONFIGURATION = "suricata.yaml"


def examine(engine: SuricataEngine, definition: Definition, places: Places) -> Said:
    """Nothing where Suricata is not here. EngineError where a ``suricata.yaml`` is named all the same."""
    version, configuration = engine.availability().version, places.suricata_conf
    if version is None:
        if configuration is not None:
            raise EngineError(f"--suricata-conf {configuration}: there is no Suricata here that can read it")
        return
    try:
        path = configuration or (engine.configuration_folder() or Path("/etc/suricata")) / _CONFIGURATION
        try:
            path.open("rb").close()
        except FileNotFoundError:
            yield Finding(
                SUBJECT,
                INFORMATION,
                f"there is no {path}: how this Suricata is set up is not known",
                f"melsec-nsm doctor --suricata-conf {_CONFIGURATION}",
            )
            return
        except OSError as error:
            yield unread(SUBJECT, path, error.strerror)
            return
        settings = Settings(path, engine.settings(path))
    except EngineError as error:
        yield Finding(SUBJECT, PROBLEM, f"Suricata refuses {path}: {error}", f"suricata -T -c {path}")
        return
    yield Fact(SUBJECT, f"sensor {version}, {path}")
    yield from suricata_settings.examine(settings)
    yield from guarded(SUBJECT, suricata_rules.examine(settings, version, places.policy, definition))
    yield from guarded(SUBJECT, suricata_logs.examine(settings, places.suricata_logs))
