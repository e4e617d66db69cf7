"""``melsec-nsm doctor``: the state of this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from melsec_nsm.analysis import doctor as health
from melsec_nsm.cli.failing import FINDINGS, inputs
from melsec_nsm.definitions import load
from melsec_nsm.engines import engines as all_engines
from melsec_nsm.report import tables

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.option("--suricata-conf", type=_FILE, help="suricata.yaml of the sensor. Default: where Suricata has it.")
@click.option("--suricata-logs", type=_FOLDER, help="Folder with eve.json. Default: as suricata.yaml says.")
@click.option("--zeek", type=click.Path(exists=True, path_type=Path), help="Prefix of a Zeek, or its program.")
@click.option("--zeek-logs", type=_FOLDER, help="Folder of the current logs. Default: as zeekctl has it.")
@click.option(
    "--policy",
    type=click.Path(file_okay=False, path_type=Path),
    default=health.POLICY,
    show_default=True,
    help="Folder that the policy of the site is compiled into.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@click.option("--line", is_flag=True, help="One line: each engine with its version.")
@inputs
def doctor(
    *,
    suricata_conf: Path | None,
    suricata_logs: Path | None,
    zeek: Path | None,
    zeek_logs: Path | None,
    policy: Path,
    as_json: bool,
    line: bool,
) -> None:
    """Which sensors are here, what is set up wrongly, and the line that mends it. Only reads.

    Exit code 0 where nothing has to be mended, 1 otherwise.
    """
    definition = load()
    engines = all_engines(definition)
    if line:
        here = tuple(engine.availability() for engine in engines.values())
        click.echo(health.Report(here, (), ()).line())
        return
    report = health.examine(engines, definition, health.Places(suricata_conf, suricata_logs, zeek, zeek_logs, policy))
    if as_json:
        click.echo(json.dumps(report.document(), indent=1))
    else:
        tables.health(tables.console(), report)
    if not report.sound:
        sys.exit(FINDINGS)
