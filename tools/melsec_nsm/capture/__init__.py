"""From a capture file to ordered application octets: records, packets, datagrams, TCP streams.

Each step is a module of its own: ``reader`` (file to records), ``packets`` (record to packet),
``defrag`` (IP fragments), ``streams`` (TCP packets to in-order octets) and ``source`` (the first
three in one loop). Nothing here knows what the octets mean.
"""

from __future__ import annotations

from .defrag import Defragmenter
from .packets import ACK, FIN, RST, SYN, Packet, decode
from .reader import CaptureError, CaptureFile, open_capture
from .record import Record
from .source import PacketSource, read
from .streams import Chunk, Connection, FlowKey, Reassembler

__all__ = [
    "ACK",
    "FIN",
    "RST",
    "SYN",
    "CaptureError",
    "CaptureFile",
    "Chunk",
    "Connection",
    "Defragmenter",
    "FlowKey",
    "Packet",
    "PacketSource",
    "Reassembler",
    "Record",
    "decode",
    "open_capture",
    "read",
]
