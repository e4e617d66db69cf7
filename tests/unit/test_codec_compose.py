"""PDUs from names and values: what an exchange leaves out is taken from the definition and its request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from melsec_nsm.codec import Codec, Pdu, compose
from melsec_nsm.codec.frames import Value
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Exchange

CODEC = Codec(load())
STOP = Exchange(
    protocol="slmp",
    frame="3e-binary",
    command=0x1002,
    subcommand=0,
    values={},
    data=None,
    status=0,
    response_values={},
    response_data=None,
    half="both",
    repeat=1,
)


def read(octets: bytes) -> Pdu:
    pdu = CODEC.read(octets)
    assert isinstance(pdu, Pdu)
    assert pdu.size == len(octets)
    return pdu


def test_defaults_of_the_definition() -> None:
    assert compose.request(CODEC, STOP).hex() == "500000ffff03000800100002100000" + "0100"
    assert compose.response(CODEC, STOP).hex() == "d00000ffff0300" + "0200" + "0000"


def test_names_go_to_the_header_or_to_the_payload() -> None:
    values: dict[str, Value] = {"network": 2, "timer": 4, "device": "W1F", "points": 2, "values": b"\x34\x12\x02\x00"}
    write = replace(STOP, command=0x1401, values=values)
    request = read(compose.request(CODEC, write))
    assert (request.get("network"), request.get("timer")) == (2, 4)
    assert request.data.hex() == "1f0000b4020034120200"


def test_octets_as_given() -> None:
    odd = replace(STOP, command=0x7777, subcommand=9, data=b"\xab", response_data=b"\xcd")
    request = read(compose.request(CODEC, odd))
    assert (request.command, request.subcommand, request.data) == (0x7777, 9, b"\xab")
    assert read(compose.response(CODEC, odd)).data == b"\xcd"


def test_response_repeats_route_and_serial() -> None:
    values = {"serial": 0x1234, "network": 3, "station": 4, "module_io": 0x3E0, "multidrop": 5}
    response = read(compose.response(CODEC, replace(STOP, frame="4e-binary", values=values)))
    assert {name: response.get(name) for name in values} == values
    assert response.status == 0


def test_melsoft_response_names_the_destination_of_its_request_as_source() -> None:
    values = {"serial": 9, "network": 1, "station": 0x7D, "module_io": 0x3E0}
    stop = replace(STOP, protocol="melsoft", frame="57-long", values=values)
    response = read(compose.response(CODEC, stop))
    assert (response.command, response.serial) == (0x1002, 9)
    sources = [response.get(f"source_{name}") for name in ("network", "station", "module_io")]
    assert sources == [1, 0x7D, 0x3E0]
    assert (response.get("network"), response.get("station"), response.get("module_io")) == (0, 0, 0x3A8)
    unset = read(compose.response(CODEC, replace(stop, values={})))
    assert (unset.get("source_station"), unset.get("source_module_io"), unset.serial) == (0xFF, 0x3FF, 1)


def test_values_of_the_response_win() -> None:
    response = read(compose.response(CODEC, replace(STOP, values={"network": 1}, response_values={"network": 2})))
    assert response.get("network") == 2


def test_an_error_carries_no_payload_of_the_command() -> None:
    name = replace(STOP, command=0x0101, response_values={"model": "R08CPU", "model_code": 0x4801})
    assert read(compose.response(CODEC, name)).data == b"R08CPU          \x01\x48"
    refused = read(compose.response(CODEC, replace(name, status=0xC059)))
    assert (refused.status, refused.data) == (0xC059, b"")


@pytest.mark.parametrize(("code", "size"), [(0xFF, 24), (0x22, 10)])
def test_frames_without_a_length_are_filled_up(code: int, size: int) -> None:
    control = replace(STOP, protocol="melsoft", frame="5a", command=code)
    assert compose.request(CODEC, control) == bytes([0x5A, 0, 0, code])
    assert read(compose.response(CODEC, control)).data == bytes(size)
