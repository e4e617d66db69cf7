"""Suricata's words for addresses."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import collapse_addresses

from melsec_nsm.policy.model import Network

ANY = "any"


def group(networks: Iterable[Network]) -> str:
    """All that is in one of some networks."""
    return f"[{','.join(_short(networks))}]"


def negated(networks: Iterable[Network]) -> str:
    """All that is in none of them. To Suricata what is not in some of IPv4 is IPv4 too, and so with IPv6."""
    found = list(networks)
    if not found:
        return ANY
    return but(found) if len({one.version for one in found}) > 1 else f"[0.0.0.0/0,::/0,{but(found)}]"


def but(networks: Iterable[Network]) -> str:
    """What takes networks out of a group that stands before it."""
    return f"!{group(networks)}"


def minus(networks: Iterable[Network], away: Iterable[Network]) -> list[Network]:
    """Networks without what is in some others. Suricata refuses a group that negates all that it has."""
    left = list(networks)
    for gone in away:
        kept: list[Network] = []
        for one in left:
            if one.version != gone.version or not one.overlaps(gone):
                kept.append(one)
            elif one != gone and one.prefixlen < gone.prefixlen:
                kept += one.address_exclude(gone)  # type: ignore[arg-type]
        left = kept
    return left


def is_group(network: Network) -> bool:
    """Whether it stands for whoever listens."""
    return network.is_multicast or str(network) == "255.255.255.255/32"


def _short(networks: Iterable[Network]) -> list[str]:
    """Networks and addresses, neighbours joined."""
    found = list(networks)
    v4 = collapse_addresses(one for one in found if one.version == 4)
    v6 = collapse_addresses(one for one in found if one.version == 6)
    return [str(one).removesuffix("/32").removesuffix("/128") for one in (*v4, *v6)]
