"""A Zeek that watches: its package, whether that is loaded, the policy in force, the cluster."""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from melsec_nsm import __version__
from melsec_nsm.analysis.doctor.model import ADVICE, INFORMATION, PROBLEM, Fact, Finding, Said, guarded, unread
from melsec_nsm.analysis.doctor.zeek_place import Zeek, first_error
from melsec_nsm.engines.share import SETTINGS_PATH, checkout, zeek_scripts
from melsec_nsm.engines.zeek import ZeekEngine
from melsec_nsm.generate.site import TABLE, table
from melsec_nsm.generate.zeek.signatures import ANALYZERS

SUBJECT = "zeek"
POLICY_FILE = "MELSEC::policy_file"

_PACKAGES = "@load packages"
_SCRIPTS = ("*.zeek", "*.sig")
_OF_THE_SITE = {Path(SETTINGS_PATH).name}
"""What differs from the release by right."""


def examine(zeek: Zeek, policy: Path) -> Said:
    """All but the logs. ``policy`` is the folder that policies are compiled into."""
    yield Fact(SUBJECT, f"sensor {zeek.version} ({zeek.program})")
    # An upgrade of Zeek wants the analyzers compiled again: here, unless they came from another machine.
    if not zeek.unpacked():
        yield from (Finding(SUBJECT, ADVICE, reason, remedy) for reason, remedy in ZeekEngine().lacks(zeek.program))
    yield from guarded(SUBJECT, _packaged(zeek, policy))
    yield from guarded(SUBJECT, cluster(zeek.config / "node.cfg"))
    yield from guarded(SUBJECT, _deployed(zeek))


def _packaged(zeek: Zeek, policy: Path) -> Said:
    package = zeek.own_package()
    lame = list(_analyzers(zeek, package))
    yield from lame
    if package is not None:
        yield from guarded(SUBJECT, _release(zeek, package))
    # Without analyzers the scripts have nothing to load.
    if all(one.severity != PROBLEM for one in lame):
        yield from _scripts(zeek, package, policy)


def _install(zeek: Zeek, package: Path | None) -> str:
    """The command that installs the package, or does so again."""
    if package is None:
        return f"zkg install {checkout() or '/path/to/melsec-nsm'}"
    if zeek.unpacked():
        return f"melsec-nsm release --zeek  # on a machine with Zeek {zeek.version} and a compiler; then unpack it here"
    return f"zkg install --force {zeek.manifest(package.name).get('url') or checkout() or package.name}"


def _analyzers(zeek: Zeek, package: Path | None) -> Iterator[Finding]:
    """Whether the compiled analyzers are there, and are for this Zeek."""
    outcome = zeek.plugins_outcome()
    if outcome.code != 0:
        why = first_error(outcome)
        # Where it crashed it does not say over which plugin.
        if package is not None and (outcome.code < 0 or str(zeek.plugins / package.name) in why):
            text = f"the compiled analyzers are damaged, or not for this Zeek: {why}"
            yield Finding(SUBJECT, PROBLEM, text, _install(zeek, package))
        else:
            yield Finding(SUBJECT, PROBLEM, f"Zeek does not start: {why}", f"{zeek.program} -NN")
        return
    if all(name in outcome.stdout for name in ANALYZERS.values()):
        yield from _age(zeek, package)
    elif package is None:
        yield Finding(
            SUBJECT, PROBLEM, f"the package is not installed in {zeek.packages.parent}", _install(zeek, package)
        )
    else:
        folder = zeek.plugins / package.name
        yield Finding(SUBJECT, PROBLEM, f"no compiled analyzers in {folder}", _install(zeek, package))


def _age(zeek: Zeek, package: Path | None) -> Iterator[Finding]:
    """Zeek may load analyzers that were compiled for another one where only its own number has changed."""
    if package is None:
        return
    built = zeek.unpacked().get("zeek", zeek.version)
    if built != zeek.version:
        text = f"the analyzers were compiled for Zeek {built}, and this is {zeek.version}: analyzers belong to one Zeek"
        yield Finding(SUBJECT, ADVICE, text, _install(zeek, package))
        return
    for compiled in sorted((zeek.plugins / package.name).rglob("*.hlto")):
        # When something was put on this machine: times of modification come with packages.
        if compiled.stat().st_ctime_ns < zeek.program.resolve().stat().st_ctime_ns:
            yield Finding(
                SUBJECT,
                ADVICE,
                f"Zeek was installed after {compiled} was compiled: analyzers belong to one Zeek",
                _install(zeek, package),
            )


def _release(zeek: Zeek, package: Path) -> Said:
    """Whether the installed scripts are those of this release."""
    manifest = zeek.manifest(package.name)
    said = " ".join(filter(None, (manifest.get("current_version"), str(manifest.get("current_hash", ""))[:10])))
    if zeek.unpacked():
        said = "(unpacked, not installed by zkg)"
    yield Fact(SUBJECT, f"package {package.name} {said or '(zkg has noted nothing of it)'}")
    ours, theirs = _contents(zeek_scripts()), _contents(package)
    unlike = sorted(name for name in (ours.keys() | theirs.keys()) - _OF_THE_SITE if ours.get(name) != theirs.get(name))
    if unlike:
        more = f" and {len(unlike) - 1} more" if len(unlike) > 1 else ""
        yield Finding(
            SUBJECT,
            ADVICE,
            f"the installed package is another version than this tool, {__version__}: {unlike[0]}{more} differ",
            _update(zeek, package),
        )


def _update(zeek: Zeek, package: Path) -> str:
    """The command that brings the package of this release."""
    if zeek.unpacked():
        return _install(zeek, package)
    return f"zkg install --force {checkout()}" if checkout() else f"zkg refresh && zkg upgrade {package.name}"


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for pattern in _SCRIPTS for file in folder.glob(pattern)}


def _scripts(zeek: Zeek, package: Path | None, policy: Path) -> Said:
    """Whether ``local.zeek`` can be read and loads the package, and the policy that it names."""
    local = zeek.local
    if not local.is_file():
        yield Finding(
            SUBJECT, INFORMATION, f"there is no {local}: what this sensor loads is not known", _PACKAGES, str(local)
        )
        return
    settings, complaint = zeek.parsed()
    if complaint:
        early = "used but not previously defined (MELSEC::" in complaint
        if early:
            yield Finding(SUBJECT, PROBLEM, complaint, _PACKAGES, f"{local}, above the first line with MELSEC::")
        else:
            yield Finding(SUBJECT, PROBLEM, f"Zeek refuses its scripts: {complaint}", f"{zeek.program} -a {local}")
        return
    if POLICY_FILE not in settings:
        yield _unloaded(zeek, package)
        return
    yield from policy_in_force(settings[POLICY_FILE], policy, local)


def _unloaded(zeek: Zeek, package: Path | None) -> Finding:
    listed = zeek.packages / "packages.zeek"
    if package is not None and zeek.unpacked():
        line = f"@load packages/{package.name}"
        return Finding(SUBJECT, PROBLEM, f"the package is not loaded by {zeek.local}", line, str(zeek.local))
    if package is not None and not _loads(listed, package.name):
        return Finding(
            SUBJECT, PROBLEM, f"the package is installed and not loaded: not in {listed}", f"zkg load {package.name}"
        )
    return Finding(SUBJECT, PROBLEM, f"the package is not loaded by {zeek.local}", _PACKAGES, str(zeek.local))


def _loads(listed: Path, name: str) -> bool:
    if not listed.is_file():
        return False
    lines = listed.read_text("utf-8", "replace").splitlines()
    return any(line.split() in (["@load", f"./{name}"], ["@load", name]) for line in lines)


def policy_in_force(named: str, folder: Path, local: Path) -> Said:
    """The file that ``MELSEC::policy_file`` names; ``folder`` is where one may have been compiled to."""
    made = folder / TABLE
    if not named:
        if made.is_file():
            line = f'redef {POLICY_FILE} = "{made}";'
            yield Finding(
                SUBJECT, ADVICE, f"there is a compiled policy {made}, and Zeek does not read it", line, str(local)
            )
        return
    file = Path(named)
    place = file.parents[1] if file.as_posix().endswith(f"/{TABLE}") else folder
    mend = f"melsec-nsm policy compile SITE.yaml --out {place}"
    try:
        octets, changed = file.read_bytes(), file.stat().st_mtime
    except FileNotFoundError:
        there = made.is_file() and made != file
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"the policy {file} is not there: nothing is judged by one",
            f'redef {POLICY_FILE} = "{made}";' if there else mend,
            str(local) if there else "",
        )
        return
    stated = table.stated(octets)
    if stated.fault:
        yield Finding(SUBJECT, PROBLEM, f"Zeek does not take the policy {file}: {stated.fault}", mend)
        return
    when = datetime.fromtimestamp(changed)
    days = (datetime.now() - when).days
    yield Fact(SUBJECT, f"policy of {stated.site} ({file}), compiled {when:%Y-%m-%d %H:%M}, {days} days ago")


def cluster(file: Path) -> Said:
    """What meets on a proxy needs one."""
    if not file.is_file():
        return
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text("utf-8", "replace"))
    except configparser.Error as error:
        yield unread(SUBJECT, file, " ".join(str(error).split()))
        return
    nodes = {name: dict(parser[name]) for name in parser.sections()}
    if _of(nodes, "worker") and not _of(nodes, "proxy"):
        host = next((nodes[name].get("host") for name in _of(nodes, "manager")), None) or "localhost"
        yield Finding(
            SUBJECT,
            PROBLEM,
            "the cluster has workers and no proxy: broadcasts, operations and counts over several workers are not "
            "put together",
            f"[proxy-1]\ntype=proxy\nhost={host}",
            str(file),
        )


def _of(nodes: Mapping[str, Mapping[str, str]], kind: str) -> list[str]:
    return [name for name, node in nodes.items() if node.get("type", "").strip().lower() == kind]


def _deployed(zeek: Zeek) -> Said:
    """Whether those who run have the scripts that are set up."""
    place = zeek.deployed()
    deployed = place / "local.zeek"
    if not (deployed.is_file() and zeek.local.is_file()):
        return
    stale = deployed.read_bytes() != zeek.local.read_bytes()
    package = zeek.own_package()
    if package is not None and zeek.packages.parent == zeek.site:
        there = place / "packages" / package.name
        stale = stale or (there.is_dir() and _contents(there) != _contents(package))
    if stale:
        yield Finding(SUBJECT, ADVICE, f"what runs is older than what is set up in {zeek.site}", "zeekctl deploy")
