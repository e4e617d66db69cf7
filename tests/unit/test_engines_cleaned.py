"""The copy of a capture that sensors get where they could not read the capture itself."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import pytest

from melsec_nsm.capture import Record, open_capture
from melsec_nsm.engines.base import EngineError
from melsec_nsm.engines.cleaned import cleaned, write_pcap

RECORDS = [Record(1_767_225_600_000_000_001 + n, 1, bytes([n]) * 60, 60 + n) for n in range(3)]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "whole.pcap"
    write_pcap(path, RECORDS)
    return path


def test_what_is_written_is_read_again(whole: Path) -> None:
    capture = open_capture(whole)
    assert list(capture.records()) == RECORDS
    assert capture.truncated is None


def test_a_whole_capture_is_used_as_it_is(whole: Path, tmp_path: Path) -> None:
    found = cleaned(whole, tmp_path)
    assert (found.path, found.warnings, found.truncated) == (whole, (), False)


def test_a_relative_path_still_leads_there_from_another_folder(whole: Path, tmp_path: Path) -> None:
    assert cleaned(Path(os.path.relpath(whole)), tmp_path).path.is_absolute()


def test_a_cut_off_record_is_left_out(whole: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(whole.read_bytes()[:-5])
    folder = tmp_path / "work"
    folder.mkdir()
    found = cleaned(cut, folder)
    assert found.truncated
    assert len(found.warnings) == 1
    assert found.path.parent == folder
    assert list(open_capture(found.path).records()) == RECORDS[:2]


def test_a_compressed_capture_is_unpacked(whole: Path, tmp_path: Path) -> None:
    packed = tmp_path / "whole.pcap.gz"
    packed.write_bytes(gzip.compress(whole.read_bytes()))
    folder = tmp_path / "work"
    folder.mkdir()
    found = cleaned(packed, folder)
    assert (found.path.parent, found.warnings, found.truncated) == (folder, (), False)
    assert list(open_capture(found.path).records()) == RECORDS


def test_of_several_link_types_the_first_stays(tmp_path: Path) -> None:
    def block(kind: int, body: bytes) -> bytes:
        body += b"\0" * (-len(body) % 4)
        length = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + length + body + length

    def interface(linktype: int) -> bytes:
        return block(1, struct.pack("<HHI", linktype, 0, 0))

    def packet(number: int, data: bytes) -> bytes:
        return block(6, struct.pack("<IIIII", number, 0, 7, len(data), len(data)) + data)

    mixed = tmp_path / "mixed.pcapng"
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    packets = packet(0, b"e" * 60) + packet(1, b"c" * 60) + packet(0, b"f" * 60)
    mixed.write_bytes(section + interface(1) + interface(113) + packets)
    found = cleaned(mixed, tmp_path)
    assert [record.data for record in open_capture(found.path).records()] == [b"e" * 60, b"f" * 60]
    assert found.truncated is False
    assert "1 record" in found.warnings[0]


def test_no_capture_is_one_clear_line(tmp_path: Path) -> None:
    text = tmp_path / "text.pcap"
    text.write_text("this is no capture\n")
    with pytest.raises(EngineError, match=r"text\.pcap: not a capture"):
        cleaned(text, tmp_path)
