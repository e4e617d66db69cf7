"""Files put together from the blocks of many PDUs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from melsec_nsm.codec.transactions import NAMED_FILE_TIMEOUT, OPEN_FILE_TIMEOUT
from melsec_nsm.definitions.loader import PACKAGED
from melsec_nsm.definitions.model import Exchange
from melsec_nsm.engines.base import FileTransfer, Operation, Result
from melsec_nsm.engines.reference import ReferenceEngine, files

Ask = Callable[..., Exchange]
Verdict = Callable[..., Result]

PROGRAM = "$MELPRJ$\\MAIN.PRG"
WRITE = 0x0100
CONTENT = bytes(range(256)) * 8
BLOCK = 960


def sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def opened(ask: Ask, pointer: int = 1, name: str = PROGRAM, mode: int = WRITE, **values: Any) -> Exchange:
    """A file is opened, for writing unless something else is said."""
    size = {"new_size": len(CONTENT)} if mode == WRITE else {}
    return ask("open-file", name=name, mode=mode, answer={"pointer": pointer}, **{**size, **values})


def written(ask: Ask, number: int, pointer: int = 1, **others: Any) -> Exchange:
    """A block goes to the controller."""
    content = CONTENT[number * BLOCK : (number + 1) * BLOCK]
    values = {"pointer": pointer, "offset": number * BLOCK, "content": content}
    return ask("write-file", answer={"octets": len(content)}, **values, **others)


def fetched(ask: Ask, number: int, pointer: int = 1, **others: Any) -> Exchange:
    """A block comes from the controller."""
    content = CONTENT[number * BLOCK : (number + 1) * BLOCK]
    values = {"pointer": pointer, "offset": number * BLOCK, "points": len(content)}
    return ask("read-file", answer={"content": content}, **values, **others)


def closed(ask: Ask, pointer: int = 1, **others: Any) -> Exchange:
    return ask("close-file", pointer=pointer, **others)


def found(result: Result) -> tuple[FileTransfer, ...]:
    assert result.files is not None
    return result.files


def done(result: Result) -> tuple[Operation, ...]:
    assert result.operations is not None
    return result.operations


def test_a_download(ask: Ask, verdict: Verdict) -> None:
    result = verdict(opened(ask), *(written(ask, n) for n in range(3)), closed(ask))
    (file,) = found(result)
    assert (file.name, file.path, file.drive, file.direction, file.kind) == (
        "MAIN.PRG",
        PROGRAM,
        4,
        "download",
        "program",
    )
    assert (file.size, file.bytes, file.missing_bytes, file.closed) == (2048, 2048, 0, True)
    assert file.sha256 == sha256(CONTENT)
    assert file.md5 == hashlib.md5(CONTENT).hexdigest()
    (operation,) = done(result)
    assert (operation.action, operation.object, operation.bytes) == ("program-download", "MAIN.PRG", 2048)
    assert (operation.sha256, operation.status, operation.status_name) == (sha256(CONTENT), "0000", "success")
    assert operation.requests == 5


def test_an_upload(ask: Ask, verdict: Verdict) -> None:
    result = verdict(opened(ask, mode=0), *(fetched(ask, n) for n in (2, 0, 0, 1)), closed(ask))
    (file,) = found(result)
    assert (file.direction, file.bytes, file.missing_bytes, file.sha256) == ("upload", 2048, 0, sha256(CONTENT))
    assert [one.action for one in done(result)] == ["program-upload"]


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        (PROGRAM, ("program-download", "program-upload")),
        ("$MELPRJ$\\main.prg", ("program-download", "program-upload")),
        ("CPU.PRM", ("parameter-write", "parameter-read")),
        ("LOGGING\\DATA.CSV", ("file-write", "file-read")),
        ("PRG", ("file-write", "file-read")),
        ("MAIN.PRG.BAK", ("file-write", "file-read")),
    ],
)
def test_the_extension_says_what_a_file_is(ask: Ask, verdict: Verdict, name: str, actions: tuple[str, str]) -> None:
    for mode, action in zip((WRITE, 0), actions, strict=True):
        (operation,) = done(verdict(opened(ask, name=name, mode=mode), closed(ask)))
        assert operation.action == action
        assert operation.object == name.rpartition("\\")[2]


def test_files_that_are_open_at_once_are_kept_apart(ask: Ask, verdict: Verdict) -> None:
    result = verdict(
        opened(ask, 1),
        opened(ask, 2, "CPU.PRM", new_size=960),
        written(ask, 0, 1),
        written(ask, 1, 1),
        written(ask, 0, 2),
        closed(ask, 2),
        written(ask, 2, 1),
        closed(ask, 1),
    )
    assert {one.name: one.sha256 for one in found(result)} == {
        "MAIN.PRG": sha256(CONTENT),
        "CPU.PRM": sha256(CONTENT[:960]),
    }


def test_clients_that_have_the_same_pointer_are_kept_apart(ask: Ask, verdict: Verdict) -> None:
    other: dict[str, Any] = {"changes": {"client": "192.168.3.66"}}
    mine = [opened(ask), *(written(ask, n) for n in range(3)), closed(ask)]
    theirs = [opened(ask, name="CPU.PRM", **other), written(ask, 0, **other), closed(ask, **other)]
    result = verdict(mine[0], theirs[0], mine[1], theirs[1], mine[2], theirs[2], *mine[3:])
    assert [(one.client, one.name, one.bytes) for one in found(result)] == [
        ("192.168.3.18", "MAIN.PRG", 2048),
        ("192.168.3.66", "CPU.PRM", 960),
    ]


def test_a_pointer_that_is_given_again_ends_the_file_before(ask: Ask, verdict: Verdict) -> None:
    result = verdict(opened(ask), written(ask, 0), opened(ask, mode=0, name="CPU.PRM"), fetched(ask, 0), closed(ask))
    first, second = found(result)
    assert (first.name, first.closed, first.bytes, first.missing_bytes) == ("MAIN.PRG", False, 960, 2048 - 960)
    assert (second.name, second.closed, second.bytes) == ("CPU.PRM", True, 960)


def test_a_block_whose_answer_was_lost_is_there(ask: Ask, verdict: Verdict) -> None:
    lost = written(ask, 1, status=None)
    (file,) = found(verdict(opened(ask), written(ask, 0), lost, written(ask, 2), closed(ask)))
    assert (file.missing_bytes, file.sha256) == (0, sha256(CONTENT))


def test_a_block_that_nobody_saw_is_missing(ask: Ask, verdict: Verdict) -> None:
    lost = written(ask, 1, changes={"lost": True})
    result = verdict(opened(ask), written(ask, 0), lost, written(ask, 2), closed(ask))
    (file,) = found(result)
    assert (file.size, file.bytes, file.missing_bytes) == (2048, 1088, 960)
    assert (file.md5, file.sha256) == (None, None)
    assert (done(result)[0].missing_bytes, done(result)[0].sha256) == (960, None)


def test_the_end_of_a_download_that_was_broken_off_is_missing(ask: Ask, verdict: Verdict) -> None:
    (file,) = found(verdict(opened(ask), written(ask, 0)))
    assert (file.closed, file.bytes, file.missing_bytes, file.sha256) == (False, 960, 1088, None)


def test_a_file_that_may_not_be_opened_is_an_attempt(ask: Ask, verdict: Verdict) -> None:
    result = verdict(opened(ask, status=0x4080))
    (operation,) = done(result)
    assert (operation.action, operation.status, operation.status_name) == (
        "program-download",
        "4080",
        "request-data-error",
    )
    assert operation.bytes == 0
    assert [(one.id, one.count) for one in result.detections] == [("program-download", 1)]


def test_the_first_refusal_is_the_outcome(ask: Ask, verdict: Verdict) -> None:
    result = verdict(opened(ask), written(ask, 0, status=0x4080), written(ask, 1, status=0x4002), closed(ask))
    assert done(result)[0].status == "4080"


def test_a_refused_answer_holds_no_block(ask: Ask, verdict: Verdict) -> None:
    (file,) = found(verdict(opened(ask, mode=0), fetched(ask, 0, status=0x4080), fetched(ask, 1), closed(ask)))
    assert file.bytes == 960


def test_a_file_that_was_open_before_has_no_name(ask: Ask, verdict: Verdict) -> None:
    result = verdict(written(ask, 0, 7), written(ask, 1, 7), closed(ask, 7), shape="midstream")
    (file,) = found(result)
    assert (file.name, file.direction, file.kind, file.bytes, file.closed) == ("", "download", "other", 1920, True)
    assert [one.action for one in done(result)] == ["file-write"]
    assert [one.action for one in done(verdict(fetched(ask, 0, 7), shape="midstream"))] == ["file-read"]
    assert done(verdict(closed(ask, 7), shape="midstream")) == ()


def test_blocks_read_back_are_no_part_of_what_is_written(ask: Ask, verdict: Verdict) -> None:
    (file,) = found(verdict(opened(ask), written(ask, 0), fetched(ask, 1), closed(ask)))
    assert file.bytes == 960


def test_a_broadcast_names_no_controller_until_it_is_answered(ask: Ask, verdict: Verdict) -> None:
    exchanges = [opened(ask), *(written(ask, n) for n in range(3)), closed(ask)]
    result = verdict(*exchanges, transport="udp", shape="broadcast")
    (file,) = found(result)
    assert (file.server, file.sha256) == ("192.168.3.250", sha256(CONTENT))


NAMED = {"protocol": "slmp", "frame": "3e-binary", "name": "MAIN", "extension": "QPG", "file_number": 1}


def test_files_that_every_request_names(ask: Ask, verdict: Verdict) -> None:
    def block(number: int, **others: Any) -> Exchange:
        content = CONTENT[number * BLOCK : (number + 1) * BLOCK]
        return ask("write-file-content", offset=number * BLOCK, content=content, **NAMED, **others)

    result = verdict(block(0), block(1), block(2), block(2))
    (file,) = found(result)
    assert (file.name, file.path, file.bytes, file.sha256) == ("MAIN.QPG", "MAIN.QPG", 2048, sha256(CONTENT))
    assert (done(result)[0].action, done(result)[0].requests) == ("program-download", 4)
    # After a while it is another time.
    result = verdict(block(0), block(1), block(0, changes={"after": NAMED_FILE_TIMEOUT + 1}))
    assert [one.bytes for one in found(result)] == [1920, 960]


def test_an_open_file_of_which_nothing_is_heard_ends(ask: Ask, verdict: Verdict) -> None:
    late = closed(ask, 1, changes={"after": OPEN_FILE_TIMEOUT + 1})
    assert [one.closed for one in found(verdict(opened(ask, 1, "A.PRG"), late))] == [False]


def test_open_files_are_bounded(ask: Ask, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_OPEN_FILES", 3)
    result = verdict(*(opened(ask, pointer, f"{pointer}.PRG") for pointer in range(6)), closed(ask, 5))
    assert sorted((one.name, one.closed) for one in found(result)) == [
        (f"{pointer}.PRG", pointer == 5) for pointer in range(6)
    ]


# The captures of the definition


def transfers() -> Iterator[tuple[str, dict[str, Any]]]:
    """What the files of the captures say that is transferred: one entry per file, whatever its parts."""
    for path in sorted((PACKAGED / "captures").glob("*.yaml")):
        for capture in yaml.safe_load(path.read_text("utf-8"))["captures"]:
            merged: dict[tuple[str, str], dict[str, Any]] = {}
            for exchange in capture["exchanges"]:
                given = exchange.get("transfer")
                if given is not None:
                    merged.setdefault((given["file"], given["direction"]), given)
            for given in merged.values():
                yield capture["capture"], given


TRANSFERS = [pytest.param(name, given, id=f"{name}-{given['file']}") for name, given in transfers()]


@pytest.mark.parametrize(("name", "given"), TRANSFERS)
def test_captures_hold_what_they_are_made_of(checkout: Path, name: str, given: dict[str, Any]) -> None:
    result = ReferenceEngine().run(checkout / "pcaps" / f"{name}.pcap")
    block = given.get("block", BLOCK)
    size = given["size"]
    whole = (given["pattern"] * (size // len(given["pattern"]) + 1))[:size].encode("ascii")
    lost = sum(len(whole[at * block : (at + 1) * block]) for at in given.get("lost", ()))
    (file,) = [one for one in found(result) if one.path == given["file"] and one.direction == given["direction"]]
    assert (file.size, file.bytes, file.missing_bytes, file.closed) == (size, size - lost, lost, True)
    assert file.sha256 == (None if lost else sha256(whole))
    (operation,) = [one for one in done(result) if one.object == file.name and one.ts == file.ts]
    assert (operation.bytes, operation.missing_bytes, operation.sha256) == (file.bytes, lost, file.sha256)


def test_some_captures_hold_large_files_and_lost_blocks() -> None:
    given = [one for _, one in transfers()]
    assert {one["direction"] for one in given if one["size"] > 0x10000} == {"upload", "download"}
    assert any(one.get("lost") for one in given)
    assert any(one.get("repeated") for one in given)
