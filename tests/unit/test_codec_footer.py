"""Footers: where the data end, what the parameters say, and checksums that real frames carry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melsec_nsm.codec import Codec, Pdu
from melsec_nsm.codec.footer import Covered, FooterSeen, built, checksum, data_checksum, digest, sized
from melsec_nsm.codec.footer import _crc as crc
from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Footer

DEFINITION = load()
CODEC = Codec(DEFINITION)


def facts() -> Footer:
    found = DEFINITION.protocols["melsoft"].footer
    assert found is not None
    return found


FACTS = facts()

# An iQ-R safety CPU and GX Works3 (NozomiNetworks/blackhat23-melsoft).
TYPE_NAME = bytes.fromhex(
    "57010000001111070001 7DE003 0000FE030000 3200 1C0A1614 E0030000000000 04"
    + "00" * 12
    # The data, the gap, and the footer with both checksums.
    + "0121 0100 0400 0001 0002 0E00 02 8104 8205 BAA0A9EE 003E36A12B"
)
TYPE_NAME_ANSWER = bytes.fromhex(
    "D7000C0000111107000000A803017DE00300004E009C02181400000000 0104E003" + "00" * 14 + "0121 0100 1C00"
    "52303853464350552020202020202020 9148 000800000200 0290 0002 1000 02 8104 8207 2356C2FA 000000FA78E00D"
)
# An FX5U that repeats the size of a request with a file password (ITI/ICS-Security-Tools).
ECHO = bytes.fromhex(
    "D701000000 1111 7F 00 00 00 A803 00 FF FF03 0000 2200 9C0A18140000" + "00" * 20 + "1867 0900 3800 0100"
)


def read(octets: bytes) -> Pdu:
    found = CODEC.read(octets)
    assert isinstance(found, Pdu)
    return found


def footed(pdu: Pdu) -> FooterSeen:
    assert pdu.footer is not None
    return pdu.footer


def test_checksums_of_real_frames() -> None:
    asked, answered = read(TYPE_NAME), read(TYPE_NAME_ANSWER)
    assert asked.body == b"\0\1"
    assert footed(asked).good is True
    assert footed(asked).value("data_checksum") == bytes.fromhex("BAA0A9EE")
    assert footed(asked).value("checksum") == bytes.fromhex("003E36A12B")
    assert answered.body.startswith(b"R08SFCPU")
    assert len(answered.body) == 26
    assert footed(answered).good is True
    assert data_checksum(FACTS, Covered(0x0121, 4), b"\0\1") == bytes.fromhex("BAA0A9EE")


def test_a_frame_may_go_elsewhere_and_keep_its_checksums() -> None:
    # Counter, destination and reference are not covered: that is how captured frames are replayed.
    changed = bytearray(TYPE_NAME)
    changed[2], changed[10], changed[47] = 7, 0xFF, 9
    assert footed(read(bytes(changed))).good is True


@pytest.mark.parametrize("place", [45, 49, 51, 56, 62, 70])
def test_a_changed_octet_is_noticed(place: int) -> None:
    changed = bytearray(TYPE_NAME)
    changed[place] ^= 0x10
    footer = read(bytes(changed)).footer
    assert footer is None or footer.good is not True


def test_an_echoed_size_is_no_footer() -> None:
    pdu = read(ECHO)
    assert pdu.get("size") == 56
    assert pdu.footer is None
    assert pdu.body == pdu.data == b"\1\0"
    assert CODEC.payload(pdu).values == {"pointer": 1}


@pytest.mark.parametrize(
    "footer",
    ["", "00", "0000", "0100", "0200 01", "0300 01 80", "0500 01 8002 0200 00", "0400 02 8002 02", "FFFF 01 8002 0200"],
)
def test_what_is_no_footer_belongs_to_the_data(footer: str) -> None:
    data = b"\1\0" + FACTS.gap + bytes.fromhex(footer)
    octets = CODEC.half("57-long", "request").encode({"command": 0x1002, "size": 4}, data)
    pdu = read(octets)
    assert (pdu.footer, pdu.body) == (None, data)


def test_padding_longer_than_the_data_is_no_footer() -> None:
    data = b"\1\0" + FACTS.gap + bytes.fromhex("0500 01 8002 FFFF")
    pdu = read(CODEC.half("57-long", "request").encode({"command": 0x1002, "size": 4}, data))
    assert pdu.footer is None


def test_token_and_password_are_told_from_others_and_never_told() -> None:
    token = bytes.fromhex("0300") + b"s3cr" * 4
    request = Covered(0x0150, sized(FACTS, b"", {"token": token}))
    octets = built(FACTS, request, b"", {"token": token})
    pdu = read(CODEC.half("57-long", "request").encode({"command": 0x0150, "size": request.size}, octets))
    footer = footed(pdu)
    assert (footer.session, footer.good, pdu.body) == (3, True, b"")
    identity = footer.identity("token")
    assert identity == digest(token) != digest(token[::-1])
    assert identity is not None
    assert "s3cr" not in identity
    assert b"s3cr".hex() not in identity
    assert footer.identity("password") is None


def test_a_password_stands_alone() -> None:
    octets = built(FACTS, Covered(0x1867, 0), b"abc", {"file_password": bytes(32)})
    assert octets == b"abc" + FACTS.gap + bytes.fromhex("2300 01 4020") + bytes(32)


@given(body=st.binary(max_size=64), command=st.integers(0, 0xFFFF), status=st.one_of(st.none(), st.integers(0, 0xFFFF)))
def test_what_is_built_is_seen(body: bytes, command: int, status: int | None) -> None:
    half = CODEC.half("57-long", "request" if status is None else "response")
    size = sized(FACTS, body, {})
    assert size % 4 == 0
    data = built(FACTS, Covered(command, size, status), body, {})
    pdu = read(half.encode({"command": command, "size": size, "status": status or 0}, data))
    assert (pdu.body, footed(pdu).good) == (body, True)


@given(start=st.integers(0, 0xFFFFFFFF), octets=st.binary(max_size=40))
def test_the_fast_checksum_is_the_slow_one(start: int, octets: bytes) -> None:
    # The polynomial that zlib has, and one that it does not have.
    for facts in (FACTS, replace(FACTS, polynomial=FACTS.polynomial ^ 1)):
        assert crc(facts, start, octets) == _bitwise(facts.polynomial, start, octets)


def _bitwise(polynomial: int, register: int, octets: bytes) -> bytes:
    for octet in octets:
        for bit in range(8):
            feedback = (register >> 31) ^ (octet >> bit & 1)
            register = (register << 1 & 0xFFFFFFFF) ^ (polynomial if feedback else 0)
    return register.to_bytes(4, "little")


def test_responses_have_a_start_of_their_own() -> None:
    asked, answered = Covered(0x0121, 4), Covered(0x0121, 4, 0)
    assert checksum(FACTS, asked, b"\0\1\0\2") != checksum(FACTS, answered, b"\0\1\0\2")
