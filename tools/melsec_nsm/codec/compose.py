"""PDUs of an exchange made from names and values: the way back from the definition to octets."""

from __future__ import annotations

from collections.abc import Mapping

from melsec_nsm.codec import footer, payload
from melsec_nsm.codec.frames import Codec, Half, Value
from melsec_nsm.codec.payload import GivenValue
from melsec_nsm.codec.sized import ABNORMAL, LayoutHalf
from melsec_nsm.definitions.model import Exchange

_ECHOED = (
    "serial",
    "command",
    "subcommand",
    "network",
    "station",
    "module_io",
    "multidrop",
    "large_station",
    "serial_station",
    "module_station",
    "self_station",
)


def request(codec: Codec, exchange: Exchange) -> bytes:
    """The request PDU of an exchange."""
    half = codec.half(exchange.frame, "request")
    header: dict[str, Value] = {"command": exchange.command, "subcommand": exchange.subcommand}
    fields = _parted(half, header, exchange.values)
    data = _request_data(codec, half, exchange, fields)
    if exchange.footer is not None:
        data = _footed(half, header, data, exchange.footer)
    return half.encode(header, data)


def response(codec: Codec, exchange: Exchange) -> bytes:
    """The response PDU of an exchange: the route and the reference of its request, status and data.

    Where the response names a source (MELSOFT) the request's destination goes there. As many values as the
    request asks for are zero where the exchange gives none.
    """
    half = codec.half(exchange.frame, "response")
    asked = codec.half(exchange.frame, "request")
    route: dict[str, Value] = {field.name: field.default for field in asked.header if field.default is not None}
    fields = _parted(asked, route, exchange.values)
    route |= {"command": exchange.command, "subcommand": exchange.subcommand}
    header: dict[str, Value] = {"status": exchange.status or 0}
    names = set(half.names)
    for name in _ECHOED:
        target = f"source_{name}" if f"source_{name}" in names else name
        if name in route and target in names:
            header[target] = route[name]
    given = _parted(half, header, exchange.response_values)
    data = exchange.response_data
    if data is None and exchange.status:
        # The end code that says nothing without an abnormal code: a wrong PC number.
        abnormal = isinstance(half, LayoutHalf) and exchange.status == ABNORMAL
        data = half.written(b"\x10\0") if abnormal else _refused(codec, half, exchange, given)
    if data is None:
        data = _response_data(codec, half, exchange, given, _request_data(codec, asked, exchange, fields))
    if exchange.response_footer is not None:
        data = _footed(half, header, data, exchange.response_footer)
    return half.encode(header, data)


def _footed(half: Half, header: dict[str, Value], data: bytes, given: Mapping[str, bytes]) -> bytes:
    """Data with a footer behind them, whose size goes to the header unless that says another one."""
    facts = half.protocol.footer
    assert facts is not None
    size = header.setdefault(facts.size, footer.sized(facts, data, given))
    command, status = header["command"], header.get("status")
    assert isinstance(command, int)
    assert isinstance(size, int)
    covered = footer.Covered(
        command, size, status if half.direction == "response" and isinstance(status, int) else None
    )
    return footer.built(facts, covered, data, given)


def _parted(half: Half, header: dict[str, Value], values: Mapping[str, GivenValue]) -> dict[str, GivenValue]:
    """Adds those values to a header that belong there; the others."""
    names = set(half.names)
    fields: dict[str, GivenValue] = {}
    for name, value in values.items():
        if name in names and isinstance(value, (int, str, bytes)):
            header[name] = value
        else:
            fields[name] = value
    return fields


def _request_data(codec: Codec, half: Half, exchange: Exchange, fields: Mapping[str, GivenValue]) -> bytes:
    if exchange.data is not None:
        return exchange.data
    layout = payload.layout_of(half, exchange.command, exchange.subcommand)
    if layout is None:
        return _filler(half, exchange)
    return payload.encode(layout, fields, codec.reading(half, exchange.command, exchange.subcommand))


def _response_data(
    codec: Codec, half: Half, exchange: Exchange, fields: Mapping[str, GivenValue], request_data: bytes
) -> bytes:
    layout = payload.layout_of(half, exchange.command, exchange.subcommand)
    if layout is None:
        return _filler(half, exchange)
    asked = codec.half(exchange.frame, "request")
    reading = codec.reading(half, exchange.command, exchange.subcommand)
    asked_layout = payload.layout_of(asked, exchange.command, exchange.subcommand)
    asked_for = payload.decode(asked_layout, request_data, reading).values
    return payload.encode(layout, fields, reading.answering(asked_for))


def _refused(codec: Codec, half: Half, exchange: Exchange, given: Mapping[str, GivenValue]) -> bytes:
    """Data of a response that refuses: those of its layout where values are given, else nothing."""
    error = half.protocol.layouts.get(half.frame.error)
    if error is None or not any(field.name in given for field in error.fields):
        return _filler(half, exchange)
    return payload.encode(error, given, codec.reading(half, -1, 0))


def _filler(half: Half, exchange: Exchange) -> bytes:
    """Data without a layout: of the fixed size where the frame has no length, else nothing."""
    return bytes(half.data_field.sizes.get(exchange.command, 0))
