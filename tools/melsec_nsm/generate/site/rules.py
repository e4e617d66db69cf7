"""What of a policy plain Suricata rules can say, with literal addresses.

The rules are those that recognise a request in any frame, with the addresses and ports of the policy around them. They
are loaded beside the published rules, which mark the streams that their companions look at. A rule sees requests, and
never a pair: what a broadcast was answered by, the hour, and the digest of a file it cannot judge. (`windows` has rules
that ask a script for the hour.)

* ``host-not-allowed``: a request from an address of no host.
* ``controller-not-allowed``: a request of a host to a controller of the policy that is not among its own. One to an
  address that nobody has is not claimed: whether somebody answers is not known. Left out where hosts have more
  different lists of controllers than `MAX_LISTS`.
* ``role-not-allowed``: a request of a class that the role of a host does not allow, to a controller of its own.
* ``outside-path``, ``public-address``: by the addresses of both ends, groups aside.
* ``unexpected-port``: a request to another port of a controller.

Frames in which a request has no mark of its own (1E without a PC number) have no rules here either.

Suricata refuses a rule of more than 8 KiB. Hosts or controllers that take too many addresses stand in a data set of
their own, which only rules for whole packets can ask: what is split over segments is then missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from itertools import product

from melsec_nsm.definitions.lock import FIRST_SID
from melsec_nsm.definitions.model import Condition, Definition, Detection
from melsec_nsm.generate.site.parties import EVERYBODY, DataSets, Party, Told, none_of, one_of
from melsec_nsm.generate.suricata.addresses import ANY, is_group, minus
from melsec_nsm.generate.suricata.patterns import UnsupportedByBackend
from melsec_nsm.generate.suricata.rule import Rule
from melsec_nsm.generate.suricata.rules import rules_for
from melsec_nsm.policy.addresses import INTERNAL
from melsec_nsm.policy.compiled import CONTROLLER, HOST, PATH, PORT, PUBLIC, ROLE, CompiledPolicy
from melsec_nsm.policy.model import Controller, Host, Names, Network

FIRST_SITE_SID = FIRST_SID + 10_000
"""The sids behind the published ones; a policy takes as many as it needs, in order, and they are nobody else's."""

MAX_LISTS = 32
"""Lists of controllers that are written out: each is a set of rules of its own."""

SUPPORTED = (HOST, CONTROLLER, ROLE, PATH, PUBLIC, PORT)
"""What these rules can tell."""

FILE = "melsec-site.rules"

PACKETS = ("tcp-pkt", "udp")
"""What rules with a data set can look at."""

REQUEST_TARGET = "target:dest_ip"
"""What rules say that recognise a request, and not its answer."""

_Key = Callable[[Host], tuple[object, ...]]
_SILENT = "noalert"
_HEAD = """\
# Site policy {site}, made by `melsec-nsm policy compile`. Do not edit.
# Load it beside melsec.rules, which marks the streams that some of these rules look at.
# Not here, as plain rules cannot tell: unknown-controller, outside-window (see lua/), unapproved-program.

"""


@dataclass(frozen=True, slots=True)
class Ends:
    """From whom to whom a request has to go to violate something; ``any`` where it does not matter.

    ``ports`` are those of the server by transport, None where every rule is meant.
    """

    client: Party = EVERYBODY
    server: Party = EVERYBODY
    ports: tuple[tuple[str, str], ...] | None = None


def render(site: CompiledPolicy, definition: Definition) -> dict[str, bytes]:
    """The rule file, and the data sets that its rules ask, by name."""
    sets = DataSets("melsec-site")
    parts = [_HEAD.format(site=site.policy.site)]
    if _too_many(site):
        parts.append(
            f"# {CONTROLLER}: left out, as hosts have more than {MAX_LISTS} different lists of controllers\n\n"
        )
    # The same requests are recognised for many addresses; what only notes something is there once.
    known: dict[tuple[str, tuple[str, ...]], list[Rule]] = {}
    noting: set[Rule] = set()
    found: list[Rule] = []
    for name, classes, ends in _looked_for(site, definition):
        if (name, classes) not in known:
            known[name, classes] = list(_recognising(definition, name, classes))
        ways = list(product(ends.client.told(sets), ends.server.told(sets)))
        for rule in known[name, classes]:
            if rule in noting:
                continue
            if _SILENT in rule.options:
                noting.add(rule)
            found += _placed(rule, ends, ways, once(definition.detections[name]))
    parts += [f"{rule.line(FIRST_SITE_SID + number, 1)}\n" for number, rule in enumerate([*loading(sets), *found])]
    return {FILE: "".join(parts).encode("ascii"), **sets.files()}


def loading(sets: DataSets) -> Iterator[Rule]:
    """Rules that load the data sets, before those that ask them. Nothing goes to port 0, so that they never match."""
    message = 'msg:"MELSEC POLICY addresses of the site"'
    for keyword in sets.loading():
        yield Rule(
            header="alert udp any any -> any 0",
            options=(message, _SILENT, "ip.src", keyword, "classtype:protocol-command-decode"),
            metadata="metadata:affected_product Mitsubishi_Electric_MELSEC, attack_target ICS, deployment Internal",
        )


def _too_many(site: CompiledPolicy) -> bool:
    return len({host.controllers for host in site.policy.hosts.values()}) > MAX_LISTS


def _looked_for(site: CompiledPolicy, definition: Definition) -> Iterator[tuple[str, tuple[str, ...], Ends]]:
    every = definition.classes
    for name, find in (
        (HOST, _hosts),
        (CONTROLLER, _controllers),
        (PATH, _paths),
        (PUBLIC, _public),
        (PORT, _ports),
    ):
        spared = spared_by(site, name)
        for ends in find(site, spared) if spared is not None else ():
            yield name, every, ends
    spared = spared_by(site, ROLE)
    for classes, ends in _roles(site, spared, definition) if spared is not None else ():
        yield ROLE, classes, ends


def spared_by(site: CompiledPolicy, name: str) -> list[Host] | None:
    """The hosts for which a detection is not raised, None where it is off."""
    tuning = site.policy.tunings.get(name)
    if tuning is None:
        return []
    return [site.policy.hosts[host] for host in sorted(tuning.spared)] if tuning.enabled else None


def _hosts(site: CompiledPolicy, _: Sequence[Host]) -> Iterator[Ends]:
    yield Ends(client=none_of(network for host in site.policy.hosts.values() for network in host.networks))


def _controllers(site: CompiledPolicy, spared: Sequence[Host]) -> Iterator[Ends]:
    if _too_many(site):
        return
    for hosts in _grouped(site, spared, lambda host: (host.controllers,)):
        others = _others(site, hosts[0].controllers)
        if others:
            yield Ends(one_of(network for host in hosts for network in host.networks), one_of(others))


def _roles(
    site: CompiledPolicy, spared: Sequence[Host], definition: Definition
) -> Iterator[tuple[tuple[str, ...], Ends]]:
    many = _too_many(site)
    for hosts in _grouped(site, spared, lambda host: (host.role, None if many else host.controllers)):
        allowed = site.policy.roles[hosts[0].role].allow
        classes = tuple(one for one in definition.classes if one not in allowed)
        if any(command.klass in classes and not command.pushed for command in definition.commands()):
            others = _others(site, None if many else hosts[0].controllers)
            yield classes, Ends(one_of(network for host in hosts for network in host.networks), none_of(others))


def _grouped(site: CompiledPolicy, spared: Sequence[Host], key: _Key) -> Iterator[list[Host]]:
    groups: dict[tuple[object, ...], list[Host]] = {}
    for host in (one for one in site.policy.hosts.values() if one not in spared):
        groups.setdefault(key(host), []).append(host)
    yield from groups.values()


def _others(site: CompiledPolicy, names: Names) -> list[Network]:
    """The controllers that are not among some."""
    if names is None:
        return []
    others = (one for one in site.policy.controllers.values() if one.name not in names)
    return [network for one in others for network in _networks(one)]


def _paths(site: CompiledPolicy, spared: Sequence[Host]) -> Iterator[Ends]:
    away = _networks_of(spared)
    policy = site.policy
    zoned = [network for zone in policy.zones.values() for network in zone.networks]
    paths = {(path.client, path.server) for path in policy.paths}
    for client in policy.zones.values():
        servers = [one for one in policy.zones.values() if (client.name, one.name) not in paths]
        clients = minus(client.networks, away)
        if servers and clients:
            yield Ends(one_of(clients), one_of(network for one in servers for network in one.networks))
    # An address in no zone that is not public: at either end, and never a group.
    groups = [one for one in INTERNAL if is_group(one)]
    inside = [one for one in INTERNAL if one not in groups]
    yield Ends(one_of(inside, [*zoned, *groups, *away]), one_of([*INTERNAL, *zoned], groups))
    if clients := minus(zoned, away):
        yield Ends(one_of(clients), one_of(inside, [*zoned, *groups]))


def _public(site: CompiledPolicy, spared: Sequence[Host]) -> Iterator[Ends]:
    away = _networks_of(spared)
    zoned = [network for zone in site.policy.zones.values() for network in zone.networks]
    yield Ends(client=none_of([*INTERNAL, *zoned, *away]))
    yield Ends(one_of(minus([*INTERNAL, *zoned], away)), none_of([*INTERNAL, *zoned]))


def _ports(site: CompiledPolicy, spared: Sequence[Host]) -> Iterator[Ends]:
    groups: dict[frozenset[str], list[Network]] = {}
    for controller in site.policy.controllers.values():
        if controller.ports:
            groups.setdefault(controller.ports, []).extend(_networks(controller))
    for ports, networks in groups.items():
        by_transport = []
        for transport in ("tcp", "udp"):
            known = sorted(int(port.partition("/")[0]) for port in ports if port.endswith(transport))
            by_transport.append((transport, f"![{','.join(map(str, known))}]" if known else ANY))
        yield Ends(none_of(_networks_of(spared)), one_of(networks), ports=tuple(by_transport))


def once(detection: Detection) -> tuple[str, str]:
    """Keywords that two hosts raise a detection once in its interval, in whatever frames they speak."""
    bit = f"MELSEC.{detection.id}.site"
    return f"xbits:isnotset,{bit},track ip_pair", f"xbits:set,{bit},track ip_pair,expire {detection.suppress}"


def _placed(rule: Rule, ends: Ends, ways: Sequence[tuple[Told, Told]], once: tuple[str, str]) -> Iterator[Rule]:
    """A rule for each of the ways to say who is at the ends; what only notes something does so anywhere."""
    if _SILENT in rule.options:
        yield rule
        return
    action, protocol, *_ = rule.header.split()
    ports = dict(ends.ports)["udp" if protocol == "udp" else "tcp"] if ends.ports is not None else ANY
    # The answer raises the alert where a request alone proves too little.
    asks = REQUEST_TARGET in rule.options
    message, *options = rule.options
    for client, server in ways:
        one, other = (client, server) if asks else (server, client)
        asked = [*one.asked("ip.src"), *other.asked("ip.dst")]
        if asked and protocol not in PACKETS:
            continue
        way = (f"{client.text} any", f"{server.text} {ports}")
        sender, receiver = way if asks else reversed(way)
        header = f"{action} {protocol} {sender} -> {receiver}"
        yield replace(rule, header=header, options=(message, *once, *options, *asked))


def _recognising(definition: Definition, name: str, classes: tuple[str, ...]) -> Iterator[Rule]:
    """The rules for requests of some classes, but for frames in which a request cannot be told at all."""
    detection = definition.detections[name]
    meant = [one for one in definition.commands() if one.klass in classes and not one.pushed]
    for protocol in definition.protocols.values():
        operations = tuple(dict.fromkeys(one.operation for one in meant if one.protocol == protocol.name))
        for frame in protocol.frames if operations else ():
            condition = Condition(operations, (), (protocol.name,), "request", frames=(frame.id,))
            try:
                yield from rules_for(definition, replace(detection, when=condition)).values()
            except UnsupportedByBackend:
                continue


def _networks(controller: Controller) -> list[Network]:
    return [ip_network(address) for address in controller.addresses]


def _networks_of(hosts: Sequence[Host]) -> list[Network]:
    return [network for host in hosts for network in host.networks]
