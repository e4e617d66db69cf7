"""Addresses and networks: reading them, and finding what an address belongs to."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Generic, TypeVar

from melsec_nsm.policy.model import Address, Network

_INTERNAL = (
    # IPv4: this host, private use, carrier-grade NAT (also what overlay VPNs hand out), loopback, link-local, groups.
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    *("224.0.0.0/4", "255.255.255.255/32"),
    # IPv6: unspecified, loopback, unique local, link-local, groups.
    *("::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"),
)
INTERNAL: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in _INTERNAL)
"""Networks whose addresses mean nothing outside a site, and groups; every other address is public."""

_Value = TypeVar("_Value")


class AddressError(ValueError):
    """A text that is no address or network. ``hint`` says what may have been meant."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


@lru_cache(maxsize=65536)
def parse_network(text: str) -> Network:
    """A network, or an address as the network of nothing else.

    Raises:
        AddressError: it is neither, or a network with host bits.
    """
    if "%" in text:
        raise AddressError(f"'{text}' names an interface", "write the address alone")
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise AddressError(f"'{text}' is no address or network", "such as 192.168.3.18 or 192.168.3.0/24") from None
    raise AddressError(f"'{text}' is an address within a network", f"the network is {network}")


def parse_address(text: str) -> Address:
    """An address.

    Raises:
        AddressError: it is none.
    """
    network = parse_network(text)
    if network.num_addresses > 1:
        raise AddressError(f"'{text}' is a network", "one address, or a list of addresses")
    return network.network_address


@lru_cache(maxsize=65536)
def address(text: str) -> Address:
    """The address that packets are said to have."""
    return ipaddress.ip_address(text)


@lru_cache(maxsize=65536)
def is_public(text: str) -> bool:
    """Whether an address means the same everywhere in the world."""
    found = address(text)
    return not any(found in network for network in INTERNAL)


class Networks(Generic[_Value]):
    """What belongs to networks that do not overlap, by address: a look-up for each length of prefix that there is."""

    def __init__(self, entries: Iterable[tuple[Network, _Value]]) -> None:
        self._by_length: dict[tuple[int, int], dict[int, _Value]] = {}
        for network, value in entries:
            spare = network.max_prefixlen - network.prefixlen
            table = self._by_length.setdefault((network.version, spare), {})
            table[int(network.network_address) >> spare] = value

    def find(self, wanted: Address) -> _Value | None:
        """What an address belongs to."""
        number = int(wanted)
        for (version, spare), table in self._by_length.items():
            if version == wanted.version and (value := table.get(number >> spare)) is not None:
                return value
        return None


def overlaps(
    entries: Iterable[tuple[Network, _Value]],
) -> Iterator[tuple[tuple[Network, _Value], tuple[Network, _Value]]]:
    """Pairs of entries (an earlier one, a later one) whose networks share addresses.

    Each entry is paired with one other at most, so that a network that covers many is named with each of them once.
    """
    order = list(enumerate(entries))
    order.sort(key=lambda item: (item[1][0].version, int(item[1][0].network_address), item[1][0].prefixlen))
    around: list[tuple[int, tuple[Network, _Value]]] = []
    for number, entry in order:
        network = entry[0]
        while around and not _covers(around[-1][1][0], network):
            around.pop()
        if around:
            other_number, other = around[-1]
            yield (other, entry) if other_number < number else (entry, other)
        around.append((number, entry))


def _covers(outer: Network, inner: Network) -> bool:
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and int(outer.network_address) >> (outer.max_prefixlen - outer.prefixlen)
        == int(inner.network_address) >> (outer.max_prefixlen - outer.prefixlen)
    )
