"""From octets to transactions and back, by the definition.

``frames`` holds all frames of a definition (``pdu`` the PDUs and the halves that have a length, ``sized`` those
without one, ``stuffed`` those between control codes), ``payload`` the data of PDUs with ``devices`` in them,
``about`` what logs say of it, ``stream`` walks through the octets of a connection, ``transactions`` brings
requests and responses together, ``compose`` makes PDUs from names and values.
"""

from melsec_nsm.codec.frames import Codec, Incomplete, Mismatch, Pdu

__all__ = ["Codec", "Incomplete", "Mismatch", "Pdu"]
