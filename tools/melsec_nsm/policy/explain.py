"""What a policy says of something that somebody wants to do, in words: the answer, and each rule that speaks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import Definition, Location
from melsec_nsm.policy.addresses import AddressError, parse_address
from melsec_nsm.policy.compiled import CompiledPolicy, Content, Request, Ruling, Verdict
from melsec_nsm.policy.model import DAYS, Change, Controller, Host, Path, Role, Window

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class QuestionError(Exception):
    """The question makes no sense. One line, fit to be shown to a user."""


@dataclass(frozen=True, slots=True)
class Line:
    """A reason: whether it speaks for or against what is asked (None: neither), and where it stands in the file."""

    good: bool | None
    text: str
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer and its reasons. ``violations`` are ids of detections."""

    allowed: bool
    answer: str
    lines: tuple[Line, ...]
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: ``action`` is an engineering operation or a class of commands, ``at`` a time in ns (UTC)."""

    client: str
    server: str | None
    action: str
    at: int
    port: str = ""
    content: Content | None = None


def client_address(site: CompiledPolicy, text: str) -> str:
    """The address of a client that is given by its address or the name of a host. QuestionError."""
    host = site.policy.hosts.get(text)
    if host is not None:
        return str(host.networks[0].network_address)
    return _address(text, "host", site.policy.hosts)


def server_address(site: CompiledPolicy, text: str) -> str:
    """The address of a controller that is given by its address or its name. QuestionError."""
    controller = site.policy.controllers.get(text)
    if controller is not None:
        return str(controller.addresses[0])
    return _address(text, "controller", site.policy.controllers)


def _address(text: str, what: str, names: Collection[str]) -> str:
    try:
        return str(parse_address(text))
    except AddressError:
        hint = suggest(text, names)
        message = f"no {what} is called '{text}', and it is no address"
        raise QuestionError(message + (f" ({hint})" if hint else "")) from None


def instant(site: CompiledPolicy, text: str) -> int:
    """A time in ns (UTC): by the clocks of the site, unless it says how far they are ahead of UTC. QuestionError."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise QuestionError(f"'{text}' is no time (such as 2026-11-29T03:00)") from None
    if found.tzinfo is not None:
        return (found - _EPOCH) // timedelta(microseconds=1) * 1000
    return site.clock.first_at(found) * 1_000_000_000


def port(text: str) -> str:
    """A port such as ``5562/tcp``, or nothing. QuestionError."""
    if text and not re.fullmatch("[1-9][0-9]{0,4}/(tcp|udp)", text):
        raise QuestionError(f"'{text}' is no port (such as 5562/tcp)")
    return text


def explain(site: CompiledPolicy, definition: Definition, question: Question) -> Explanation:
    """The answer to a question.

    Raises:
        QuestionError: there is no such operation or class.
    """
    classes = definition.action_classes
    if question.action in classes:
        verdicts = {question.action: site.judge(_request(question, classes[question.action], question.action))}
    elif question.action in definition.classes:
        # Of a class some operations may need a window, and the others not.
        plain = {question.action: site.judge(_request(question, (question.action,)))}
        needing = [name for name in definition.engineering.need_window if question.action in classes[name]]
        verdicts = plain | {name: site.judge(_request(question, classes[name], name)) for name in needing}
    else:
        hint = suggest(question.action, (*classes, *definition.classes))
        message = f"'{question.action}' is no engineering operation, and no class"
        raise QuestionError(message + (f" ({hint})" if hint else ""))
    return _Words(site, definition, question).explanation(verdicts)


def _request(question: Question, classes: tuple[str, ...], action: str = "") -> Request:
    return Request(
        question.at, question.client, question.server, question.port, classes, action=action, content=question.content
    )


@dataclass(frozen=True, slots=True)
class _Words:
    site: CompiledPolicy
    definition: Definition
    question: Question

    def explanation(self, verdicts: dict[str, Verdict]) -> Explanation:
        lines: dict[Line, None] = {}
        for action, verdict in verdicts.items():
            lines.update(dict.fromkeys(self._lines(verdict, action)))
        violations = tuple(dict.fromkeys(name for verdict in verdicts.values() for name in verdict.violations))
        return Explanation(not violations, self._answer(not violations), tuple(lines), violations)

    def _answer(self, allowed: bool) -> str:
        site, question = self.site, self.question
        host = site.host(question.client)
        controller = site.controller(question.server) if question.server is not None else None
        client = f"{host.name} ({question.client})" if host is not None else question.client
        server = (
            f"{controller.name} ({question.server})" if controller is not None else question.server or "all at once"
        )
        then = site.clock.shown(question.at)
        when = f"{DAYS[then.weekday()].capitalize()} {then:%Y-%m-%d %H:%M} {site.clock.zone}"
        return f"{'allowed' if allowed else 'not allowed'}: {question.action} by {client} on {server}, {when}"

    def _lines(self, verdict: Verdict, action: str) -> Iterator[Line]:
        for ruling in verdict.rulings:
            text = getattr(self, f"_{ruling.about}")(ruling, action)
            location = ruling.entry.location if ruling.entry is not None else None
            if ruling.violation:
                text += f" [{ruling.violation}]"
            yield Line(not ruling.violation, text, location)
            if ruling.spared is not None:
                how = "for this host" if ruling.spared.enabled else "at this site"
                yield Line(True, f"{ruling.violation} is off {how}", ruling.spared.location)
        if action in self.definition.engineering.names and action not in self.site.need_window:
            yield Line(None, f"{action} needs no window")
        if action in self.site.need_change and self.question.content is None:
            yield Line(None, f"{action} needs an approved change too: ask with --file and --sha256")

    def _client(self, ruling: Ruling, _action: str) -> str:
        if isinstance(ruling.entry, Host):
            return f"{self.question.client} is host {ruling.entry.name}, with the role {ruling.entry.role}"
        return f"no host has the address {self.question.client}"

    def _server(self, ruling: Ruling, _action: str) -> str:
        if isinstance(ruling.entry, Controller):
            return f"{self.question.server} is controller {ruling.entry.name}"
        return f"no controller has the address {self.question.server}"

    def _controller(self, ruling: Ruling, _action: str) -> str:
        assert isinstance(ruling.entry, Host)
        names = "all controllers" if ruling.entry.controllers is None else ", ".join(sorted(ruling.entry.controllers))
        return f"host {ruling.entry.name} may speak to {names}{' only' if ruling.violation else ''}"

    def _role(self, ruling: Ruling, action: str) -> str:
        role = ruling.entry
        assert isinstance(role, Role)
        wanted = self.definition.action_classes.get(action, (action,))
        if not ruling.violation:
            return f"role {role.name} allows {', '.join(wanted)}"
        missing = ", ".join(name for name in wanted if name not in role.allow)
        return f"role {role.name} does not allow {missing}, only {', '.join(sorted(role.allow)) or 'nothing'}"

    def _window(self, ruling: Ruling, action: str) -> str:
        if isinstance(ruling.entry, Window):
            return f"window {_shown(ruling.entry)} is open for {action}"
        assert self.question.server is not None
        controller = self.site.controller(self.question.server)
        assert controller is not None
        windows = self.site.windows_of(controller, action)
        if not windows:
            return f"no window is for {action} on {controller.name}"
        return f"no window is open for {action}: there is {'; '.join(_shown(one.window) for one in windows)}"

    def _public(self, _ruling: Ruling, _action: str) -> str:
        parties = [party for party in (self.question.client, self.question.server) if party is not None]
        public = [party for party in parties if self.site.public(party)]
        what = "is a public address" if len(public) == 1 else "are public addresses"
        return f"{' and '.join(public)} {what} and in no zone"

    def _path(self, ruling: Ruling, _action: str) -> str:
        if isinstance(ruling.entry, Path):
            return f"a path leads from zone {ruling.entry.client} to zone {ruling.entry.server}"
        client, server = (self._zone(party) for party in (self.question.client, self.question.server))
        return f"no path leads from {client} to {server}"

    def _zone(self, party: str | None) -> str:
        zone = self.site.zone(party) if party is not None else None
        return f"zone {zone.name}" if zone is not None else f"{party}, which is in no zone"

    def _port(self, ruling: Ruling, _action: str) -> str:
        assert isinstance(ruling.entry, Controller)
        ports = ", ".join(sorted(ruling.entry.ports))
        spoken = f"controller {ruling.entry.name} is spoken to on"
        return f"{spoken} {ports}, not {self.question.port}" if ruling.violation else f"{spoken} {self.question.port}"

    def _change(self, ruling: Ruling, _action: str) -> str:
        content, change = self.question.content, ruling.entry
        assert content is not None
        if not isinstance(change, Change):
            return f"no change names {content.file}"
        if not ruling.violation:
            return f"change {change.ticket} approves this {content.file}"
        if content.sha256 is None:
            return f"change {change.ticket} approves a {content.file}, but the digest of this one is not known"
        if content.sha256 != change.sha256:
            return f"change {change.ticket} approves another {content.file}, with the digest {change.sha256[:16]}…"
        since = f" from {change.begins:%Y-%m-%d %H:%M}" if change.begins is not None else ""
        until = f" until {change.ends:%Y-%m-%d %H:%M}" if change.ends is not None else ""
        return f"change {change.ticket} approves this {content.file}, but is valid{since}{until}"


def _shown(window: Window) -> str:
    days = " ".join(DAYS[day] for day in window.days)
    start, end = (f"{minute // 60 % 24:02d}:{minute % 60:02d}" for minute in (window.start, window.end))
    if window.end == 1440:
        end = "24:00"
    since = f" from {window.begins:%Y-%m-%d %H:%M}" if window.begins is not None else ""
    until = f" until {window.ends:%Y-%m-%d %H:%M}" if window.ends is not None else ""
    return f"{window.name} ({days} {start}-{end}{since}{until})"
