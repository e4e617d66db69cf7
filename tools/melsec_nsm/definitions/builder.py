"""The typed definition from documents in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from melsec_nsm.definitions.bundle import (
    Bundle,
    Entry,
    ProtocolFacts,
    by_field_name,
    digits_of,
    layout_name,
    subcommands_of,
)
from melsec_nsm.definitions.exchanges import ExchangeFacts, exchange_facts
from melsec_nsm.definitions.model import (
    Capture,
    Command,
    Condition,
    Definition,
    Detection,
    Device,
    DeviceForm,
    Exchange,
    ExchangeValue,
    Field,
    Frame,
    Layout,
    Model,
    PortHint,
    Protocol,
    Provenance,
    Reference,
    StatusCode,
)
from melsec_nsm.definitions.schema import classes
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
        detections={file.text("id"): _detection(file) for file in bundle.of("detection")},
        captures={name: _capture(bundle, entry) for name, entry in bundle.captures.items()},
        techniques={key: name for file in bundle.of("attack") for key, name in file.get("techniques").items()},
        classes=classes(),
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
    )


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
        units=entry.get("units"),
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


def _detection(entry: Entry) -> Detection:
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
        when=Condition(
            operations=tuple(when.texts("operation")),
            classes=tuple(when.texts("class")),
            protocols=tuple(when.texts("protocol")),
            direction=when.get("direction", "request"),
        ),
        suppress=entry.get("suppress"),
        unsupported=dict(entry.get("unsupported", {})),
        false_positives=tuple(entry.texts("false_positives")),
        triage=tuple(entry.texts("triage")),
        fires=tuple(captures.texts("fires")),
        quiet=tuple(captures.texts("quiet")),
        location=entry.locate(),
    )


def _capture(bundle: Bundle, entry: Entry) -> Capture:
    return Capture(
        name=entry.text("capture"),
        title=entry.text("title"),
        transport=entry.get("transport", "tcp"),
        port=entry.get("port"),
        client=entry.get("client", CLIENT),
        server=entry.get("server", SERVER),
        shape=entry.get("shape", "plain"),
        exchanges=tuple(
            _octets(item) if "octets" in item.data else _exchange(exchange_facts(bundle, entry, item))
            for item in entry.children("exchanges")
        ),
        location=entry.locate(),
    )


def _octets(entry: Entry) -> Exchange:
    """Octets that are no PDU."""
    octets, sender = bytes.fromhex(entry.text("octets")), entry.get("from", "client")
    times = entry.get("repeat", 1), sender, octets, entry.get("after", 0)
    return Exchange("", "", 0, 0, {}, None, None, {}, None, "request", *times)


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
    )


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
