"""A line of ``melsec.log`` for each transaction, as Zeek writes it."""

from __future__ import annotations

from melsec_nsm.codec.about import About, about
from melsec_nsm.codec.frames import Codec, Pdu
from melsec_nsm.codec.transactions import Half, Transaction, is_group
from melsec_nsm.definitions.model import Layout
from melsec_nsm.engines.base import Record
from melsec_nsm.engines.reference.telling import footed

_IDENTIFY = "identify"
_OCTAL_SERIES = frozenset({"iQ-F", "FX"})
_OCTAL = frozenset({"X", "Y"})


class Recorder:
    """Writes records, and remembers what servers say they are: an iQ-F or FX has X and Y in octal."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._octal: set[str] = set()
        # Commands whose answer says what the server is.
        self._identifying = {
            (command.protocol, command.digits, command.code)
            for protocol in codec.definition.protocols.values()
            for command in protocol.commands
            if any(_names_model(protocol.layouts[name]) for name in command.response.values() if name)
        }

    def model(self, transaction: Transaction) -> tuple[str, str] | None:
        """The model and the series that an answer tells of its server, None where it tells none.

        From then on the records of this server's transactions are written as its series has it.
        """
        response, pdu = transaction.response, transaction.first.pdu
        if (pdu.protocol, pdu.half.digits, transaction.code) not in self._identifying:
            return None
        if response is None or response.pdu.status:
            return None
        found = self._about(response.pdu, transaction.request, frozenset())
        if found.model_code is None:
            return None
        known = self._codec.definition.model(found.model_code)
        if known is not None and known.series in _OCTAL_SERIES:
            self._octal.add(response.source.host)
        return found.target, known.series if known is not None else ""

    def record(self, transaction: Transaction) -> Record:
        """The record of a transaction."""
        self.model(transaction)
        request, response, first = transaction.request, transaction.response, transaction.first
        pdu, server = first.pdu, transaction.server
        octal = _OCTAL if server in self._octal else frozenset()
        nothing = About()
        asked = self._about(request.pdu, None, octal) if request is not None else nothing
        answered = self._about(response.pdu, request, octal) if response is not None else nothing
        known, code = transaction.known, transaction.code
        leading, other = (answered, asked) if known is not None and known.klass == _IDENTIFY else (asked, answered)
        status = response.pdu.status if response is not None else None
        name = self._codec.definition.status(pdu.half.protocol.status_table, status) if status is not None else None
        operation, klass = (known.operation, known.klass) if known is not None else (None, None)
        if known is None and code is not None:
            operation, klass = f"unknown-{transaction.command}", "unknown"
        module_io, multidrop = _number(pdu, "module_io"), _number(pdu, "multidrop")
        return Record(
            ts=first.ts,
            client=None if request is None and is_group(first.destination.host) else transaction.client,
            server=server,
            protocol=pdu.protocol,
            frame=pdu.half.frame.frame,
            encoding=pdu.half.frame.encoding,
            serial=pdu.serial,
            network=_number(pdu, "network"),
            station=_number(pdu, "station"),
            module_io=None if module_io is None else f"{module_io:04X}",
            # 4C calls it the station number of the module.
            multidrop=_number(pdu, "module_station") if multidrop is None else multidrop,
            command=transaction.command or None,
            subcommand=None if pdu.subcommand is None else f"{pdu.subcommand:04X}",
            operation=operation,
            klass=klass,
            target=leading.target or other.target or None,
            details=" ".join(filter(None, (asked.details, footed(request), answered.details, footed(response))))
            or None,
            points=other.points if leading.points is None else leading.points,
            status=None if status is None or response is None else f"{status:0{response.pdu.half.status_digits}X}",
            status_name=name.name if name is not None else None,
            request_len=request.pdu.size if request is not None else None,
            response_len=response.pdu.size if response is not None else None,
            rtt=(response.ts - request.ts) // 1000 if request is not None and response is not None else None,
            values=answered.values or asked.values or None,
            again=transaction.again,
        )

    def _about(self, pdu: Pdu, request: Half | None, octal: frozenset[str]) -> About:
        found = about(self._codec.payload(pdu, request.pdu if request is not None else None), octal=octal)
        if not found.target and found.model_code is not None:
            known = self._codec.definition.model(found.model_code)
            found.target = known.name if known is not None else ""
        return found


def _names_model(layout: Layout) -> bool:
    return any(entry.role == "model_code" for entry in layout.fields)


def _number(pdu: Pdu, name: str) -> int | None:
    value = pdu.get(name)
    return value if isinstance(value, int) else None
