"""Requests and responses brought together, and datagrams that a span port doubled."""

from __future__ import annotations

import pytest

from melsec_nsm.codec import Codec, Pdu, transactions
from melsec_nsm.codec.transactions import (
    COPY_INTERVAL,
    MAX_PENDING,
    REQUEST_TIMEOUT,
    CopyFilter,
    Endpoint,
    Half,
    Pairing,
    Transaction,
    datagram_key,
    is_group,
)
from melsec_nsm.definitions import load

CODEC = Codec(load())
CLIENT, SERVER = Endpoint("192.168.3.18", 49152), Endpoint("192.168.3.250", 5007)
OTHER = Endpoint("192.168.3.251", 5007)
EVERYONE = "255.255.255.255"
SECOND = 1_000_000_000


def pdu(frame: str, direction: str, data: bytes = b"", **values: int) -> Pdu:
    half = CODEC.half(frame, direction)
    found = CODEC.read(half.encode(values, data))
    assert isinstance(found, Pdu)
    return found


def asked(frame: str = "3e-binary", *, ts: int = 0, command: int = 0x0401, serial: int = 0) -> Half:
    return Half(ts, pdu(frame, "request", command=command, serial=serial), CLIENT, SERVER)


def answered(frame: str = "3e-binary", *, ts: int = 0, command: int = 0x0401, serial: int = 0, status: int = 0) -> Half:
    return Half(ts, pdu(frame, "response", command=command, serial=serial, status=status), SERVER, CLIENT)


def pairs(pairing: Pairing, *halves: Half, key: object = 1) -> list[tuple[Half | None, Half | None]]:
    """What the halves complete, without what is left at the end."""
    return [(one.request, one.response) for half in halves for one in pairing.add(key, half)]


def left(pairing: Pairing) -> list[Half | None]:
    """The requests that nobody answered."""
    found = list(pairing.finish())
    assert all(one.response is None for one in found)
    return [one.request for one in found]


def test_in_order_where_nothing_else_tells() -> None:
    first, second, third = (asked(command=code) for code in (0x0401, 0x1401, 0x1002))
    one, two = answered(), answered(status=0xC059)
    pairing = Pairing()
    assert pairs(pairing, first, second, third, one, two) == [(first, one), (second, two)]
    assert left(pairing) == [third]
    assert left(pairing) == []


def test_by_serial() -> None:
    first, second = asked("4e-binary", serial=1), asked("4e-binary", serial=2)
    two, one = answered("4e-binary", serial=2), answered("4e-binary", serial=1)
    assert pairs(Pairing(), first, second, two, one) == [(second, two), (first, one)]


def test_a_serial_that_nobody_used() -> None:
    first = asked("4e-binary", serial=1)
    other = answered("4e-binary", serial=9)
    pairing = Pairing()
    assert pairs(pairing, first, other) == [(None, other)]
    assert left(pairing) == [first]


def test_by_command_where_the_response_repeats_it() -> None:
    # Two dialogues of GX Works3 share a connection, each with its own packet references.
    monitor, stop = asked("57-long", command=0x0411, serial=1), asked("57-long", command=0x1002, serial=1)
    done, words = answered("57-long", command=0x1002, serial=1), answered("57-long", command=0x0411, serial=1)
    assert pairs(Pairing(), monitor, stop, done, words) == [(stop, done), (monitor, words)]
    wrong = answered("57-long", command=0x1001, serial=1)
    assert pairs(Pairing(), asked("57-long", command=0x1002, serial=1), wrong) == [(None, wrong)]


def test_control_frames_by_their_type() -> None:
    identify, query = (Half(0, pdu("5a", "request", command=code), CLIENT, SERVER) for code in (0xFF, 0x01))
    owner = Half(0, pdu("5a", "response", bytes(10), command=0x01), SERVER, CLIENT)
    assert pairs(Pairing(), identify, query, owner) == [(query, owner)]


@pytest.mark.parametrize("frame", ["4e-binary", "57-short"])
def test_frames_do_not_answer_for_each_other(frame: str) -> None:
    request, response = asked("3e-binary" if frame == "4e-binary" else "57-long"), answered(frame)
    assert pairs(Pairing(), request, response) == [(None, response)]


def test_unsolicited() -> None:
    alone = answered()
    pairing = Pairing()
    assert pairs(pairing, alone) == [(None, alone)]
    request, response, again = asked(), answered(), answered()
    assert pairs(pairing, request, response, again) == [(request, response), (None, again)]


def test_conversations_are_apart() -> None:
    pairing = Pairing()
    request, response = asked(), answered()
    assert pairs(pairing, request, key=1) == []
    assert pairs(pairing, response, key=2) == [(None, response)]
    assert [one.request for one in pairing.close(2)] == []
    assert [one.request for one in pairing.close(1)] == [request]
    assert left(pairing) == []


def test_what_a_controller_asks_is_not_answered_by_itself() -> None:
    # On-demand data come from the controller as a request, on the connection of its client.
    on_demand = Half(0, pdu("3e-binary", "request", command=0x2101), SERVER, CLIENT)
    request, response = asked(), answered()
    pairing = Pairing()
    assert pairs(pairing, on_demand, request, response) == [(request, response)]
    assert left(pairing) == [on_demand]


def test_a_request_waits_for_a_limited_time() -> None:
    late = REQUEST_TIMEOUT * SECOND
    request, in_time = asked(ts=5), answered(ts=5 + late - 1)
    assert pairs(Pairing(), request, in_time) == [(request, in_time)]
    too_late = answered(ts=5 + late)
    assert pairs(Pairing(), request, too_late) == [(request, None), (None, too_late)]
    following = asked(ts=5 + late)
    pairing = Pairing()
    assert pairs(pairing, request, following) == [(request, None)]
    assert left(pairing) == [following]


def test_limit_of_requests_in_a_conversation() -> None:
    requests = [asked("4e-binary", serial=number) for number in range(MAX_PENDING + 2)]
    pairing = Pairing()
    assert pairs(pairing, *requests) == [(requests[0], None), (requests[1], None)]
    assert left(pairing) == requests[2:]


def test_limit_of_conversations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_CONVERSATIONS", 2)
    pairing = Pairing()
    first, second, third, again = asked(), asked(), asked(), asked()
    assert pairs(pairing, first, key="a") == pairs(pairing, second, key="b") == pairs(pairing, again, key="a") == []
    assert pairs(pairing, third, key="c") == [(second, None)], "the least recent goes"
    assert left(pairing) == [first, again, third]


def test_answered_conversations_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_CONVERSATIONS", 2)
    pairing = Pairing()
    waiting = asked()
    pairs(pairing, waiting, key="waiting")
    for number in range(5):
        assert len(pairs(pairing, asked(), answered(), key=number)) == 1
        # Neither an answer nor the end of the wait leaves an empty entry that would push others out.
        assert len(pairs(pairing, asked(), answered(ts=REQUEST_TIMEOUT * SECOND), key=number)) == 2
    assert left(pairing) == [waiting]


# Datagrams


def datagram(direction: str, source: Endpoint, destination: Endpoint, serial: int = 1) -> Half:
    return Half(0, pdu("57-long", direction, command=0x1002, serial=serial), source, destination)


def by_datagram(*halves: Half) -> list[tuple[Half | None, Half | None]]:
    pairing = Pairing()
    return [found for half in halves for found in pairs(pairing, half, key=datagram_key(half))]


def test_broadcasts_meet_by_the_port_of_the_client() -> None:
    ports = [Endpoint("192.168.3.18", port) for port in (50001, 50002)]
    everyone = Endpoint(EVERYONE, 5560)
    controller = Endpoint("192.168.3.250", 5560)
    requests = [datagram("request", port, everyone) for port in ports]
    responses = [datagram("response", controller, Endpoint(EVERYONE, port.port)) for port in ports]
    found = by_datagram(*requests, *reversed(responses))
    assert found == [(requests[1], responses[1]), (requests[0], responses[0])]
    transaction = Transaction(*found[0])
    assert (transaction.client, transaction.server) == ("192.168.3.18", "192.168.3.250")


def test_broadcasts_need_the_same_reference() -> None:
    request = datagram("request", Endpoint("192.168.3.18", 50001), Endpoint(EVERYONE, 5560), serial=1)
    response = datagram("response", Endpoint("192.168.3.250", 5560), Endpoint(EVERYONE, 50001), serial=2)
    assert by_datagram(request, response) == [(None, response)]


def test_datagrams_between_hosts_meet_by_both() -> None:
    request, other = datagram("request", CLIENT, SERVER), datagram("request", CLIENT, OTHER)
    response = datagram("response", SERVER, CLIENT)
    assert by_datagram(other, request, response) == [(request, response)]
    assert datagram_key(request) == datagram_key(response) != datagram_key(other)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (EVERYONE, True),
        ("192.168.3.255", True),
        ("239.1.2.3", True),
        ("ff02::1", True),
        ("192.168.3.250", False),
        ("192.168.255.3", False),
        ("fe80::255", False),
    ],
)
def test_groups(host: str, expected: bool) -> None:
    assert is_group(host) is expected


# What a transaction says


def test_both_halves() -> None:
    one = Transaction(asked(command=0x1002), answered(status=0xC059))
    assert one.first is one.request
    assert (one.client, one.server, one.code, one.command) == (CLIENT.host, SERVER.host, 0x1002, "1002")
    assert one.known is not None
    assert one.known.operation == "remote-stop"


def test_a_response_alone() -> None:
    one = Transaction(None, answered())
    assert (one.client, one.server, one.code, one.command, one.known) == (CLIENT.host, SERVER.host, None, "", None)
    repeated = Transaction(None, answered("57-long", command=0x1002))
    assert (repeated.command, repeated.known is not None) == ("1002", True)


def test_a_request_alone() -> None:
    one = Transaction(asked(command=0x1234), None)
    assert (one.server, one.command, one.known) == (SERVER.host, "1234", None)
    lost = Transaction(Half(0, pdu("5a", "request", command=0x22), CLIENT, Endpoint(EVERYONE, 5560)), None)
    assert (lost.client, lost.server, lost.command) == (CLIENT.host, None, "22")


# Copies


def test_copies() -> None:
    step = COPY_INTERVAL * 1_000_000
    copies = CopyFilter()
    assert not copies.is_copy(0, CLIENT, SERVER, b"a")
    assert copies.is_copy(step, CLIENT, SERVER, b"a")
    assert copies.is_copy(2 * step, CLIENT, SERVER, b"a"), "each is compared with the one before it"
    assert not copies.is_copy(3 * step + 1, CLIENT, SERVER, b"a"), "too late for a span port"
    assert not copies.is_copy(3 * step + 2, CLIENT, SERVER, b"b")
    assert not copies.is_copy(3 * step + 3, CLIENT, SERVER, b"a"), "something else came in between"


def test_a_poll_after_its_answer_is_no_copy() -> None:
    copies = CopyFilter()
    assert not copies.is_copy(0, CLIENT, SERVER, b"poll")
    assert not copies.is_copy(1, SERVER, CLIENT, b"answer")
    assert not copies.is_copy(2, CLIENT, SERVER, b"poll")
    assert not copies.is_copy(3, SERVER, CLIENT, b"answer")
    assert copies.is_copy(4, SERVER, CLIENT, b"answer")


def test_copies_belong_to_their_way() -> None:
    copies = CopyFilter()
    ends = [CLIENT, Endpoint(CLIENT.host, 49153), Endpoint("192.168.3.19", 49152)]
    assert [copies.is_copy(0, end, SERVER, b"a") for end in ends] == [False] * 3
    assert [copies.is_copy(1, end, OTHER, b"a") for end in ends] == [False] * 3
    assert [copies.is_copy(2, end, SERVER, b"a") for end in ends] == [True] * 3


def test_the_filter_forgets_the_oldest_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_CONVERSATIONS", 2)
    copies = CopyFilter()
    ends = [Endpoint(CLIENT.host, port) for port in (50000, 50001, 50002)]
    for end in ends:
        copies.is_copy(0, end, SERVER, b"a")
    assert copies.is_copy(1, ends[2], SERVER, b"a")
    assert not copies.is_copy(1, ends[0], SERVER, b"a")
