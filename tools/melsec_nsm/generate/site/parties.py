"""Who takes part in what a rule looks for: literal addresses, or a data set where they are too many for a rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import groupby

from melsec_nsm.generate.suricata.addresses import ANY, but, group, negated
from melsec_nsm.policy.model import Network

MAX_LITERAL = 1500
"""Characters that the addresses of an end may take: a rule has two ends and a pattern, and Suricata takes 8191."""

MAX_NETWORK = 256
"""Addresses of a network that are written out one by one in a data set, which holds no networks."""


@dataclass(frozen=True, slots=True)
class Told:
    """A way to say who somebody is: the header's words, and the data set that is asked besides."""

    text: str
    dataset: str = ""

    def asked(self, end: str) -> list[str]:
        """The keywords for an end of the packet (``ip.src`` or ``ip.dst``); none without a data set."""
        return [end, f"dataset:{self.dataset}"] if self.dataset else []


class DataSets:
    """The data sets of a rule file: one for the same addresses, however often they are asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._names: dict[tuple[str, ...], str] = {}

    def asking(self, networks: Iterable[Network], wanted: str) -> str:
        """What asks for addresses; ``wanted`` is ``isset`` or ``isnotset``."""
        addresses = tuple(dict.fromkeys(_written(one) for network in networks for one in network))
        return f"{wanted},{self._names.setdefault(addresses, f'{self._name}-{len(self._names) + 1}')},type ip"

    def loading(self) -> Iterator[str]:
        """What loads each of the data sets, for a rule of its own before those that ask for it.

        suricata-update finds the file of one data set in a rule; a rule that loads two is refused by Suricata then.
        """
        return (f"dataset:isset,{name},type ip,load {name}.lst" for name in self._names.values())

    def files(self) -> dict[str, bytes]:
        """Their files by name."""
        return {
            f"{name}.lst": "".join(f"{one}\n" for one in addresses).encode("ascii")
            for addresses, name in self._names.items()
        }


def _written(address: IPv4Address | IPv6Address) -> str:
    """An address as data sets of any Suricata take it: 8 wants those of IPv4 in the form of IPv6."""
    return f"::ffff:{address}" if address.version == 4 else str(address)


@dataclass(frozen=True, slots=True)
class Party:
    """Everybody in ``networks`` (None: everybody) who is in none of ``others``."""

    networks: tuple[Network, ...] | None
    others: tuple[Network, ...] = ()

    def told(self, sets: DataSets) -> Iterator[Told]:
        """The ways that together say who this is."""
        if self.networks is None:
            yield from _none_of(self.others, sets)
        elif not self.others:
            yield from _one_of(self.networks, sets)
        else:
            yield Told(f"[{group(self.networks)},{but(self.others)}]")


EVERYBODY = Party(None)


def one_of(networks: Iterable[Network], others: Iterable[Network] = ()) -> Party:
    """Somebody in one of some networks, and in none of the others."""
    return Party(tuple(networks), tuple(others))


def none_of(others: Iterable[Network]) -> Party:
    """Somebody in none of some networks."""
    return Party(None, tuple(others))


def _none_of(networks: Sequence[Network], sets: DataSets) -> Iterator[Told]:
    literal = negated(networks)
    if len(literal) <= MAX_LITERAL:
        yield Told(literal)
        return
    small, large = _by_size(networks)
    yield Told(negated(large), sets.asking(small, "isnotset"))


def _one_of(networks: Sequence[Network], sets: DataSets) -> Iterator[Told]:
    literal = group(networks)
    if len(literal) <= MAX_LITERAL:
        yield Told(literal)
        return
    small, large = _by_size(networks)
    if small:
        yield Told(ANY, sets.asking(small, "isset"))
    # A network takes less than fifty characters.
    for _, some in groupby(enumerate(large), lambda item: item[0] * 50 // MAX_LITERAL):
        yield Told(group(network for _, network in some))


def _by_size(networks: Sequence[Network]) -> tuple[list[Network], list[Network]]:
    small = [one for one in networks if one.num_addresses <= MAX_NETWORK]
    return small, [one for one in networks if one.num_addresses > MAX_NETWORK]
