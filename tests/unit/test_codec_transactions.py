"""Requests and responses brought together, and datagrams that a span port doubled."""

from __future__ import annotations

import pytest

from melsec_nsm.codec import Codec, Pdu, transactions
from melsec_nsm.codec.transactions import (
    COPY_INTERVAL,
    MAX_BROADCASTS,
    MAX_FLOWS,
    MAX_PENDING,
    REQUEST_TIMEOUT,
    CopyFilter,
    DatagramPairing,
    Endpoint,
    Half,
    Pairing,
    Transaction,
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


def test_lmt_and_emt_by_serial_and_command() -> None:
    for frame in ("lmt-binary", "emt-binary"):
        first, second = asked(frame, serial=1, command=0x0E90), asked(frame, serial=1, command=0x0E93)
        third = asked(frame, serial=2, command=0x0E90)
        answers = [answered(frame, serial=serial, command=command) for serial, command in ((2, 0x0E90), (1, 0x0E93))]
        wrong = answered(frame, serial=2, command=0x0E93)
        pairing = Pairing()
        assert pairs(pairing, first, second, third, *answers, wrong) == [
            (third, answers[0]),
            (second, answers[1]),
            (None, wrong),
        ]
        assert left(pairing) == [first]


def test_a_push_is_not_answered() -> None:
    push = Half(0, pdu("emt-push", "request", command=0x2101, serial=1), SERVER, CLIENT)
    answer = answered("emt-binary", command=0x2101, serial=1)
    assert pairs(Pairing(), push, answer) == [(push, None), (None, answer)]


def test_responses_of_tsn_may_come_from_the_side_that_asks() -> None:
    # 0E94 travels as a response with serials of its own, from the host that sends the requests.
    request = asked("lmt-binary", command=0x0E90)
    notification = Half(0, pdu("lmt-binary", "response", command=0x0E94, serial=5), CLIENT, SERVER)
    pairing = Pairing()
    assert pairs(pairing, request, notification) == [(None, notification)]
    assert left(pairing) == [request]


def test_ascii_in_order_and_by_serial() -> None:
    first, second = asked("3e-ascii"), asked("3e-ascii", command=0x1002)
    one, two = answered("3e-ascii"), answered("3e-ascii")
    assert pairs(Pairing(), first, second, one, two) == [(first, one), (second, two)]
    first, second = asked("4e-ascii", serial=1), asked("4e-ascii", serial=2)
    two, one = answered("4e-ascii", serial=2), answered("4e-ascii", serial=1)
    assert pairs(Pairing(), first, second, two, one) == [(second, two), (first, one)]
    assert pairs(Pairing(), asked("4e-ascii"), answered("4e-binary"))[0][0] is None


def test_a_reused_serial_answers_in_order() -> None:
    requests = [asked("4e-binary", serial=0x1234, command=code) for code in (0x0401, 0x1401)]
    one, two, three = (answered("4e-binary", serial=0x1234) for _ in range(3))
    assert pairs(Pairing(), *requests, one, two, three) == [(requests[0], one), (requests[1], two), (None, three)]


def test_a_request_that_was_dropped() -> None:
    # An FX5U processes the last of several requests in a segment only; the serial number tells which.
    requests = [asked("4e-binary", serial=number) for number in range(3)]
    last = answered("4e-binary", serial=2)
    pairing = Pairing()
    assert pairs(pairing, *requests, last) == [(requests[2], last)]
    assert left(pairing) == requests[:2]


def sized(octets: str, *waiting: Pdu) -> Pdu:
    found = CODEC.read(bytes.fromhex(octets), asked=waiting)
    assert isinstance(found, Pdu)
    return found


def test_1e_by_the_request_that_a_response_was_measured_by() -> None:
    two, three = sized("01 FF 0A00 64000000 2044 02 00"), sized("01 FF 0A00 64000000 2044 03 00")
    run = sized("13 FF 0A00")
    requests = [Half(0, one, CLIENT, SERVER) for one in (two, run, three)]
    responses = [
        Half(0, sized(octets, two, run, three), SERVER, CLIENT)
        for octets in ("81 00 0100 0200 0300", "93 00", "81 00 0100 0200")
    ]
    assert pairs(Pairing(), *requests, *responses) == [
        (requests[2], responses[0]),
        (requests[1], responses[1]),
        (requests[0], responses[2]),
    ]


# Datagrams


def datagram(direction: str, source: Endpoint, destination: Endpoint, serial: int = 1, ts: int = 0) -> Half:
    return Half(ts, pdu("57-long", direction, command=0x1002, serial=serial), source, destination)


def slmp(direction: str, source: Endpoint, destination: Endpoint, serial: int = 1, ts: int = 0, **values: int) -> Half:
    return Half(ts, pdu("4e-binary", direction, b"", serial=serial, **values), source, destination)


def by_datagram(*halves: Half, pairing: DatagramPairing | None = None) -> list[tuple[Half | None, Half | None]]:
    pairing = pairing or DatagramPairing()
    return [(one.request, one.response) for half in halves for one in pairing.pair(half)]


ALL = Endpoint(EVERYONE, 5560)
CONTROLLER = Endpoint("192.168.3.250", 5560)


def test_broadcasts_meet_by_the_port_of_the_client() -> None:
    ports = [Endpoint("192.168.3.18", port) for port in (50001, 50002)]
    requests = [datagram("request", port, ALL) for port in ports]
    responses = [datagram("response", CONTROLLER, Endpoint(EVERYONE, port.port)) for port in ports]
    found = by_datagram(*requests, *reversed(responses))
    assert found == [(requests[1], responses[1]), (requests[0], responses[0])]
    transaction = Transaction(*found[0])
    assert (transaction.client, transaction.server) == ("192.168.3.18", "192.168.3.250")


def test_broadcasts_need_the_same_reference() -> None:
    request = datagram("request", Endpoint("192.168.3.18", 50001), ALL, serial=1)
    response = datagram("response", CONTROLLER, Endpoint(EVERYONE, 50001), serial=2)
    pairing = DatagramPairing()
    assert by_datagram(request, response, pairing=pairing) == [(None, response)]
    assert left(pairing) == [request]


def test_many_answer_a_broadcast() -> None:
    # Node search: every controller answers the client itself.
    request = slmp("request", CLIENT, Endpoint(EVERYONE, 61451), command=0x0E30)
    responses = [slmp("response", Endpoint(f"192.168.3.{host}", 61451), CLIENT) for host in (250, 251, 252)]
    pairing = DatagramPairing()
    found = [one for half in (request, *responses) for one in pairing.pair(half)]
    assert [(one.request, one.response, one.again) for one in found] == [
        (request, responses[0], False),
        (request, responses[1], True),
        (request, responses[2], True),
    ]
    assert [one.server for one in found] == ["192.168.3.250", "192.168.3.251", "192.168.3.252"]
    assert left(pairing) == [], "it was answered"


def test_an_unanswered_broadcast_goes_first() -> None:
    client = Endpoint("192.168.3.18", 50001)
    requests = [datagram("request", client, ALL) for _ in range(2)]
    responses = [datagram("response", CONTROLLER, Endpoint(EVERYONE, 50001)) for _ in range(3)]
    pairing = DatagramPairing()
    found = by_datagram(*requests, *responses, pairing=pairing)
    assert found == [(requests[0], responses[0]), (requests[1], responses[1]), (requests[1], responses[2])]


def test_broadcasts_belong_to_their_client() -> None:
    # Two clients use the same port; the answer names its client, or nobody.
    clients = [Endpoint(f"192.168.3.{host}", 50001) for host in (18, 19)]
    requests = [datagram("request", client, ALL) for client in clients]
    to_second = datagram("response", CONTROLLER, clients[1])
    assert by_datagram(*requests, to_second) == [(requests[1], to_second)]
    to_all = datagram("response", CONTROLLER, Endpoint(EVERYONE, 50001))
    assert by_datagram(*requests, to_all) == [(requests[0], to_all)]


def test_an_answer_to_a_broadcast_may_go_to_another_port_of_its_client() -> None:
    request = slmp("request", CLIENT, Endpoint(EVERYONE, 61451), command=0x0E30)
    answer = slmp("response", Endpoint("192.168.3.250", 61451), Endpoint(CLIENT.host, 61451))
    assert by_datagram(request, answer) == [(request, answer)]
    nobody = slmp("response", Endpoint("192.168.3.250", 61451), Endpoint(EVERYONE, 61451))
    assert by_datagram(request, nobody) == [(None, nobody)], "the port is all that names the client"


def test_a_broadcast_waits_for_a_limited_time() -> None:
    late = REQUEST_TIMEOUT * SECOND
    request = datagram("request", Endpoint("192.168.3.18", 50001), ALL)
    answer = datagram("response", CONTROLLER, Endpoint(EVERYONE, 50001), ts=late)
    assert by_datagram(request, answer) == [(request, None), (None, answer)]
    in_time = datagram("response", CONTROLLER, Endpoint(EVERYONE, 50001), ts=late - 1)
    assert by_datagram(request, in_time, answer) == [(request, in_time), (None, answer)]


def test_limits_of_broadcasts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_BROADCASTS > MAX_PENDING
    client = Endpoint("192.168.3.18", 50001)
    requests = [datagram("request", client, ALL, serial=number) for number in range(MAX_PENDING + 1)]
    assert by_datagram(*requests) == [(requests[0], None)], "of one port"
    monkeypatch.setattr(transactions, "MAX_BROADCASTS", 2)
    requests = [datagram("request", Endpoint("192.168.3.18", port), ALL) for port in range(50001, 50005)]
    pairing = DatagramPairing()
    assert by_datagram(*requests, pairing=pairing) == [(requests[0], None), (requests[1], None)]
    assert left(pairing) == requests[2:]


def test_datagrams_between_hosts_meet_by_both() -> None:
    request, other = datagram("request", CLIENT, SERVER), datagram("request", CLIENT, OTHER)
    response = datagram("response", SERVER, CLIENT)
    pairing = DatagramPairing()
    assert by_datagram(other, request, response, pairing=pairing) == [(request, response)]
    assert left(pairing) == [other]


def test_an_answer_may_go_to_another_port() -> None:
    # FX5 and FX3U-ENET answer to the port that their settings name.
    configured = Endpoint(CLIENT.host, 5001)
    request = slmp("request", CLIENT, SERVER, command=0x0401)
    answer = slmp("response", SERVER, configured)
    pairing = DatagramPairing()
    assert by_datagram(request, answer, answer, pairing=pairing) == [(request, answer), (None, answer)]
    assert left(pairing) == []
    from_elsewhere = slmp("response", Endpoint(SERVER.host, 5008), configured)
    assert by_datagram(request, from_elsewhere) == [(request, from_elsewhere)], "whatever the port"
    to_another = slmp("response", SERVER, Endpoint("192.168.3.19", 5001))
    assert by_datagram(request, to_another) == [(None, to_another)], "another client"
    wrong = slmp("response", SERVER, configured, serial=2)
    assert by_datagram(request, wrong) == [(None, wrong)]


def test_the_exact_port_goes_before_another() -> None:
    second = Endpoint(CLIENT.host, 49153)
    requests = [slmp("request", client, SERVER, command=0x0401) for client in (CLIENT, second)]
    answers = [slmp("response", SERVER, client) for client in (second, CLIENT)]
    assert by_datagram(*requests, *answers) == [(requests[1], answers[0]), (requests[0], answers[1])]


def test_limit_of_flows_among_which_an_answer_is_looked_for() -> None:
    clients = [Endpoint(CLIENT.host, 50000 + number) for number in range(MAX_FLOWS + 1)]
    requests = [slmp("request", client, SERVER, serial=number) for number, client in enumerate(clients)]
    configured = Endpoint(CLIENT.host, 5001)
    pairing = DatagramPairing()
    assert by_datagram(*requests, pairing=pairing) == []
    first, last = (slmp("response", SERVER, configured, serial=number) for number in (0, MAX_FLOWS))
    assert by_datagram(first, last, pairing=pairing) == [(None, first), (requests[-1], last)]
    exact = slmp("response", SERVER, clients[0], serial=0)
    assert by_datagram(exact, pairing=pairing) == [(requests[0], exact)]
    assert left(pairing) == requests[1:-1]


def test_datagrams_that_were_answered_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    pairing = DatagramPairing()
    for port in range(50000, 50100):
        client = Endpoint(CLIENT.host, port)
        assert len(by_datagram(slmp("request", client, SERVER), slmp("response", SERVER, client), pairing=pairing)) == 1
    assert (pairing._flows, pairing._pending) == ({}, {})


def test_on_demand_data_in_a_datagram() -> None:
    on_demand = slmp("request", SERVER, CLIENT, command=0x2101)
    request, response = slmp("request", CLIENT, SERVER), slmp("response", SERVER, CLIENT)
    pairing = DatagramPairing()
    assert by_datagram(on_demand, request, response, pairing=pairing) == [(request, response)]
    assert left(pairing) == [on_demand]


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
    assert not copies.is_copy(step + 1, CLIENT, SERVER, b"a"), "what comes a third time was sent again"
    assert copies.is_copy(step + 2, CLIENT, SERVER, b"a")
    assert not copies.is_copy(step + 3, CLIENT, SERVER, b"a")
    assert not copies.is_copy(2 * step + 4, CLIENT, SERVER, b"a"), "too late for a span port"
    assert not copies.is_copy(2 * step + 5, CLIENT, SERVER, b"b")
    assert not copies.is_copy(2 * step + 6, CLIENT, SERVER, b"a"), "something else came in between"


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
