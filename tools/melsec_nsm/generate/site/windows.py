"""Maintenance windows for Suricata: rules that ask a script for the hour, judged by the time of the packet.

They stand in a folder of their own: Suricata refuses scripts unless it is told otherwise, and one rule with a script
that it refuses makes it refuse all.

Silent rules recognise a request and set a flowbit. A rule that reads it asks the script, and raises the alert: one for
all operations whose windows are the same at every controller, so that scripts are few. It stands there twice, for 7
and for 8, whose scripts differ. Behind it a silent rule clears the bit, whatever was judged, so that no later packet of
the flow is judged by it. Suricata's order of rules makes that work: those that set a flowbit, then those that read and
change one, and of these the ones that have to do with an xbit first. (An xbit that a packet sets would not do: other
rules do not see it before the next packet.)

A script knows the windows of every controller by its address, and says nothing of others. Alerts of a pair of hosts
are raised once in the interval of the detection, whatever is done.

What the rules miss, and the other engines see:

* requests that are believed when they are answered (1E), that stand behind others in their segment, or that are split
  over several;
* requests to a broadcast address, as who answers is not known;
* another file that is written by requests that name it each time, or another online change, if it begins outside a
  window while one of the same hosts goes on.

Users that are registered may be new or known, which no request tells: a window for either is enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from melsec_nsm.codec.transactions import NAMED_FILE_TIMEOUT
from melsec_nsm.definitions.lock import FIRST_SID
from melsec_nsm.definitions.model import Condition, Definition, Detection, Limit
from melsec_nsm.generate.site.parties import DataSets, none_of
from melsec_nsm.generate.site.rules import PACKETS, REQUEST_TARGET, loading, once, spared_by
from melsec_nsm.generate.suricata.looks import Look, looks_for
from melsec_nsm.generate.suricata.rule import Rule, RuleMaker
from melsec_nsm.generate.suricata.rules import ENGINE, rules_for
from melsec_nsm.policy.compiled import WINDOW, CompiledPolicy, OpenWindow

FIRST_WINDOW_SID = FIRST_SID + 19_000
"""The sids behind those of the other rules of a site."""

MAX_NUMBERS = 12_000
"""How much a script knows, in numbers: Suricata 8 gives it 500 kB, and each takes 16 octets, some twice."""

FILE = "melsec-site-windows.rules"
SCRIPT = ".lua"
"""How the names of scripts end, which stand beside the rules."""

_Windows = tuple[OpenWindow, ...]
_WindowsOf = Mapping[str, _Windows]
"""By the names or the addresses of controllers."""

_NAME = "melsec-window"
_VERSIONS = (("7", "version >= 7.0.3 < 8"), ("8", "version >= 8"))
_PAYLOAD = "dsize:>0"
"""Without a look at the payload rules would be about addresses alone, and judged before all others."""


_HEAD = """\
# Maintenance windows of site {site}, made by `melsec-nsm policy compile`. Do not edit.
# They ask scripts, which have to stand in default-rule-path; Suricata 7 wants security.lua.allow-rules for them, and
# warns unless luajit.states is at least {scripts} for each thread that detects.

"""
_OFF = """\
# Maintenance windows of site {site}, made by `melsec-nsm policy compile`. Do not edit.
# The policy has switched outside-window off.
"""
_SCRIPT = """\
-- Maintenance windows of site {site}, made by `melsec-nsm policy compile`. Do not edit.
{opening}
-- From when on (seconds since the epoch) the clocks of the site are how many seconds ahead of UTC.
local clock = {clock}

-- From when to when a window is valid, and the minutes of the week in which it is open: first and last ones in turn.
local windows = {windows}

-- Which windows there are for controllers, and which of these lists is that of a controller.
local lists = {lists}
local controllers = {controllers}

local function outside(second, address)
  local list = lists[controllers[address]]
  if list == nil then
    return 0
  end
  local offset = clock[2]
  for at = 3, #clock, 2 do
    if clock[at] > second then
      break
    end
    offset = clock[at + 1]
  end
  local shown = second + offset
  local minute = (math.floor(shown / 86400) + 3) % 7 * 1440 + math.floor(shown % 86400 / 60)
  for _, number in ipairs(list) do
    local one = windows[number]
    if one[1] <= second and second < one[2] then
      for at = 3, #one, 2 do
        if one[at] <= minute and minute < one[at + 1] then
          return 0
        end
      end
    end
  end
  return 1
end

function init(args)
  return {needs}
end

function match(args)
{match}
end
"""
_DIFFERENT = {
    "7": {
        "opening": "",
        "needs": '{["packet"] = "true"}',
        "match": "  local _, _, address = SCPacketTuple()\n  return outside((SCPacketTimestamp()), address)",
    },
    "8": {
        "opening": 'local packet = require("suricata.packet")\n',
        "needs": "{}",
        "match": "  local this = packet.get()\n  local _, _, address = this:tuple()\n"
        "  return outside((this:timestamp()), address)",
    },
}
_ALWAYS = 2**53


@dataclass(frozen=True, slots=True)
class _Told:
    """Operations that a request does not tell apart; ``idle`` seconds end one that takes several requests."""

    names: tuple[str, ...]
    idle: int = 0


def render(site: CompiledPolicy, definition: Definition) -> dict[str, bytes]:
    """The rule file, and by name the scripts and the data sets that its rules ask; no rules where it is off."""
    hosts = spared_by(site, WINDOW)
    if hosts is None:
        return {FILE: _OFF.format(site=site.policy.site).encode("ascii")}
    detection, sets = definition.detections[WINDOW], DataSets(_NAME)
    (client,) = none_of(network for host in hosts for network in host.networks).told(sets)
    maker = RuleMaker(definition, detection, "any frame", Look((), each=True))
    scripts: dict[str, bytes] = {}
    rules: list[Rule] = []
    left: list[str] = []
    for number, (operations, windows_of) in enumerate(_groups(site, definition), 1):
        bit = f"MELSEC.window-{number}.site"
        for told in operations:
            rules += _noting(definition, detection, told, bit)
        left += [name for name, windows in windows_of.items() if _numbers(windows) > MAX_NUMBERS]
        cleared = [_PAYLOAD, f"flowbits:isset,{bit}", f"flowbits:unset,{bit}"]
        for some in _parts(site, windows_of):
            name = f"{_NAME}-{len(scripts) // len(_VERSIONS) + 1}"
            for version, required in _VERSIONS:
                script = f"{name}-{version}{SCRIPT}"
                scripts[script] = _script(site, some, version)
                asked = [*once(detection), *client.asked("ip.src"), f"requires:{required}", f"lua:{script}"]
                rule = maker.alert("ip", [*cleared, *asked], direction="request")
                rules.append(replace(rule, header=f"alert ip {client.text} any -> any any"))
        rules.append(maker.silent("ip", cleared, note="judged"))
    head = _HEAD.format(site=site.policy.site, scripts=len(scripts) // len(_VERSIONS))
    if left:
        head += f"# Left out, as a script has no room for so many windows: {', '.join(dict.fromkeys(left))}\n\n"
    lines = [rule.line(sid, 1) + "\n" for sid, rule in enumerate([*loading(sets), *rules], FIRST_WINDOW_SID)]
    return {FILE: "".join([head, *lines]).encode("ascii"), **scripts, **sets.files()}


def _groups(site: CompiledPolicy, definition: Definition) -> Iterator[tuple[list[_Told], _WindowsOf]]:
    """Operations that have the same windows at every controller, with these windows."""
    groups: dict[tuple[_Windows, ...], list[_Told]] = {}
    for told in _told(definition):
        key = tuple(
            tuple(dict.fromkeys(window for name in told.names for window in site.windows_of(controller, name)))
            for controller in site.policy.controllers.values()
        )
        groups.setdefault(key, []).append(told)
    for windows, operations in groups.items():
        yield operations, dict(zip(site.policy.controllers, windows, strict=True))


def _told(definition: Definition) -> Iterator[_Told]:
    """The operations that need a window."""
    engineering = definition.engineering
    for name in dict.fromkeys(kind.download for kind in engineering.kinds if kind.needs_window):
        yield _Told((name,), NAMED_FILE_TIMEOUT)
    for action in engineering.actions:
        if action.needs_window:
            names = tuple(name for name in (action.name, action.known) if name)
            yield _Told(names, action.idle if action.each == "run" else 0)


def _noting(definition: Definition, detection: Detection, told: _Told, bit: str) -> Iterator[Rule]:
    """The rules that note the requests of an operation, in whole packets, in all frames that have a mark.

    Of one that goes on over several requests the first is noted: those behind it find that it goes on.
    """
    condition = Condition((), (), (), "request", actions=told.names[:1])
    sought = replace(detection, when=condition, unsupported={}, limits={ENGINE: Limit("frames without a mark")})
    for look in looks_for(definition, sought):
        going = f"MELSEC.{told.names[0]}.going"
        goes_on = told.idle and not look.each
        for rule in rules_for(definition, sought, (look,)).values():
            if rule.header.split()[1] in PACKETS and REQUEST_TARGET in rule.options:
                noted = [f"flowbits:set,{bit}"]
                yield _silent(rule, [f"xbits:isnotset,{going},track ip_pair", *noted] if goes_on else noted)
                if goes_on:
                    # One that is set keeps the time at which it expires.
                    anew = [f"xbits:unset,{going},track ip_pair", f"xbits:set,{going},track ip_pair,expire {told.idle}"]
                    yield _silent(rule, anew)


def _silent(rule: Rule, bits: Sequence[str]) -> Rule:
    """A rule that notes what another one raises an alert for, whoever sends it."""
    message, *options = rule.options
    dropped = ("threshold:", "reference:", "flowbits:", REQUEST_TARGET)
    return replace(rule, options=(message, "noalert", *bits, *(one for one in options if not one.startswith(dropped))))


def _parts(site: CompiledPolicy, windows_of: _WindowsOf) -> Iterator[_WindowsOf]:
    """Windows by the addresses of controllers, in parts that a script has room for."""
    part: dict[str, _Windows] = {}
    known: set[OpenWindow | _Windows] = set()
    taken = 0
    for name, windows in windows_of.items():
        if _numbers(windows) > MAX_NUMBERS:
            continue
        for address in site.policy.controllers[name].addresses:
            if taken + _numbers(windows, known) > MAX_NUMBERS:
                yield part
                part, known, taken = {}, set(), 0
            taken += _numbers(windows, known)
            known |= {windows, *windows}
            # The engine writes addresses of IPv6 in full.
            part[address.exploded] = windows
    if part:
        yield part


def _numbers(windows: _Windows, known: Collection[OpenWindow | _Windows] = ()) -> int:
    """The room that an address with its windows takes where some windows and lists of them are known."""
    address, table = 8, 4
    new = sum(table + 2 + 2 * len(one.spans) for one in windows if one not in known)
    return address + new + (0 if windows in known else table + len(windows))


def _script(site: CompiledPolicy, windows_of: _WindowsOf, version: str) -> bytes:
    """A script for controllers by their addresses."""
    windows = {window: number for number, window in enumerate(dict.fromkeys(chain(*windows_of.values())), 1)}
    lists = {some: number for number, some in enumerate(dict.fromkeys(windows_of.values()), 1)}
    text = _SCRIPT.format(
        site=site.policy.site,
        clock=_row(chain(*site.clock.transitions)),
        windows=_row(
            _row((one.begins or 0, _ALWAYS if one.ends is None else one.ends, *chain(*one.spans))) for one in windows
        ),
        lists=_row(_row(windows[one] for one in some) for some in lists),
        controllers=_row(f'["{address}"] = {lists[some]}' for address, some in windows_of.items()),
        **_DIFFERENT[version],
    )
    return text.encode("ascii")


def _row(values: Iterable[object]) -> str:
    """A table of a script."""
    return f"{{{', '.join(map(str, values))}}}"
