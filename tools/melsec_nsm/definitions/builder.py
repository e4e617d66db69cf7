"""The typed definition from documents in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from melsec_nsm.definitions.bundle import (
    Bundle,
    Entry,
    ProtocolFacts,
    by_field_name,
    digits_of,
    fires,
    layout_name,
    subcommands_of,
)
from melsec_nsm.definitions.conditions import condition_fields
from melsec_nsm.definitions.exchanges import ExchangeFacts, exchange_facts
from melsec_nsm.definitions.model import (
    Action,
    Capture,
    Case,
    Command,
    Condition,
    Definition,
    Detection,
    Device,
    DeviceForm,
    Engineering,
    Exchange,
    ExchangeValue,
    Field,
    FileKind,
    Footer,
    Frame,
    Layout,
    Limit,
    MacPrefix,
    Model,
    Parameter,
    PortHint,
    Protocol,
    Provenance,
    Reference,
    StatusCode,
    Threshold,
)
from melsec_nsm.definitions.schema import classes
from melsec_nsm.definitions.transfers import transfer, transfer_exchanges
from melsec_nsm.definitions.values import parse_range

CLIENT = "192.168.3.18"
SERVER = "192.168.3.250"


def build(bundle: Bundle) -> Definition:
    """The definition of a bundle; the caller has made sure that no check found anything."""
    return Definition(
        protocols={name: _protocol(facts) for name, facts in bundle.protocols.items()},
        devices=tuple(_device(entry) for entry in bundle.entries("devices", "devices")),
        statuses={
            file.text("table"): tuple(_status(entry) for entry in file.children("statuses"))
            for file in bundle.of("statuses")
        },
        models=tuple(_model(entry) for entry in bundle.entries("models", "models")),
        detections={file.text("id"): _detection(bundle, file) for file in bundle.of("detection")},
        captures={name: _capture(bundle, entry) for name, entry in bundle.captures.items()},
        techniques={key: name for file in bundle.of("attack") for key, name in file.get("techniques").items()},
        attack_version=next((file.text("version") for file in bundle.of("attack")), ""),
        classes=classes(),
        engineering=_engineering(bundle),
        mac_prefixes=tuple(
            MacPrefix(entry.text("prefix"), entry.text("note"), _provenance(entry))
            for entry in bundle.entries("models", "mac_prefixes")
        ),
        cases={name: _case(entry) for name, entry in bundle.cases.items()},
    )


def _engineering(bundle: Bundle) -> Engineering:
    return Engineering(
        kinds=tuple(
            FileKind(
                name=entry.text("kind"),
                title=entry.text("title"),
                extensions=tuple(entry.texts("extensions")),
                upload=entry.text("upload"),
                download=entry.text("download"),
                provenance=_provenance(entry),
                needs_window=entry.get("needs_window", False),
                needs_change=entry.get("needs_change", False),
            )
            for entry in bundle.entries("engineering", "file_kinds")
        ),
        transfers=tuple(transfer(entry) for entry in bundle.entries("engineering", "transfers")),
        actions=tuple(_action(bundle, entry) for entry in bundle.entries("engineering", "actions")),
    )


def _action(bundle: Bundle, entry: Entry) -> Action:
    when, proof = entry.child("when"), entry.child("proof")
    return Action(
        name=entry.text("action"),
        title=entry.text("title"),
        each=entry.get("each", "transaction"),
        when=None if when is None else _condition(bundle, when),
        failed=entry.get("failed"),
        known=entry.get("known"),
        object=entry.get("object"),
        idle=entry.get("idle", 0),
        within=entry.get("within", 0),
        requests=entry.get("requests", 0),
        points=entry.get("points", 0),
        devices=entry.get("devices", 0),
        proof=None if proof is None else _condition(bundle, proof),
        token=entry.get("token"),
        session=entry.get("session"),
        needs_window=entry.get("needs_window", False),
    )


def _condition(bundle: Bundle, entry: Entry) -> Condition:
    threshold = entry.child("threshold")
    return Condition(
        operations=tuple(entry.texts("operation")),
        classes=tuple(entry.texts("class")),
        protocols=tuple(entry.texts("protocol")),
        direction=entry.get("direction", "request"),
        frames=tuple(entry.texts("frame")),
        fields=tuple(condition_fields(bundle, entry)),
        statuses=tuple(entry.texts("status")),
        first=entry.get("first", False),
        alternatives=tuple(_condition(bundle, one) for one in entry.children("any")),
        threshold=None
        if threshold is None
        else Threshold(
            count=threshold.get("count"),
            seconds=threshold.get("seconds"),
            distinct=threshold.get("distinct"),
            per=tuple(threshold.texts("per")),
            fixed=threshold.get("fixed", False),
        ),
        actions=tuple(entry.texts("action")),
        credential=entry.get("credential"),
        devices=tuple(entry.texts("device")),
        event=entry.get("event"),
        after=tuple(entry.texts("after")),
        policy=entry.get("policy"),
    )


def _provenance(entry: Entry) -> Provenance:
    return Provenance(entry.text("source"), entry.text("confidence"))


def _numbers(table: Mapping[str, Any]) -> dict[int, Any]:
    return {int(key, 0): value for key, value in table.items()}


def _protocol(facts: ProtocolFacts) -> Protocol:
    entry = facts.entry
    return Protocol(
        name=facts.name,
        title=entry.text("title"),
        byte_order=entry.text("byte_order"),
        device_table=entry.text("device_table"),
        status_table=entry.text("status_table"),
        sources=dict(entry.get("sources", {})),
        ports=tuple(
            PortHint(port.get("port"), port.text("transport"), port.text("note"), _provenance(port))
            for port in entry.children("ports")
        ),
        frames=tuple(_frame(facts, frame) for frame in entry.children("frames")),
        layouts={name: _layout(layout) for name, layout in facts.layouts.items()},
        commands=tuple(_command(facts, command) for command in facts.commands),
        bit_units=entry.get("bit_units", 0),
        device_forms={name: _device_form(name, form) for name, form in entry.get("device_forms", {}).items()},
        form_bits=dict(entry.get("form_bits", {})),
        footer=_footer(entry.child("footer")),
    )


def _footer(entry: Entry | None) -> Footer | None:
    if entry is None:
        return None
    return Footer(
        size=entry.text("size"),
        gap=bytes.fromhex(entry.text("gap")),
        polynomial=entry.get("polynomial"),
        starts=dict(entry.get("starts")),
        parameters=tuple(
            Parameter(
                code=one.get("parameter"),
                name=one.text("name"),
                use=one.text("use"),
                sizes=tuple(one.get("sizes")),
                secret=one.get("secret", False),
                provenance=_provenance(one),
            )
            for one in entry.children("parameters")
        ),
        provenance=_provenance(entry),
    )


def _device_form(name: str, form: Mapping[str, Any]) -> DeviceForm:
    binary, ascii_parts = (
        tuple((part, str(kind)) for item in form.get(key, ()) for part, kind in item.items())
        for key in ("binary", "ascii")
    )
    return DeviceForm(name, binary, ascii_parts)


def _frame(facts: ProtocolFacts, entry: Entry) -> Frame:
    shape = facts.shape(entry)
    return Frame(
        id=entry.text("id"),
        frame=entry.text("frame"),
        encoding=entry.text("encoding"),
        transports=tuple(entry.texts("transports")),
        request=tuple(_field(field.data) for field in shape.children("request")),
        response=tuple(_field(field.data) for field in shape.children("response")),
        provenance=_provenance(entry),
        location=entry.locate(),
        weak=entry.get("weak", shape.get("weak", False)),
        kind=shape.get("kind", "length"),
        error=entry.get("error", shape.get("error", "")),
    )


def _layout(entry: Entry) -> Layout:
    fields = tuple(_field(field.data) for field in entry.children("fields"))
    return Layout(entry.text("layout"), fields, _provenance(entry), entry.locate())


def _field(data: Mapping[str, Any]) -> Field:
    if "list" in data:
        return Field(
            name=data["list"],
            type="list",
            count_of=data["count"],
            fields=tuple(_field(item) for item in data["of"]),
            role=data.get("role"),
            only=_only(data),
            optional=data.get("optional", False),
        )
    kind = data["type"]
    return Field(
        name=data["field"],
        type=kind,
        size=data.get("size"),
        size_of=data.get("size_of"),
        unit_of=data.get("unit_of"),
        count_of=data.get("count_of"),
        zero=data.get("zero", 0),
        flag=data.get("flag", 0),
        const=_octets_if(kind == "bytes", data.get("const")),
        allowed=tuple(_ranges(data.get("allowed", ()))),
        counts=data.get("counts"),
        minimum=data.get("minimum"),
        maximum=data.get("maximum"),
        sizes=_numbers(data.get("sizes", {})),
        charset=data.get("charset"),
        base=data.get("base", 10),
        names=_numbers(data.get("names", {})),
        role=data.get("role"),
        secret=data.get("secret", False),
        default=_octets_if(kind == "bytes", data.get("default")),
        padding=data.get("padding"),
        only=_only(data),
        optional=data.get("optional", False),
        asset=data.get("asset"),
    )


def _only(data: Mapping[str, Any]) -> tuple[str, tuple[int, ...]] | None:
    return next(((name, tuple(values)) for name, values in data.get("only", {}).items()), None)


def _ranges(items: list[int | str]) -> Iterator[tuple[int, int]]:
    for item in items:
        bounds = parse_range(item)
        assert bounds is not None
        yield bounds


def _octets_if(is_octets: bool, value: Any) -> Any:
    return bytes.fromhex(value) if is_octets and isinstance(value, str) else value


def _command(facts: ProtocolFacts, entry: Entry) -> Command:
    subcommands = tuple(subcommands_of(entry))
    return Command(
        protocol=facts.name,
        code=entry.get("code"),
        digits=digits_of(entry),
        operation=entry.text("operation"),
        title=entry.text("title"),
        klass=entry.text("class"),
        frames=tuple(facts.frames_of(entry)),
        subcommands=subcommands,
        request=_layout_names(entry, "request", subcommands),
        response=_layout_names(entry, "response", subcommands),
        provenance=_provenance(entry),
        location=entry.locate(),
        unanswered=entry.get("unanswered", False),
        pushed=entry.get("pushed", False),
        units=entry.get("units"),
        most=entry.get("most"),
        most_bits=entry.get("most_bits", entry.get("most")),
    )


def _layout_names(entry: Entry, half: str, subcommands: tuple[int, ...]) -> dict[int, str]:
    names = ((subcommand, layout_name(entry, half, subcommand)) for subcommand in subcommands)
    return {subcommand: name for subcommand, name in names if name is not None}


def _device(entry: Entry) -> Device:
    return Device(
        symbol=entry.text("symbol"),
        title=entry.text("title"),
        unit=entry.text("unit"),
        base=entry.get("base"),
        codes=dict(entry.get("codes")),
        provenance=_provenance(entry),
        location=entry.locate(),
        ascii=dict(entry.get("ascii", {})),
    )


def _status(entry: Entry) -> StatusCode:
    return StatusCode(entry.get("code"), entry.text("name"), entry.text("title"), _provenance(entry))


def _model(entry: Entry) -> Model:
    return Model(entry.get("code"), entry.text("name"), entry.text("series"), _provenance(entry))


def _detection(bundle: Bundle, entry: Entry) -> Detection:
    when, captures = entry.child("when"), entry.child("captures")
    assert when is not None
    assert captures is not None
    return Detection(
        id=entry.text("id"),
        title=entry.text("title"),
        description=" ".join(entry.text("description").split()),
        category=entry.text("category"),
        severity=entry.text("severity"),
        confidence=entry.text("confidence"),
        attack=tuple(entry.texts("attack")),
        references=tuple(Reference(text) for text in entry.texts("references")),
        when=_condition(bundle, when),
        suppress=entry.get("suppress"),
        unsupported=dict(entry.get("unsupported", {})),
        false_positives=tuple(entry.texts("false_positives")),
        triage=tuple(entry.texts("triage")),
        fires=tuple(fires(captures)),
        quiet=tuple(captures.texts("quiet")),
        location=entry.locate(),
        counts=fires(captures, often=True),
        limits=_limits(entry),
    )


def _limits(entry: Entry) -> dict[str, Limit]:
    limits = entry.child("limits")
    if limits is None:
        return {}
    found = ((name, limits.child(name)) for name in limits.data)
    return {name: Limit(one.text("reason"), tuple(one.texts("misses"))) for name, one in found if one is not None}


def _capture(bundle: Bundle, entry: Entry) -> Capture:
    return Capture(
        name=entry.text("capture"),
        title=entry.text("title"),
        transport=entry.get("transport", "tcp"),
        port=entry.get("port"),
        client=entry.get("client", CLIENT),
        server=entry.get("server", SERVER),
        shape=entry.get("shape", "plain"),
        interval=entry.get("interval", 10_000),
        exchanges=tuple(one for item in entry.children("exchanges") for one in _exchanges(bundle, entry, item)),
        location=entry.locate(),
    )


def _case(entry: Entry) -> Case:
    replaced = entry.child("replace")
    return Case(
        name=entry.text("case"),
        title=entry.text("title"),
        capture=entry.text("capture"),
        policy=entry.text("policy"),
        old=replaced.text("old") if replaced is not None else "",
        new=replaced.text("new") if replaced is not None else "",
        location=entry.locate(),
    )


def _exchanges(bundle: Bundle, capture: Entry, item: Entry) -> Iterator[Exchange]:
    if "octets" in item.data:
        yield _octets(item)
        return
    exchange = _exchange(exchange_facts(bundle, capture, item))
    if "transfer" in item.data:
        yield from transfer_exchanges(bundle, item, exchange)
    else:
        yield exchange


def _octets(entry: Entry) -> Exchange:
    """Octets that are no PDU."""
    octets, sender = bytes.fromhex(entry.text("octets")), entry.get("from", "client")
    times = entry.get("repeat", 1), sender, octets, entry.get("after", 0)
    found = Exchange("", "", 0, 0, {}, None, None, {}, None, "request", *times)
    return replace(found, **_elsewhere(entry))


def _elsewhere(entry: Entry) -> dict[str, Any]:
    """Whose exchange it is, and whether the capture has it."""
    keys = {"client": "", "server": "", "connection": 0, "lost": False, "fresh": False}
    return {key: entry.get(key, nothing) for key, nothing in keys.items()}


def _exchange(seen: ExchangeFacts) -> Exchange:
    entry, command = seen.exchange, seen.command
    response = entry.child("response")
    return Exchange(
        protocol=seen.facts.name,
        frame=entry.text("frame"),
        command=command.get("code") if command is not None else entry.get("command"),
        subcommand=seen.subcommand,
        values=_values(seen, "request"),
        data=_data(entry),
        status=None if response is None else response.get("status", 0),
        response_values=_values(seen, "response"),
        response_data=_data(response),
        half=entry.get("half", "both"),
        repeat=entry.get("repeat", 1),
        sender=entry.get("from", "client"),
        after=entry.get("after", 0),
        footer=_footer_values(entry),
        response_footer=_footer_values(response),
        **_elsewhere(entry),
    )


def _footer_values(entry: Entry | None) -> dict[str, bytes] | None:
    if entry is None or "footer" not in entry.data:
        return None
    return {name: bytes.fromhex(value) for name, value in entry.get("footer").items()}


def _data(entry: Entry | None) -> bytes | None:
    return bytes.fromhex(entry.text("data")) if entry is not None and "data" in entry.data else None


def _values(seen: ExchangeFacts, half: str) -> dict[str, ExchangeValue]:
    """The values of a half; those of bytes fields, hex in the file, become octets, lists become tuples."""
    holder = seen.holder(half)
    if holder is None or "values" not in holder.data:
        return {}
    return _given(holder.get("values"), {**seen.payload(half), **seen.header(half)})


def _given(values: Mapping[str, Any], fields: Mapping[str, Entry]) -> dict[str, ExchangeValue]:
    return {name: _value(value, fields[name]) for name, value in values.items()}


def _value(value: Any, field: Entry) -> ExchangeValue:
    if "list" in field.data:
        inner = by_field_name(field.children("of"))
        return tuple(_given(item, inner) for item in value)
    if isinstance(value, list):
        return tuple(value)
    given: ExchangeValue = _octets_if(field.get("type") == "bytes", value)
    return given
