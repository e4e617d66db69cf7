"""The command line: one function per verb."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from melsec_nsm import __version__
from melsec_nsm import policy as policies
from melsec_nsm.analysis import verdicts
from melsec_nsm.cli.doctor import doctor
from melsec_nsm.cli.failing import FINDINGS, WRONG_INPUT, fail, inputs, own_checkout
from melsec_nsm.cli.release import release
from melsec_nsm.definitions import load, validate_files
from melsec_nsm.definitions.model import ENGINES
from melsec_nsm.engines import engines as all_engines
from melsec_nsm.engines.base import Engine, Result
from melsec_nsm.generate import captures, project
from melsec_nsm.generate import site as sites
from melsec_nsm.policy import explain as explaining
from melsec_nsm.policy.clock import LAST_YEAR
from melsec_nsm.policy.compiled import CompiledPolicy, Content
from melsec_nsm.report import tables
from melsec_nsm.report.document import document


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="melsec-nsm")
def main() -> None:
    """Zeek and Suricata for Mitsubishi MELSEC traffic, from one signature definition."""


@main.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@inputs
def validate(files: tuple[Path, ...]) -> None:
    """Check the definition, or the given FILES (definitions and policies); every mistake with its position."""
    if not files:
        definition = load()
        commands = sum(1 for _ in definition.commands())
        detections, conversations = len(definition.detections), len(definition.captures)
        click.echo(f"valid: {commands} commands, {detections} detections, {conversations} captures")
        return
    sites = [file for file in files if policies.is_policy(file)]
    issues = validate_files([file for file in files if file not in sites]) if len(sites) < len(files) else []
    for site in sites:
        issues += policies.validate(site, load())
    for issue in issues:
        click.echo(str(issue), err=True)
    if issues:
        sys.exit(WRONG_INPUT)
    click.echo(f"valid: {len(files)} file" + ("s" if len(files) > 1 else ""))


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a generated file is stale.")
@inputs
def generate(check: bool) -> None:
    """Write the generated files of zeek/ and suricata/."""
    root = own_checkout()
    _write(root, project.render(load()), check)


@main.group()
def pcap() -> None:
    """Captures made from the definition."""


@pcap.command("build")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a capture is stale.")
@inputs
def pcap_build(check: bool) -> None:
    """Write pcaps/ and its manifest."""
    root = own_checkout()
    files = captures.render(load())
    there = [*sorted((root / "pcaps").glob("*.pcap")), *sorted((root / "pcaps").glob("policies/*.yaml"))]
    gone = [path for path in there if path.relative_to(root).as_posix() not in files]
    _write(root, files, check, gone)


def _write(root: Path, files: dict[str, bytes], check: bool, gone: Sequence[Path] = ()) -> None:
    if check:
        stale = project.stale(root, files) + [str(path.relative_to(root)) for path in gone]
        for name in stale:
            click.echo(f"stale: {name}")
        if stale:
            sys.exit(FINDINGS)
        click.echo(f"{len(files)} generated files are up to date")
        return
    changed = project.write(root, files)
    for path in gone:
        path.unlink()
    for name in changed:
        click.echo(f"wrote {name}")
    for path in gone:
        click.echo(f"removed {path.relative_to(root)}")
    if not changed and not gone:
        click.echo(f"{len(files)} generated files are up to date")


@main.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--engine", "names", help="Engines to ask, separated by commas. Default: all that are here.")
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Captures judged at a time.")
@inputs
def test(paths: tuple[Path, ...], names: str | None, jobs: int) -> None:
    """Every engine at hand against the manifest: PATHS are captures or folders, default pcaps/."""
    definition = load()
    wanted = verdicts.expectations(paths or (own_checkout() / "pcaps",))
    known = all_engines(definition)
    asked = _named(names) if names else tuple(known)
    availabilities = [engine.availability() for engine in known.values()]
    here = {availability.engine for availability in availabilities if availability.version}
    if names:
        _require(known, asked)
    engines = [known[name] for name in asked if name in here]
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("judging", total=len(wanted) * len(engines))
        found = verdicts.judge(wanted, engines, jobs, lambda: progress.advance(task))
    tables.verdicts(tables.console(), definition, found, availabilities)
    if any(verdict.differences for verdict in found):
        sys.exit(FINDINGS)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--engine", "names", default="reference", show_default=True, help="Engines to ask, separated by commas.")
@click.option("--policy", type=click.Path(path_type=Path), help="Policy of the site that judges who, what and when.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document; several in a list.")
@inputs
def analyze(paths: tuple[Path, ...], names: str, policy: Path | None, as_json: bool) -> None:
    """What happened in these captures: operations, detections, controllers.

    A capture that is cut off is analysed as far as it goes, and the exit code is 2.
    """
    definition = load()
    known = all_engines(definition)
    asked = _named(names)
    _require(known, asked)
    found: list[Result] = []
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("analysing", total=len(paths) * len(asked))
        for path in paths:
            for name in asked:
                found.append(known[name].run(path, policy))
                progress.advance(task)
    if as_json:
        documents = [document(result) for result in found]
        click.echo(json.dumps(documents[0] if len(documents) == 1 else documents, indent=1))
    else:
        tables.results(tables.console(), definition, found)
    warnings = list(dict.fromkeys(line for result in found for line in result.warnings))
    for line in warnings:
        click.echo(line, err=True)
    if any(result.truncated for result in found):
        sys.exit(WRONG_INPUT)


def _named(names: str) -> tuple[str, ...]:
    asked = tuple(name.strip() for name in names.split(",") if name.strip())
    unknown = [name for name in asked if name not in ENGINES]
    if unknown or not asked:
        fail(f"unknown engine: {', '.join(unknown) or names!r} (there are {', '.join(ENGINES)})")
    return tuple(dict.fromkeys(asked))


def _require(known: dict[str, Engine], asked: Sequence[str]) -> None:
    for name in asked:
        availability = known[name].availability()
        if availability.version is None:
            fail(f"{name}: {availability.reason}; {availability.remedy}")


@main.group("policy")
def site_policy() -> None:
    """The policy of a site: who may do what, when and which way."""


_SITE = click.argument("site", type=click.Path(path_type=Path))


@site_policy.command("check")
@_SITE
@inputs
def policy_check(site: Path) -> None:
    """Check the policy SITE: every mistake with its position, and what is probably not meant."""
    found = policies.load(site, load())
    for issue in found.advice:
        click.echo(f"{issue}", err=True)
    counts = f"{len(found.hosts)} hosts, {len(found.controllers)} controllers, {len(found.windows)} windows"
    click.echo(f"valid: {found.site}: {counts}, {len(found.changes)} changes")


@site_policy.command("compile")
@_SITE
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for zeek/ and suricata/.")
@click.option(
    "--until",
    type=click.IntRange(2001, 2200),
    default=LAST_YEAR,
    show_default=True,
    help="Last year of which the time zone is written out.",
)
@inputs
def policy_compile(site: Path, out: Path, until: int) -> None:
    """Write the policy SITE for Zeek and Suricata below a folder. A policy with mistakes changes nothing there."""
    definition = load()
    compiled = CompiledPolicy(policies.load(site, definition), definition, until)
    try:
        made = sites.install(out, sites.render(compiled, definition))
    except OSError as error:
        fail(f"{error.filename or out}: {error.strerror}")
        return
    for path in made:
        click.echo(f"wrote {path}")


@site_policy.command("explain")
@_SITE
@click.option("--client", required=True, help="Address or name of the host that wants something.")
@click.option("--controller", "--server", "server", help="Address or name of the controller; none: a broadcast.")
@click.option("--action", required=True, help="Engineering operation or class: program-download, control, read …")
@click.option("--at", "when", help="Time, by the clocks of the site: 2026-11-29T03:00. Default: now.")
@click.option("--port", default="", help="Port of the controller: 5562/tcp.")
@click.option("--file", help="Name of a file that is written.")
@click.option("--sha256", help="Digest of its content.")
@inputs
def policy_explain(
    site: Path,
    *,
    client: str,
    server: str | None,
    action: str,
    when: str | None,
    port: str,
    file: str | None,
    sha256: str | None,
) -> None:
    """May somebody do something, by the policy SITE, and why? Exit code 0 if so, 1 if not."""
    if sha256 is not None and file is None:
        fail("--sha256 is that of a --file")
    definition = load()
    compiled = CompiledPolicy(policies.load(site, definition), definition)
    question = explaining.Question(
        client=explaining.client_address(compiled, client),
        server=explaining.server_address(compiled, server) if server is not None else None,
        action=action,
        at=explaining.instant(compiled, when) if when is not None else time.time_ns(),
        port=explaining.port(port),
        content=Content(file, sha256.lower() if sha256 is not None else None) if file is not None else None,
    )
    found = explaining.explain(compiled, definition, question)
    click.echo(found.answer)
    for line in found.lines:
        mark = {True: "+", False: "-", None: " "}[line.good]
        click.echo(f"  {mark} {line.text}" + (f"  ({line.location})" if line.location is not None else ""))
    if not found.allowed:
        sys.exit(FINDINGS)


main.add_command(doctor)
main.add_command(release)
