"""The command that makes a release: of the rules, or of the Zeek package for a machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from melsec_nsm import __version__
from melsec_nsm.cli.failing import WRONG_INPUT, fail, inputs, own_checkout
from melsec_nsm.definitions import load
from melsec_nsm.generate import captures
from melsec_nsm.generate.site import install
from melsec_nsm.release import build, changes, checks, signing, versions
from melsec_nsm.release import zeek as compiled
from melsec_nsm.release.checkout import look


@click.command()
@click.option("--out", default="dist", show_default=True, type=click.Path(path_type=Path), help="Folder for the files.")
@click.option("--base-url", help="Where that folder will be; without it, who enables the source has to say so.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 where something stands against a release.")
@click.option("--since", metavar="TAG|FILE", help="Release or lock file to compare with. Default: the last release.")
@click.option("--key", type=click.Path(path_type=Path), help="Key of OpenSSH that signs the checksums.")
@click.option("--zeek", is_flag=True, help="Make the Zeek package, compiled, for sensors like this without a compiler.")
@inputs
def release(*, out: Path, base_url: str | None, check: bool, since: str | None, key: Path | None, zeek: bool) -> None:
    """Make the rules archive for suricata-update, its index, checksums and the list of changed rules.

    With --zeek the Zeek package instead: scripts, and the analyzers compiled for the Zeek of this machine.

    What stands against a release is said on stderr; of rules that are not those of the definition nothing is made.
    """
    if zeek and (check or base_url is not None or key is not None):
        raise click.UsageError("--zeek goes with --out and --since only")
    definition = load()
    root = own_checkout()
    found = look(root, __version__, definition, since)
    # No capture is part of a release, and making them takes longer than all the rest.
    against = checks.objections(found, captures.render(definition) if check else {})
    for one in against:
        click.echo(f"not releasable: {one.why}\n  {one.mend}", err=True)
    if check and not against:
        click.echo(f"releasable: {__version__}, {_counts(found.changes)}; git tag {versions.tag_of(__version__)}")
    if (check and against) or any(one.blocks for one in against):
        sys.exit(WRONG_INPUT)
    if check:
        return
    day = versions.newest(root).day
    if zeek:
        made = compiled.package(root, __version__, day)
    else:
        text = changes.render(found.changes, definition, __version__, found.since)
        made = build.files(build.read(root, __version__, day, text), base_url, key)
    try:
        for path in install(out, made):
            click.echo(f"wrote {path}")
        if key is None and not zeek:
            # One of other checksums would only alarm those who verify it.
            (out / signing.SIGNATURE).unlink(missing_ok=True)
    except OSError as error:
        fail(f"{error.filename or out}: {error.strerror}")


def _counts(found: Sequence[changes.Change]) -> str:
    kinds = (changes.ADDED, changes.CHANGED, changes.REMOVED)
    return ", ".join(f"{sum(one.what == what for one in found)} {what}" for what in kinds)
