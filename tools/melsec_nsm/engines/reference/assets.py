"""What is learnt of controllers: model, firmware, MAC address, and where they answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from melsec_nsm.codec.payload import Payload
from melsec_nsm.codec.transactions import Half, Transaction, is_group
from melsec_nsm.engines.base import Asset
from melsec_nsm.engines.reference.sessions import Bounded
from melsec_nsm.engines.reference.telling import Key, Telling, word

MAX_CONTROLLERS = 16384
"""Controllers that are remembered; the one that nothing was heard of for longest is forgotten beyond it."""

MAX_PORTS = 64
"""Ports of a controller that are remembered: it answers from few, who spoofs it from any."""


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A controller that is known by its MAC address answers from ``host``, and no more from ``before``."""

    ts: int
    protocol: str
    client: str
    before: str
    host: str


@dataclass(slots=True)
class _Controller:
    facts: dict[str, str] = field(default_factory=dict)
    protocols: set[str] = field(default_factory=set)
    ports: set[tuple[int, str]] = field(default_factory=set)


class Assets:
    """All controllers of a capture."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._controllers: OrderedDict[str, _Controller] = OrderedDict()
        self._by_mac: Bounded[str, str] = Bounded()
        self._moved: Bounded[tuple[str, str], None] = Bounded()
        self._identifying, self._describing = _telling_commands(telling)

    def half(self, half: Half) -> Iterator[AddressChange]:
        """A response tells where a controller answers."""
        if half.pdu.is_request:
            return
        found = self._controller(half.source.host)
        found.protocols.add(half.pdu.protocol)
        if len(found.ports) < MAX_PORTS:
            found.ports.add((half.source.port, half.transport))
        if half.mac:
            yield from self._mac(half, found)

    def _mac(self, half: Half, found: _Controller) -> Iterator[AddressChange]:
        host, mac = half.source.host, half.mac
        found.facts["mac"] = mac
        before = self._by_mac.get(mac)
        self._by_mac.put(mac, host)
        if before is not None and before != host and (mac, host) not in self._moved:
            # Both are remembered, so that a controller with two addresses is not told again and again.
            self._moved.put((mac, host), None)
            self._moved.put((mac, before), None)
            client = "" if is_group(half.destination.host) else half.destination.host
            yield AddressChange(half.ts, half.pdu.protocol, client, before, host)

    def transaction(self, transaction: Transaction) -> None:
        """An answer may tell what a controller is."""
        request, response = transaction.request, transaction.response
        if response is None or response.pdu.status:
            return
        key = (request if request is not None else response).pdu.kind
        if key in self._identifying:
            self._model(transaction)
        if key in self._describing:
            answer = self._telling.answer(transaction)
            if answer is not None:
                self._described(answer, response.source.host)

    def _model(self, transaction: Transaction) -> None:
        response = transaction.response
        assert response is not None
        _, answered = self._telling.told(transaction)
        if answered.model_code is None:
            return
        known = self._telling.definition.model(answered.model_code)
        facts = self._controller(response.source.host).facts
        # The name that a controller gives itself is worth more than that of its type code.
        if answered.target and (known is None or answered.target != known.name or "model" not in facts):
            facts["model"] = answered.target
        if known is not None and known.series:
            facts["series"] = known.series

    def _described(self, answer: Payload, host: str) -> None:
        fields = answer.layout.fields if answer.layout is not None else ()
        told = {entry.asset: word(answer, entry.name) for entry in fields if entry.asset is not None}
        # A device may answer a search for somebody else's address.
        facts = self._controller(told.pop("host", "") or host).facts
        for name, value in told.items():
            if value:
                facts[name or ""] = value.lower() if name == "mac" else value

    def _controller(self, host: str) -> _Controller:
        found = self._controllers.setdefault(host, _Controller())
        self._controllers.move_to_end(host)
        if len(self._controllers) > MAX_CONTROLLERS:
            self._controllers.popitem(last=False)
        return found

    def known(self) -> tuple[Asset, ...]:
        """The controllers, by address."""
        return tuple(
            Asset(
                host=host,
                model=found.facts.get("model", ""),
                series=found.facts.get("series", ""),
                advisories=(),
                mac=found.facts.get("mac", ""),
                firmware=found.facts.get("firmware", ""),
                serial=found.facts.get("serial", ""),
                protocols=tuple(sorted(found.protocols)),
                ports=tuple(f"{port}/{transport}" for port, transport in sorted(found.ports)),
            )
            for host, found in sorted(self._controllers.items())
        )


def _telling_commands(telling: Telling) -> tuple[frozenset[Key], frozenset[Key]]:
    """Commands whose answers name a type code, and those whose answers tell something else of a controller."""
    identifying, describing = set(), set()
    for protocol in telling.definition.protocols.values():
        for command in protocol.commands:
            fields = [entry for name in command.response.values() if name for entry in protocol.layouts[name].fields]
            key = (command.protocol, command.digits, command.code)
            if any(entry.role == "model_code" for entry in fields):
                identifying.add(key)
            if any(entry.asset for entry in fields):
                describing.add(key)
    return frozenset(identifying), frozenset(describing)
