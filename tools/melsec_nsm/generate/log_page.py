"""Reference page of the logs of Zeek: their columns, from where the scripts define them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from melsec_nsm.definitions.model import DefinitionError, Issue, Location
from melsec_nsm.generate.text import NOTE, table

PATH = "tools/docs/logs.md"

_FIELD = re.compile(r"^\t\t(?P<name>\w+): (?P<type>[^&]+?) (?P<attributes>&.*);$")


@dataclass(frozen=True, slots=True)
class Log:
    """A log of Zeek, and the record in a script that has its columns."""

    name: str
    script: str
    record: str
    about: str


LOGS = (
    Log(
        "melsec.log",
        "info.zeek",
        "type Info: record {",
        "One line per transaction: a request with its response, or either alone. Where `MELSEC::log_polling` sums up,\n"
        "one line stands for many. Passwords are in no column; that one was sent shows as `unlock-password` with\n"
        "`password_length=6` in `details`, and as a notice.",
    ),
    Log(
        "melsec_engineering.log",
        "operations.zeek",
        "type Operation: record {",
        "The audit trail: one line per thing that a person would say was done to a controller, however many requests\n"
        "it took. [Which operations there are](engineering.md). The last four columns are what\n"
        "[the policy of the site](policy.md) says.",
    ),
    Log(
        "melsec_assets.log",
        "assets.zeek",
        "type Asset: record {",
        "What was learnt of controllers, a line whenever something of one is new. The newest line of a host holds all\n"
        "that is known of it.",
    ),
    Log(
        "notice.log",
        "notices.zeek",
        "redef record Notice::Info += {",
        "Each [detection](detections.md) has a note type: `remote-stop` is `MELSEC::Remote_Stop`. The columns of\n"
        "Zeek's own say who (`src`), to whom (`dst`) and on which connection; these are added to them:",
    ),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a log: its type as Zeek writes it, whether it may be absent, and what it holds."""

    name: str
    type: str
    optional: bool
    about: str


def render(scripts: Path) -> dict[str, bytes]:
    """The page by its path in the checkout; ``scripts`` is the folder of the Zeek scripts. DefinitionError."""
    return {PATH: ("\n".join(_page(scripts)).rstrip("\n") + "\n").encode("utf-8")}


def columns(script: Path, record: str) -> tuple[Column, ...]:
    """The columns of a log: the fields of a record with ``&log``, with the comments above them.

    ``record`` is the line that begins the record. DefinitionError where a field has no comment or there is no record.
    """
    found: list[Column] = []
    inside = False
    comments: list[str] = []
    for number, line in enumerate(script.read_text("utf-8").splitlines(), 1):
        if not inside:
            inside = line.strip() == record
        elif line.strip() == "};":
            break
        elif line.strip().startswith("##"):
            comments.append(line.strip().lstrip("#").strip())
        else:
            field = _FIELD.match(line)
            if field is not None and "&log" in field["attributes"].split():
                if not comments:
                    raise _wrong(
                        script, number, f"the column {field['name']} has no description (a ## comment above it)"
                    )
                optional = "&optional" in field["attributes"].split()
                found.append(Column(field["name"], field["type"], optional, " ".join(comments).replace("``", "`")))
            comments = []
    if not found:
        raise _wrong(script, 1, f"there is no record with columns of a log ({record})")
    return tuple(found)


def _wrong(script: Path, line: int, message: str) -> DefinitionError:
    return DefinitionError([Issue(Location(script.name, line, 1), message)])


def _page(scripts: Path) -> Iterator[str]:
    yield from (f"<!-- {NOTE} -->", "", "# The logs of Zeek", "")
    yield "The types are those of Zeek. A `conn_id` is four columns: `id.orig_h`, `id.orig_p`, `id.resp_h` and"
    yield "`id.resp_p`. What may be absent is `-` in a log with tabs, and no key in one of JSON."
    yield "[The first hour](first-hour.md) has lines of each, and [a page](tune.md) how to have less of them."
    for log in LOGS:
        yield from ("", f"## {log.name}", "", log.about, "")
        yield from table(
            ("column", "type", "may be absent", "what"),
            (
                (f"`{one.name}`", f"`{one.type}`", "yes" if one.optional else "", one.about)
                for one in columns(scripts / log.script, log.record)
            ),
        )
    yield from ("", "## Other logs", "")
    yield from _OTHERS


_OTHERS = (
    "`conn.log` has the service `melsec_tcp` or `melsec_udp`, once PDUs have proved it.",
    "",
    "`files.log` has a line for each file that is read from or written to a controller, with its name, MD5 and",
    "SHA-256; `source` is `MELSEC_TCP` or `MELSEC_UDP`. The stock scripts of Zeek extract them. Blocks may come in any",
    "order, twice, or over as many connections as a tool opens; a file with a hole has `missing_bytes` and no digest.",
    "At most 256 files are on their way at a time (`MELSEC::max_transfers`); one of which nothing is heard for ten",
    "minutes, or for one where every request names the file, ends.",
    "",
    "`weird.log` names what is odd, each once per connection in five minutes (`MELSEC::weird_interval`):",
    "",
    *table(
        ("name", "what"),
        (
            ("`melsec_garbage`", "octets between PDUs that are none"),
            ("`melsec_limit`", "a limit was reached; `addl` names the option"),
            ("`melsec_request_unanswered`", "no response came in `MELSEC::request_timeout`"),
            ("`melsec_response_late`", "a response came after that"),
            ("`melsec_response_repeated`", "the same response came once more"),
            ("`melsec_response_conflicting`", "another response to the same request"),
            ("`melsec_response_unasked`", "a response that no request asked for"),
        ),
    ),
    "",
    "`reporter.log` says which policy is in force, and why one was refused; and which id in an option is no detection.",
)
