"""What the PDUs of a capture say, decoded once for everybody who asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from melsec_nsm.codec.about import About, about, devices_of, worded
from melsec_nsm.codec.frames import Codec, Pdu
from melsec_nsm.codec.payload import Payload, PayloadValue
from melsec_nsm.codec.transactions import Half, Transaction
from melsec_nsm.definitions.model import Condition, Field

_REMEMBERED = 1024
"""PDUs whose fields are kept: those of the requests that wait are asked for again with the response."""

Key = tuple[str, int, int]
"""Protocol, digits and code of a command."""


class Telling:
    """Fields and descriptions of PDUs, and what conditions make of them."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.definition = codec.definition
        self.payload = lru_cache(_REMEMBERED)(self._payload)
        self.about = lru_cache(_REMEMBERED)(self._about)

    def _payload(self, pdu: Pdu, request: Pdu | None = None) -> Payload:
        return self.codec.payload(pdu, request)

    def _about(self, pdu: Pdu, request: Pdu | None = None) -> About:
        found = about(self.payload(pdu, request))
        if not found.target and found.model_code is not None:
            known = self.definition.model(found.model_code)
            found.target = known.name if known is not None else ""
        return found

    def key(self, pdu: Pdu) -> Key:
        """What conditions know the command of a PDU by."""
        return self.definition.key(pdu.kind)

    def answer(self, transaction: Transaction) -> Payload | None:
        """The fields of the response."""
        if transaction.response is None:
            return None
        request = transaction.request.pdu if transaction.request is not None else None
        return self.payload(transaction.response.pdu, request)

    def told(self, transaction: Transaction) -> tuple[About, About]:
        """What is said of the request and of the response."""
        request, response = transaction.request, transaction.response
        asked = self.about(request.pdu) if request is not None else About()
        answered = self.about(response.pdu, request.pdu if request is not None else None) if response else About()
        return asked, answered

    def field(self, transaction: Transaction, name: str) -> PayloadValue | None:
        """The value of a field in the data of the request or, if it has none, of the answer."""
        payloads = [self.payload(transaction.request.pdu)] if transaction.request is not None else []
        answer = self.answer(transaction)
        for payload in [*payloads, *([answer] if answer is not None else [])]:
            if name in payload.values:
                return payload.values[name]
        return None

    def status(self, transaction: Transaction) -> tuple[str, str]:
        """The end code in hex and its name; empty where nobody answered or none is carried."""
        response = transaction.response
        if response is None or response.pdu.status is None:
            return "", ""
        code, half = response.pdu.status, response.pdu.half
        known = self.definition.status(half.protocol.status_table, code)
        return f"{code:0{half.status_digits}X}", known.name if known is not None else ""


def word(payload: Payload, name: str) -> str:
    """A value of a payload as a log has it, empty where there is none."""
    value, entry = payload.values.get(name), _entry(payload, name)
    return "" if value is None or entry is None or entry.secret else worded(entry, value)


def _entry(payload: Payload, name: str) -> Field | None:
    fields = payload.layout.fields if payload.layout is not None else ()
    return next((entry for entry in fields if entry.name == name), None)


def with_role(payload: Payload, role: str) -> Iterator[str]:
    """The texts of the fields with a role, within lists too."""
    if payload.layout is not None:
        yield from _with_role(payload.layout.fields, payload.values, role)


def _with_role(fields: tuple[Field, ...], values: dict[str, PayloadValue], role: str) -> Iterator[str]:
    for entry in fields:
        value = values.get(entry.name)
        if isinstance(value, list):
            for item in value:
                yield from _with_role(entry.fields, item, role)
        elif entry.role == role and isinstance(value, str):
            yield value


def footed(half: Half | None) -> str:
    """What a footer tells: the session of a token, and checksums that are wrong, as in traffic made by hand."""
    footer = half.pdu.footer if half is not None else None
    if footer is None:
        return ""
    session = [] if footer.session is None else [f"session={footer.session}"]
    return " ".join([*session, *(["checksum=wrong"] if footer.good is False else [])])


class Meaning:
    """A condition on PDUs, ready to be asked."""

    def __init__(self, telling: Telling, condition: Condition) -> None:
        self.condition = condition
        self._telling = telling
        self._alternatives = tuple(Meaning(telling, one) for one in condition.alternatives)
        self.commands = telling.definition.mentioned(condition)

    def holds(self, request: Pdu, response: Pdu | None = None, *, first: bool = False) -> bool:
        """Whether a request, or the response to it, is meant. ``first``: it is the first PDU of its client."""
        condition = self.condition
        if self._alternatives:
            return any(one.holds(request, response, first=first) for one in self._alternatives)
        if self._telling.key(request) not in self.commands or (condition.first and not first):
            return False
        if condition.frames and request.half.frame.id not in condition.frames:
            return False
        if condition.statuses and not self._answered(response):
            return False
        if condition.devices and not self._names_device(request):
            return False
        return all(self._value(request, name) == value for name, value in condition.fields)

    def _names_device(self, request: Pdu) -> bool:
        payload = self._telling.payload(request)
        known = (payload.reading.devices.known(point) for point, _ in devices_of(payload))
        return any(device is not None and device.symbol in self.condition.devices for device in known)

    def _answered(self, response: Pdu | None) -> bool:
        if response is None or response.status is None:
            return False
        if response.status and "failed" in self.condition.statuses:
            return True
        known = self._telling.definition.status(response.half.protocol.status_table, response.status)
        return known is not None and known.name in self.condition.statuses

    def _value(self, request: Pdu, name: str) -> object:
        value = request.get(name)
        return self._telling.payload(request).values.get(name) if value is None else value
