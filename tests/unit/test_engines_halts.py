"""Controllers that are stopped, get another program, and are left like that."""

from __future__ import annotations

import pytest

from melsec_nsm.engines.base import Operation
from melsec_nsm.engines.reference.events import Happening
from melsec_nsm.engines.reference.halts import Halts

SECOND = 1_000_000_000
CLIENT, SERVER, OTHER = "192.168.3.18", "192.168.3.250", "192.168.3.251"


def done(second: int, action: str, status: str = "0000", server: str = SERVER) -> Operation:
    return Operation(
        ts=second * SECOND, protocol="melsoft", client=CLIENT, server=server, action=action, status=status, requests=1
    )


@pytest.mark.parametrize(
    ("operations", "left"),
    [
        ([done(0, "remote-stop"), done(9, "program-download")], [909]),
        ([done(0, "remote-pause"), done(9, "program-download"), done(20, "program-download")], [920]),
        ([done(0, "remote-stop"), done(9, "program-download"), done(20, "remote-run", "4080")], [909]),
        ([done(0, "remote-stop"), done(9, "program-download"), done(20, "remote-run")], []),
        ([done(0, "remote-stop"), done(9, "program-download"), done(20, "remote-reset")], []),
        # The file ends long after the last of it was written.
        ([done(0, "remote-stop"), done(20, "remote-run"), done(9, "program-download")], []),
        ([done(0, "remote-stop"), done(9, "program-download"), done(20, "remote-run", server=OTHER)], [909]),
        ([done(0, "remote-stop", "4080"), done(9, "program-download")], []),
        ([done(0, "remote-stop", ""), done(9, "program-download")], []),
        ([done(0, "remote-stop"), done(9, "program-upload")], []),
        ([done(9, "program-download")], []),
    ],
)
def test_who_is_left(operations: list[Operation], left: list[int]) -> None:
    halts = Halts()
    for one in operations:
        halts.operation(one)
    assert list(halts.at(908 * SECOND)) == []
    wanted = [Happening("left-stopped", second * SECOND, CLIENT, SERVER) for second in left]
    assert list(halts.at(1000 * SECOND)) == wanted
    assert list(halts.at(2000 * SECOND)) == []
