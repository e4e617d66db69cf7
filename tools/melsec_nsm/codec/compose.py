"""PDUs of an exchange made from names and values: the way back from the definition to octets."""

from __future__ import annotations

from collections.abc import Mapping

from melsec_nsm.codec import payload
from melsec_nsm.codec.frames import Codec, Half, Value
from melsec_nsm.definitions.model import Exchange

_ECHOED = ("serial", "command", "network", "station", "module_io", "multidrop")


def request(codec: Codec, exchange: Exchange) -> bytes:
    """The request PDU of an exchange."""
    half = codec.half(exchange.frame, "request")
    header: dict[str, Value] = {"command": exchange.command, "subcommand": exchange.subcommand}
    return _pdu(codec, half, exchange, header, exchange.values, data=exchange.data)


def response(codec: Codec, exchange: Exchange) -> bytes:
    """The response PDU of an exchange: the route and the reference of its request, status and data.

    Where the response names a source (MELSOFT) the request's destination goes there.
    """
    half = codec.half(exchange.frame, "response")
    asked = codec.half(exchange.frame, "request")
    values = {field.name: field.default for field in asked.header if field.default is not None}
    values.update(exchange.values)
    values["command"] = exchange.command
    header: dict[str, Value] = {"status": exchange.status or 0}
    names = set(half.names)
    for name in _ECHOED:
        target = f"source_{name}" if f"source_{name}" in names else name
        if name in values and target in names:
            header[target] = values[name]
    return _pdu(codec, half, exchange, header, exchange.response_values, data=exchange.response_data)


def _pdu(
    codec: Codec,
    half: Half,
    exchange: Exchange,
    header: dict[str, Value],
    values: Mapping[str, Value],
    *,
    data: bytes | None,
) -> bytes:
    names = set(half.names)
    header.update({name: value for name, value in values.items() if name in names})
    fields = {name: value for name, value in values.items() if name not in names}
    if data is None:
        data = _data(codec, half, exchange, fields)
    return half.encode(header, data)


def _data(codec: Codec, half: Half, exchange: Exchange, fields: Mapping[str, Value]) -> bytes:
    """The data by the command's layout; of the fixed size where the frame has no length, else nothing."""
    layout = payload.layout_of(half, exchange.command, exchange.subcommand)
    if layout is not None and (half.direction == "request" or not exchange.status):
        return payload.encode(layout, fields, codec.definition, half.protocol)
    return bytes(half.data_field.sizes.get(exchange.command, 0))
