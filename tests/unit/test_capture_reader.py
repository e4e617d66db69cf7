"""Capture files to records: formats, and files that are cut off, damaged or no captures at all."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap, wrpcapng

from melsec_nsm.capture import CaptureError, Record, open_capture

FIRST = 1_700_000_000_123_456_000
FRAMES = [b"A" * 60, b"B" * 61, b"C" * 75]


def pcap(frames: list[bytes], order: str = "<", nano: bool = False, linktype: int = 1, snap: int = 0x40000) -> bytes:
    """A pcap file; the packets are a second apart."""
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap, linktype)
    for index, frame in enumerate(frames):
        part = FIRST % 1_000_000_000 + (7 if nano else 0)
        seconds = FIRST // 1_000_000_000 + index
        kept = frame[:snap]
        out += struct.pack(order + "IIII", seconds, part if nano else part // 1000, len(kept), len(frame)) + kept
    return out


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(order: str = "<", linktype: int = 1, snap: int = 0x40000, options: bytes = b"") -> bytes:
    end = option(0, b"", order) if options else b""
    return block(1, struct.pack(order + "HHI", linktype, 0, snap) + options + end, order)


def enhanced(frame: bytes, ticks: int, number: int = 0, order: str = "<", wire: int | None = None) -> bytes:
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), wire or len(frame))
    return block(6, head + frame, order)


def pcapng(frames: list[bytes], order: str = "<") -> list[bytes]:
    """The blocks of a pcapng file with two interfaces, the second of which counts nanoseconds."""
    blocks = [section(order), interface(order), interface(order, options=option(9, b"\x09", order))]
    for index, frame in enumerate(frames):
        number = index % 2
        ticks = FIRST + index * 1_000_000_000
        blocks.append(enhanced(frame, ticks if number else ticks // 1000, number, order))
    return blocks


def read_all(path: Path) -> tuple[list[Record], str | None]:
    capture = open_capture(path)
    records = list(capture.records())
    assert capture.count == len(records)
    return records, capture.truncated


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_of_both_byte_orders_and_resolutions(tmp_path: Path, order: str, nano: bool) -> None:
    records, truncated = read_all(save(tmp_path / "x.pcap", pcap(FRAMES, order, nano)))
    assert [record.data for record in records] == FRAMES
    assert [record.ts - FIRST for record in records] == [(7 if nano else 0) + second * 10**9 for second in range(3)]
    assert {(record.linktype, len(record.data) - record.wire) for record in records} == {(1, 0)}
    assert truncated is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_interfaces_that_count_time_differently(tmp_path: Path, order: str) -> None:
    records, truncated = read_all(save(tmp_path / "x.pcapng", b"".join(pcapng(FRAMES, order))))
    assert [record.data for record in records] == FRAMES
    assert [record.ts for record in records] == [FIRST + second * 10**9 for second in range(3)]
    assert truncated is None


def test_files_that_scapy_writes(tmp_path: Path) -> None:
    packet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP() / UDP() / b"payload"
    packet.time = 1_700_000_000.25
    wrpcap(str(tmp_path / "x.pcap"), [packet, packet])
    wrpcapng(str(tmp_path / "x.pcapng"), [packet, packet])
    for name in ("x.pcap", "x.pcapng"):
        records, truncated = read_all(tmp_path / name)
        assert [record.data for record in records] == [bytes(packet)] * 2
        assert records[0].ts == 1_700_000_000_250_000_000
        assert truncated is None


def test_binary_resolution_and_clock_offset(tmp_path: Path) -> None:
    options = option(9, b"\x8a") + option(14, struct.pack("<q", 3600))
    data = section() + interface(options=options) + enhanced(b"A" * 60, 5 * 1024 + 512)
    records, _ = read_all(save(tmp_path / "x.pcapng", data))
    assert records[0].ts == (3600 + 5) * 10**9 + 500_000_000


def test_interfaces_are_numbered_in_each_section(tmp_path: Path) -> None:
    first = section() + interface(linktype=101) + enhanced(b"A" * 60, 1)
    second = section(">") + interface(">", linktype=1) + enhanced(b"B" * 60, 2, order=">")
    records, _ = read_all(save(tmp_path / "x.pcapng", first + second))
    assert [(record.linktype, record.data[:1], record.ts) for record in records] == [(101, b"A", 1000), (1, b"B", 2000)]


def test_simple_packets_without_snap_length_take_the_time_before(tmp_path: Path) -> None:
    simple = block(3, struct.pack("<I", 61) + b"B" * 61)
    data = section() + interface(snap=0) + enhanced(b"A" * 60, 5) + simple
    records, _ = read_all(save(tmp_path / "x.pcapng", data))
    assert [(record.data, record.ts) for record in records] == [(b"A" * 60, 5000), (b"B" * 61, 5000)]


def test_snapped_records_keep_the_length_on_the_wire(tmp_path: Path) -> None:
    records, truncated = read_all(save(tmp_path / "x.pcap", pcap([b"A" * 100], snap=40)))
    assert [(len(record.data), record.wire) for record in records] == [(40, 100)]
    assert truncated is None
    data = section() + interface() + enhanced(b"A" * 40, 1, wire=100)
    records, _ = read_all(save(tmp_path / "x.pcapng", data))
    assert [(len(record.data), record.wire) for record in records] == [(40, 100)]


def test_packets_longer_than_65535_octets_stay_whole(tmp_path: Path) -> None:
    frame = bytes(70_000)
    for name, data in (
        ("x.pcap", pcap([frame, b"B" * 60])),
        ("x.pcapng", b"".join(pcapng([frame, b"B" * 60]))),
    ):
        records, truncated = read_all(save(tmp_path / name, data))
        assert [len(record.data) for record in records] == [70_000, 60]
        assert truncated is None


def test_upper_bits_of_the_link_type_are_no_link_type(tmp_path: Path) -> None:
    records, _ = read_all(save(tmp_path / "x.pcap", pcap(FRAMES, linktype=0x24000001)))
    assert {record.linktype for record in records} == {1}


def test_gzip_is_read(tmp_path: Path) -> None:
    for data in (pcap(FRAMES), b"".join(pcapng(FRAMES))):
        records, truncated = read_all(save(tmp_path / "x.gz", gzip.compress(data, mtime=0)))
        assert [record.data for record in records] == FRAMES
        assert truncated is None


def test_records_can_be_read_again(tmp_path: Path) -> None:
    capture = open_capture(save(tmp_path / "x.pcap", pcap(FRAMES)[:-1]))
    for _ in range(2):
        assert [record.data for record in capture.records()] == FRAMES[:2]
        assert capture.truncated == f"{capture.path}: cut off in record 3; 2 records were read"


def test_a_capture_without_packets_is_a_capture(tmp_path: Path) -> None:
    assert read_all(save(tmp_path / "x.pcap", pcap([]))) == ([], None)
    assert read_all(save(tmp_path / "x.pcapng", section())) == ([], None)
    assert read_all(save(tmp_path / "y.pcapng", section() + interface())) == ([], None)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_cut_off_at_every_octet(tmp_path: Path, order: str, nano: bool) -> None:
    data = pcap(FRAMES, order, nano)
    ends = [24]
    for frame in FRAMES:
        ends.append(ends[-1] + 16 + len(frame))
    assert ends[-1] == len(data)
    for length in range(len(data)):
        check_cut(save(tmp_path / "x.pcap", data[:length]), length, ends, ends[1:])


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_cut_off_at_every_octet(tmp_path: Path, order: str) -> None:
    # A statistics block at the end: a file can be cut off after the last packet.
    blocks = [*pcapng(FRAMES, order), block(5, struct.pack(order + "III", 0, 1, 2), order)]
    ends = [sum(len(each) for each in blocks[: count + 1]) for count in range(len(blocks))]
    data = b"".join(blocks)
    for length in range(len(data)):
        check_cut(save(tmp_path / "x.pcapng", data[:length]), length, ends, ends[3:6])


def check_cut(path: Path, length: int, ends: list[int], packet_ends: list[int]) -> None:
    """A file of ``length`` octets that is whole at ``ends`` and has one packet more at each of ``packet_ends``."""
    whole = sum(end <= length for end in packet_ends)
    if length in ends or whole:
        records, truncated = read_all(path)
        assert [record.data for record in records] == FRAMES[:whole]
        were = "record was" if whole == 1 else "records were"
        cut = f"{path}: cut off in record {whole + 1}; {whole} {were} read"
        assert truncated == (None if length in ends else cut)
        return
    with pytest.raises(CaptureError) as caught:
        open_capture(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    if length == 0:
        assert text.endswith(": empty file")
    elif length < 4:
        assert text.endswith(": not a capture file (neither pcap nor pcapng)")
    else:
        assert text.endswith(": cut off before the first record")


@pytest.mark.parametrize("data", [pcap(FRAMES), b"".join(pcapng(FRAMES))], ids=["pcap", "pcapng"])
def test_gzip_cut_off_at_every_octet(tmp_path: Path, data: bytes) -> None:
    packed = gzip.compress(data, mtime=0)
    read_lengths = []
    for length in range(1, len(packed)):
        path = save(tmp_path / "x.gz", packed[:length])
        try:
            records, truncated = read_all(path)
        except CaptureError:
            continue
        read_lengths.append(length)
        assert [record.data for record in records] == FRAMES[: len(records)]
        assert truncated is not None
        assert "cut off" in truncated
    # Without its last octet (part of the length behind the data) every record is there.
    assert read_lengths[-1] == len(packed) - 1


def test_readers_stay_silent_about_what_is_reported_here(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for data in (pcap(FRAMES)[:-1], b"".join(pcapng(FRAMES))[:-5]):
        assert read_all(save(tmp_path / "x", data))[1] is not None
    assert not caplog.records
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"No.  Time  Source\n1 0.0 192.168.3.18\n", "not a capture file (neither pcap nor pcapng)"),
        (b"hi", "not a capture file (neither pcap nor pcapng)"),
        (
            gzip.compress(b"just a text", mtime=0),
            "not a capture file (gzip-compressed, and inside neither pcap nor pcapng)",
        ),
        (gzip.compress(b"", mtime=0), "empty file (gzip-compressed)"),
        (b"\x1f\x8b\x08\x00", "gzip-compressed and damaged or cut off before the first record"),
        (b"\x28\xb5\x2f\xfd\x00\x00\x00\x00", "compressed (zstd); unpack it first"),
        (b"PK\x03\x04\x00\x00\x00\x00", "compressed (zip); unpack it first"),
        (pcap(FRAMES, linktype=105), "unsupported link type 105"),
        (section() + interface(linktype=105) + enhanced(b"A" * 60, 1), "unsupported link type 105"),
        (section()[:8] + b"XXXX" + section()[12:], "damaged before the first record"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(tmp_path: Path, data: bytes, message: str) -> None:
    path = save(tmp_path / "x.pcap", data)
    with pytest.raises(CaptureError) as caught:
        open_capture(path)
    assert str(caught.value) == f"{path}: {message}"


def test_paths_that_hold_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"/none\.pcap: no such file$"):
        open_capture(tmp_path / "none.pcap")
    with pytest.raises(CaptureError, match=r": is a directory$"):
        open_capture(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CaptureError, match=r": not a regular file$"):
        open_capture(tmp_path / "pipe")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = save(tmp_path / "closed.pcap", pcap(FRAMES))
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CaptureError, match=r"/closed\.pcap: cannot be read \(Permission denied\)$"):
        open_capture(path)


def test_a_supported_interface_is_enough(tmp_path: Path) -> None:
    data = section() + interface(linktype=105) + interface(linktype=1) + enhanced(b"A" * 60, 1)
    records, _ = read_all(save(tmp_path / "x.pcapng", data))
    assert [record.linktype for record in records] == [105]


@pytest.mark.parametrize("field", [4, 0x7FFFFFFC, 0xFFFFFFFC])
def test_a_damaged_block_length_ends_the_file(tmp_path: Path, field: int) -> None:
    blocks = pcapng(FRAMES)
    blocks[4] = blocks[4][:4] + struct.pack("<I", field) + blocks[4][8:]
    records, truncated = read_all(save(tmp_path / "x.pcapng", b"".join(blocks)))
    assert [record.data for record in records] == FRAMES[:1]
    assert truncated is not None
    assert truncated.endswith("in record 2; 1 record was read")


def test_a_damaged_record_length_ends_the_file(tmp_path: Path) -> None:
    data = bytearray(pcap(FRAMES))
    struct.pack_into("<I", data, 24 + 16 + 60 + 8, 0xFFFFFFFF)
    records, truncated = read_all(save(tmp_path / "x.pcap", bytes(data)))
    assert [record.data for record in records] == FRAMES[:1]
    assert truncated is not None
    assert truncated.endswith(": cut off in record 2; 1 record was read")


@pytest.mark.parametrize("data", [pcap(FRAMES), b"".join(pcapng(FRAMES))], ids=["pcap", "pcapng"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_files_never_raise_anything_else(tmp_path: Path, data: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(data)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    try:
        records, truncated = read_all(save(tmp_path / "x", bytes(damaged)))
    except CaptureError:
        return
    assert sum(len(record.data) for record in records) <= len(damaged)
    assert truncated is None or truncated.startswith(str(tmp_path))


def test_a_real_capture_that_is_cut_off(shared: Path) -> None:
    path = shared / "captures" / "real" / "melsoft_129_clean.pcap"
    if not path.exists():
        pytest.skip("no such capture")
    records, truncated = read_all(path)
    assert len(records) == 2041
    assert truncated == f"{path}: cut off in record 2042; 2041 records were read"
