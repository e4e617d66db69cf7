"""From octets to transactions and back, by the definition.

``frames`` recognises, decodes and encodes PDUs, ``payload`` their data, ``stream`` walks through
the octets of a connection, ``transactions`` brings requests and responses together.
"""

from melsec_nsm.codec.frames import Codec, Incomplete, Mismatch, Pdu

__all__ = ["Codec", "Incomplete", "Mismatch", "Pdu"]
