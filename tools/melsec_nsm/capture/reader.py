"""Capture files: pcap and pcapng, plain or gzip, to records.

scapy's raw readers parse the formats. They end silently where a file is cut off or damaged, so
every octet they read passes through ``_Source``, which knows the offset and thereby whether the
end of the file is the end of a record.
"""

from __future__ import annotations

import gzip
import io
import logging
import os
import stat
import struct
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

from scapy.error import Scapy_Exception
from scapy.utils import RawPcapNgReader, RawPcapReader

from .packets import LINK_TYPES
from .record import Record

_PCAP_MAGIC = (b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1")
_PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
_GZIP_MAGIC = b"\x1f\x8b"
_OTHER_COMPRESSION = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zX": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf": "7z",
}
_PCAP_HEADER = 24
_PCAP_RECORD_HEADER = 16
# scapy cuts packets at 65535 octets unless told otherwise; off-loaded frames are longer.
_LARGEST_PACKET = 0x40000
# A damaged length field must not make a read allocate gigabytes.
_LARGEST_READ = 0x4000000


class CaptureError(Exception):
    """The capture cannot be read. The text is one line: the path and what is wrong."""


class _Clock(NamedTuple):
    """How an interface counts time: ``units`` a second, ``offset`` in seconds."""

    units: int
    offset: int


class _Source:
    """The file as scapy reads it, with the offset and the error that ended it."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        self._file: io.BufferedReader | gzip.GzipFile = self._raw
        self.name = str(path)
        self.offset = 0
        self.error: Exception | None = None
        self.magic = self._raw.read(4)
        self.compressed = self.magic.startswith(_GZIP_MAGIC)
        self._raw.seek(0)
        self._size = _LARGEST_READ
        if self.compressed:
            self._file = gzip.GzipFile(fileobj=self._raw)
            try:
                self.magic = self._file.read(4)
                self._file.seek(0)
            except (OSError, EOFError, zlib.error) as error:
                self.magic = b""
                self.error = error
        else:
            self._size = os.fstat(self._raw.fileno()).st_size

    def read(self, count: int) -> bytes:
        """Up to ``count`` octets; fewer only at the end of the file."""
        try:
            data = self._file.read(min(count, self._size))
        except (OSError, EOFError, zlib.error) as error:
            self.error = error
            raise
        self.offset += len(data)
        return data

    def exhausted(self) -> bool:
        """Whether every octet was read and the file ended as it should. Reads one more octet."""
        if self.error is None:
            try:
                return not self.read(1)
            except (OSError, EOFError, zlib.error):
                pass
        return False

    def close(self) -> None:
        if self._file is not self._raw:
            self._file.close()
        self._raw.close()


class _SilenceReaders(logging.Filter):
    """Drops what scapy's readers say about damaged files: CaptureFile says it once, in one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(("Pcap: ", "PcapNg:"))


logging.getLogger("scapy.runtime").addFilter(_SilenceReaders())


class _PcapNgReader(RawPcapNgReader):  # type: ignore[misc] # scapy is untyped here
    """scapy's reader; knows in addition where a block began, sections, and clock offsets."""

    block_start = 0
    interfaces: list[tuple[int, int, Any]]

    def _read_block(self, size: int = _LARGEST_PACKET) -> Any:
        self.block_start = self.f.offset
        return super()._read_block(size)

    def _read_block_shb(self) -> None:
        super()._read_block_shb()
        # Interface numbers count from 0 in each section.
        self.interfaces = []

    def _read_block_idb(self, block: bytes, size: int) -> None:
        super()._read_block_idb(block, size)
        linktype, snaplen, clock = self.interfaces[-1]
        offset = self._read_options(block[8:]).get(14)
        seconds = 0
        if isinstance(offset, bytes) and len(offset) == 8:
            seconds = struct.unpack(self.endian + "q", offset)[0]
        # scapy hands the resolution through to each packet as it stands, so the offset rides along.
        if isinstance(clock, dict):
            clock["tsresol"] = _Clock(clock["tsresol"], seconds)
        else:  # before scapy 2.6
            clock = _Clock(clock, seconds)
        # A snap length of 0 means no limit; scapy would cut simple packets to nothing.
        self.interfaces[-1] = (linktype, snaplen or _LARGEST_PACKET, clock)


class CaptureFile:
    """A capture that could be opened. ``records`` may be called again: it reads from the start."""

    def __init__(self, path: Path) -> None:
        """Use ``open_capture``."""
        self.path = path
        self.truncated: str | None = None
        """After ``records`` is exhausted: why it ended early, in one line, else None."""
        self.count = 0
        """Records read so far."""

    def records(self) -> Generator[Record, None, None]:
        """Every whole record in file order.

        CaptureError if not one record precedes the place where the file is cut off, or if the
        file can no longer be opened.
        """
        self.count = 0
        self.truncated = None
        source = self._open()
        try:
            if source.magic in _PCAP_MAGIC:
                yield from self._pcap(source)
            else:
                yield from self._pcapng(source)
        finally:
            source.close()

    def _open(self) -> _Source:
        """The file if its first octets are those of a capture, else CaptureError."""
        try:
            mode = self.path.stat().st_mode
            if stat.S_ISDIR(mode):
                raise CaptureError(f"{self.path}: is a directory")
            if not stat.S_ISREG(mode):
                raise CaptureError(f"{self.path}: not a regular file")
            source = _Source(self.path)
        except FileNotFoundError:
            raise CaptureError(f"{self.path}: no such file") from None
        except OSError as error:
            raise CaptureError(f"{self.path}: cannot be read ({error.strerror})") from None
        reason = self._refusal(source)
        if reason:
            source.close()
            raise CaptureError(f"{self.path}: {reason}")
        return source

    @staticmethod
    def _refusal(source: _Source) -> str | None:
        """Why these first octets are no capture, or None."""
        magic = source.magic
        if magic in _PCAP_MAGIC or magic == _PCAPNG_MAGIC:
            return None
        if source.error is not None:
            return "gzip-compressed and damaged or cut off before the first record"
        if not magic:
            return "empty file (gzip-compressed)" if source.compressed else "empty file"
        for start, name in _OTHER_COMPRESSION.items():
            if magic.startswith(start):
                return f"compressed ({name}); unpack it first"
        inside = "gzip-compressed, and inside " if source.compressed else ""
        return f"not a capture file ({inside}neither pcap nor pcapng)"

    def _pcap(self, source: _Source) -> Generator[Record, None, None]:
        try:
            reader = RawPcapReader(source)
        except Scapy_Exception:
            raise self._nothing(source) from None
        linktype = reader.linktype & 0xFFFF  # the upper bits tell the length of a frame check sequence
        self._supported([linktype])
        scale = 1 if reader.nano else 1000
        read = reader._read_packet
        end = _PCAP_HEADER
        while True:
            try:
                data, meta = read(_LARGEST_PACKET)
            except EOFError:
                if source.offset != end or not source.exhausted():
                    self._cut_off(source)
                return
            end += _PCAP_RECORD_HEADER + meta.caplen
            if source.offset != end:
                self._cut_off(source)
                return
            self.count += 1
            yield Record(meta.sec * 1_000_000_000 + meta.usec * scale, linktype, data, meta.wirelen)

    def _pcapng(self, source: _Source) -> Generator[Record, None, None]:
        try:
            reader = _PcapNgReader(source)
        except (Scapy_Exception, struct.error):
            raise self._nothing(source) from None
        # Decryption secrets would change scapy's configuration for the whole process.
        reader.blocktypes.pop(10, None)
        read = reader._read_packet
        ts = 0
        while True:
            try:
                data, meta = read(_LARGEST_PACKET)
            except (EOFError, Scapy_Exception, struct.error):
                if source.offset != reader.block_start or not source.exhausted():
                    self._cut_off(source)
                return
            if not self.count:
                self._supported([interface[0] for interface in reader.interfaces])
            # Simple packet blocks carry no time: they keep that of the packet before.
            if meta.tshigh is not None:
                units, offset = meta.tsresol
                ts = ((meta.tshigh << 32) | meta.tslow) * 1_000_000_000 // units + offset * 1_000_000_000
            self.count += 1
            yield Record(ts, meta.linktype, data, meta.wirelen)

    def _supported(self, linktypes: list[int]) -> None:
        """CaptureError if not one of the link types can be decoded."""
        if not LINK_TYPES.intersection(linktypes):
            numbers = ", ".join(str(number) for number in sorted(set(linktypes)))
            raise CaptureError(f"{self.path}: unsupported link type {numbers}")

    def _nothing(self, source: _Source) -> CaptureError:
        cut = "cut off" if source.error is not None or source.exhausted() else "damaged"
        return CaptureError(f"{self.path}: {cut} before the first record")

    def _cut_off(self, source: _Source) -> None:
        """Say where the records end. CaptureError if there is none."""
        if not self.count:
            raise self._nothing(source)
        if isinstance(source.error, (OSError, zlib.error)) or (source.error is None and not source.exhausted()):
            what = "damaged"
        else:
            what = "cut off"
        were = "record was" if self.count == 1 else "records were"
        self.truncated = f"{self.path}: {what} in record {self.count + 1}; {self.count} {were} read"


def open_capture(path: str | os.PathLike[str]) -> CaptureFile:
    """The capture at ``path``. CaptureError if it is none, cannot be read or holds no whole record but part of one."""
    capture = CaptureFile(Path(path))
    records = capture.records()
    try:
        next(records, None)
    finally:
        records.close()
    capture.count = 0
    capture.truncated = None
    return capture
