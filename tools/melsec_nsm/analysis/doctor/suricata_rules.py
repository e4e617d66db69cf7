"""The rules that a Suricata loads: whether ours are among them, of this release, and with all that they need."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm.analysis.doctor.model import ADVICE, INFORMATION, PROBLEM, Fact, Finding, Said, guarded, unread
from melsec_nsm.analysis.doctor.suricata_settings import SUBJECT, Settings, public_home
from melsec_nsm.definitions import lock
from melsec_nsm.definitions.model import Definition
from melsec_nsm.engines.locate import parse_version
from melsec_nsm.engines.share import suricata_rules
from melsec_nsm.generate.site import RULES, THRESHOLDS
from melsec_nsm.generate.site.rules import FIRST_SITE_SID
from melsec_nsm.generate.suricata.looks import SITELESS

_RULE = re.compile(r"^\s*(#\s*)?(?:alert|drop|reject\w*|pass|config)\s+\S+\s+(.*?)\((.*)\)\s*$")
_SID, _REV = re.compile(r"[;(\s]sid\s*:\s*(\d+)"), re.compile(r"[;\s]rev\s*:\s*(\d+)")
_ID = re.compile(r"melsec_id\s+([\w-]+)")
_OWN = 'msg:"MELSEC '
_VARIABLE = re.compile(r"\$(\w+)")
_DATA_SET = re.compile(r"dataset\s*:[^;]*?\b(?:load|state)\s+([^,;\s]+)")
_LUA = re.compile(r"[;\s]lua(?:xform)?\s*:")
_ABOUT = re.compile(r"sig_id\s+(\d+)")

_UPDATED = "suricata.rules"
"""What suricata-update writes."""
_UPDATER = "suricata-update"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A rule of this bundle in a rule file. ``traffic`` is its header without action and protocol."""

    sid: int
    rev: int
    detection: str
    enabled: bool
    traffic: str
    options: str
    file: Path

    @property
    def published(self) -> bool:
        """Whether it is one of the published rules, and not of the policy of a site."""
        return self.sid < FIRST_SITE_SID

    @property
    def text(self) -> str:
        """What it says, but for the places of data sets: suricata-update moves them."""
        return _DATA_SET.sub("", f"{self.traffic}{self.options}")


def read(file: Path) -> Iterator[Loaded]:
    """The rules of this bundle in a file, commented out ones too. OSError."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            rule = _RULE.match(line) if _OWN in line else None
            sid = _SID.search(line) if rule else None
            if rule and sid and int(sid[1]) >= lock.FIRST_SID:
                rev, detection = _REV.search(line), _ID.search(line)
                yield Loaded(
                    sid=int(sid[1]),
                    rev=int(rev[1]) if rev else 0,
                    # Rules that only note something for others name none.
                    detection=detection[1] if detection else "framing",
                    enabled=not rule[1],
                    traffic=rule[2],
                    options=rule[3],
                    file=file,
                )


def files(settings: Settings) -> Iterator[Path]:
    """The rule files that are there, as Suricata finds them: patterns are allowed. OSError."""
    for name in settings.rule_files:
        path = settings.rule_folder / name
        if not any(sign in name for sign in "*?["):
            if path.exists():
                yield path
        elif path.parent.is_dir():
            # A pattern finds nothing in a folder that may not be read, and says nothing of it.
            next(path.parent.iterdir(), None)
            yield from sorted(path.parent.glob(path.name))


def examine(settings: Settings, version: str, policy: Path, definition: Definition) -> Said:
    """``version`` is Suricata's; ``policy`` the folder that policies are compiled into."""
    rules: list[Loaded] = []
    for file in files(settings):
        try:
            rules += read(file)
        except OSError as error:
            yield unread(SUBJECT, file, error.strerror)
    try:
        shipped = list(read(suricata_rules()))
    except OSError:
        # The state of the tool itself is looked at elsewhere.
        return
    published = [rule for rule in rules if rule.published]
    yield from _published(settings, published, shipped)
    active = [rule for rule in rules if rule.enabled]
    yield from _twice(settings, active)
    yield from _variables(settings, active)
    yield from guarded(SUBJECT, _data_sets(active, policy))
    yield from _lua(settings, active, version)
    yield from guarded(SUBJECT, _site(settings, rules, policy))
    if any(rule.enabled for rule in published):
        yield from _public(settings, definition)


def _loading(settings: Settings, file: Path) -> tuple[str, str]:
    """The line that has Suricata load a rule file, and its place (empty: it is a command)."""
    updated = any(Path(name).name == _UPDATED for name in settings.rule_files)
    if updated and shutil.which(_UPDATER):
        return f"{_UPDATER} --local {file}", ""
    return f"- {file}", settings.place("rule-files")


def _published(settings: Settings, rules: list[Loaded], shipped: list[Loaded]) -> Said:
    mend, place = _loading(settings, suricata_rules())
    if not rules:
        beside = settings.rule_folder / suricata_rules().name
        if beside.is_file():
            mend, place = f"- {beside.name}", settings.place("rule-files")
        yield Finding(SUBJECT, PROBLEM, f"no rule of this bundle is in the rule files of {settings.path}", mend, place)
        return
    where = ", ".join(sorted({str(rule.file) for rule in rules}))
    active = {rule.sid for rule in rules if rule.enabled}
    if not active:
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"all {len(rules)} rules of this bundle are commented out in {where}",
            "re:melsec_id",
            f"{settings.path.parent / 'enable.conf'}, then {_UPDATER}",
        )
        return
    yield Fact(SUBJECT, f"{len(active)} rules of this bundle ({where})")
    again = f"{_UPDATER} --local {suricata_rules()}" if not place else f"cp {suricata_rules()} {rules[0].file}"
    revs = {rule.sid: rule.rev for rule in rules}
    old = [rule for rule in shipped if revs.get(rule.sid, rule.rev) < rule.rev]
    missing = [rule for rule in shipped if rule.sid not in revs]
    known = {rule.sid: rule.rev for rule in shipped}
    newer = [rule for rule in rules if rule.rev > known.get(rule.sid, 0)]
    if newer:
        yield Finding(
            SUBJECT,
            ADVICE,
            f"{len(newer)} rules are newer than this tool ({_ids(newer)})",
            "pip install --upgrade melsec-nsm",
        )
    elif old or missing:
        counts = [f"{len(some)} {what}" for some, what in ((old, "are older"), (missing, "are missing")) if some]
        yield Finding(
            SUBJECT,
            ADVICE,
            f"the rules are not those of this release: {' and '.join(counts)} ({_ids([*old, *missing])})",
            again,
        )
    # Informational ones ship like that.
    on = {rule.sid for rule in shipped if rule.enabled}
    off = [rule for rule in rules if rule.sid not in active and rule.sid in on]
    if off:
        yield Finding(SUBJECT, INFORMATION, f"{len(off)} rules of this bundle are commented out ({_ids(off)})")


def _ids(rules: Iterable[Loaded]) -> str:
    """The detections of rules, the first of them."""
    names = list(dict.fromkeys(rule.detection for rule in rules))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _twice(settings: Settings, active: list[Loaded]) -> Said:
    """Suricata refuses a rule that it has already."""
    by_sid: dict[int, list[Path]] = {}
    for rule in active:
        by_sid.setdefault(rule.sid, []).append(rule.file)
    doubled = [places for places in by_sid.values() if len(places) > 1]
    if doubled:
        both = ", ".join(sorted({str(path) for path in doubled[0]}))
        extra = next((name for name in settings.rule_files if Path(name).name != _UPDATED), doubled[0][-1])
        yield Finding(
            SUBJECT,
            ADVICE,
            f"{len(doubled)} rules of this bundle are loaded more than once ({both}): Suricata refuses the second",
            f"# - {extra}",
            settings.place("rule-files"),
        )


def _variables(settings: Settings, active: list[Loaded]) -> Said:
    """The published rules have literal addresses; a site may have changed that (modify.conf)."""
    used = Counter(name for rule in active for name in set(_VARIABLE.findall(rule.traffic)))
    for name, count in sorted(used.items()):
        value = settings.variable(name)
        group = "port-groups" if name.endswith("PORTS") else "address-groups"
        if value is None:
            yield Finding(
                SUBJECT,
                PROBLEM,
                f"{count} rules of this bundle use ${name}, which is not set: Suricata refuses them",
                f'{name}: "any"' if name.endswith("PORTS") else f'{name}: "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"',
                settings.place(f"vars, {group}"),
            )
        elif name == "EXTERNAL_NET" and value == "!$HOME_NET" and settings.variable("HOME_NET") == "any":
            yield Finding(
                SUBJECT,
                PROBLEM,
                f"{count} rules of this bundle use ${name}, which is nobody while HOME_NET is any",
                'EXTERNAL_NET: "any"',
                settings.place(f"vars, {group}"),
            )


def _data_sets(active: list[Loaded], policy: Path) -> Said:
    lost: dict[Path, int] = {}
    for rule in active:
        for name in _DATA_SET.findall(rule.options):
            path = rule.file.parent / name
            if not path.is_file():
                lost[path] = lost.get(path, 0) + 1
    for path, count in sorted(lost.items()):
        compiled = policy / Path(RULES).parent / path.name
        mend = f"cp {compiled} {path}" if compiled.is_file() else f"melsec-nsm policy compile SITE.yaml --out {policy}"
        yield Finding(SUBJECT, PROBLEM, f"{count} rules need the data set {path}, which is not there", mend)


def _lua(settings: Settings, active: list[Loaded], version: str) -> Said:
    """Suricata 7 has Lua off unless it is said to be on, 8 the other way round."""
    scripted = [rule for rule in active if _LUA.search(f" {rule.options}")]
    name = "security.lua.allow-rules"
    allowed = settings.on(name) or (parse_version(version) >= (8,) and not settings.off(name))
    if scripted and not allowed:
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"{len(scripted)} rules need Lua, which is off: Suricata refuses them ({_ids(scripted)})",
            "allow-rules: true",
            settings.place("security, lua"),
        )


def _site(settings: Settings, rules: list[Loaded], policy: Path) -> Said:
    """Whether the rules and the thresholds of the compiled policy are loaded as they are."""
    compiled, thresholds = policy / RULES, policy / THRESHOLDS
    if not compiled.is_file():
        return
    wanted = {rule.sid: rule.text for rule in read(compiled)}
    lines = _settings_lines(thresholds) if thresholds.is_file() else []
    there = _settings_lines(settings.threshold_file) if settings.threshold_file.is_file() else []
    loaded = {rule.sid: rule.text for rule in rules if not rule.published}
    mend, place = _loading(settings, compiled)
    if not place:
        mend = f"{_UPDATER} --local {suricata_rules()} --local {compiled}"
    if wanted and not loaded:
        yield Finding(SUBJECT, PROBLEM, f"the rules of the site, {compiled}, are not loaded", mend, place)
    elif wanted != loaded:
        # They are loaded from a copy.
        copies = sorted({rule.file for rule in rules if not rule.published and rule.file != compiled})
        again = mend if not place or not copies else f"cp {compiled} {copies[0]}"
        yield Finding(SUBJECT, PROBLEM, f"the rules of the site are not those of {compiled}", again)
    missing = [line for line in lines if line not in there]
    if missing:
        yield Finding(
            SUBJECT,
            PROBLEM,
            f"{len(missing)} lines of {thresholds} are not in the threshold-file: what the policy has off, excepted or "
            "counted otherwise",
            f"cat {thresholds} >> {settings.threshold_file}",
        )
    strange = [line for line in there if line not in lines and _is_ours(line)]
    if strange and not missing:
        yield Finding(
            SUBJECT,
            INFORMATION,
            f"{settings.threshold_file} has {len(strange)} lines about rules of this bundle that the policy does not "
            f"have, such as: {strange[0]}",
        )


def _settings_lines(file: Path) -> list[str]:
    lines = (" ".join(line.split()) for line in file.read_text("utf-8", "replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _is_ours(line: str) -> bool:
    about = _ABOUT.search(line)
    return about is not None and lock.FIRST_SID <= int(about[1]) < FIRST_SITE_SID


def _public(settings: Settings, definition: Definition) -> Said:
    """The published rules have the private networks for those of the site; only a policy knows others."""
    network = public_home(settings)
    if not network:
        return
    about = [one.id for one in definition.detections.values() if one.when.policy in SITELESS]
    entries = lock.read()
    bases = [entries[name].base + lock.FIRST_SID for name in about if name in entries]
    there = _settings_lines(settings.threshold_file) if settings.threshold_file.is_file() else []
    quiet = [int(found[1]) for line in there if line.startswith("suppress") and (found := _ABOUT.search(line))]
    if any(base <= sid < base + lock.BLOCK for base in bases for sid in quiet):
        return
    yield Finding(
        SUBJECT,
        ADVICE,
        f"HOME_NET has the public network {network}: {', '.join(about)} of the published rules takes its hosts for "
        "strangers",
        f"site: [{network}]",
        "the policy of the site, zones, and compile it",
    )
