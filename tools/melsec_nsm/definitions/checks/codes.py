"""Rules for devices, end codes, models, techniques, the lock and the reasons of its revisions."""

from __future__ import annotations

from collections.abc import Iterator

from melsec_nsm.definitions.bundle import Bundle, Entry
from melsec_nsm.definitions.checks.unique import Keyed, by_text, repeated
from melsec_nsm.definitions.hints import suggest
from melsec_nsm.definitions.model import Issue


def devices_unique(bundle: Bundle) -> Iterator[Issue]:
    """A symbol stands once, and a code once in a numbering."""
    devices = list(bundle.entries("devices", "devices"))
    yield from repeated(by_text(devices, "symbol"), "device '{}'")
    yield from repeated(_device_codes(devices), "device code {}")


def _device_codes(devices: list[Entry]) -> Iterator[Keyed]:
    for device in devices:
        codes = device.child("codes")
        for table in codes.data if codes is not None else ():
            code = codes.number(table) if codes is not None else None
            if code is not None:
                yield (table, f"0x{code:02X} of {table}"), device, ("codes", table)


def ascii_names_unique(bundle: Bundle) -> Iterator[Issue]:
    """A name in ASCII is for a form that some protocol has, and means one device there."""
    devices = list(bundle.entries("devices", "devices"))
    forms = bundle.device_forms
    for device in devices:
        names = device.child("ascii")
        for form in names.data if names is not None and names.sound() else ():
            if form not in forms:
                hint = suggest(form, sorted(forms))
                yield device.issue(f"no protocol has a device form '{form}'", "ascii", form, hint=hint, key=True)
    for form in sorted(forms):
        yield from repeated(_ascii_names(devices, form), f"name '{{}}' in form {form}")


def _ascii_names(devices: list[Entry], form: str) -> Iterator[Keyed]:
    """The symbols that stand in a form, each once, then the other names there."""
    symbols: dict[str, Keyed] = {}
    others: list[Keyed] = []
    for device in devices:
        names, symbol = device.child("ascii"), device.text("symbol")
        name = names.text(form) if names is not None else ""
        if name:
            others.append((name, device, ("ascii", form)))
        elif symbol:
            symbols.setdefault(symbol, (symbol, device, ("symbol",)))
    yield from (*symbols.values(), *others)


def statuses_unique(bundle: Bundle) -> Iterator[Issue]:
    """A table has one file, and a code stands once in it."""
    yield from repeated(by_text(bundle.of("statuses"), "table"), "table '{}'")
    for file in bundle.of("statuses"):
        yield from repeated(_codes(file.children("statuses")), "code {}")


def models_unique(bundle: Bundle) -> Iterator[Issue]:
    """A type code means one model."""
    yield from repeated(_codes(bundle.entries("models", "models")), "type code {}")


def _codes(entries: Iterator[Entry]) -> Iterator[Keyed]:
    for entry in entries:
        code = entry.number("code")
        if code is not None:
            yield f"0x{code:04X}", entry, ("code",)


def lock_unique(bundle: Bundle) -> Iterator[Issue]:
    """An id stands once in the lock, and a block of sids belongs to one id."""
    entries = list(bundle.entries("lock", "lock"))
    yield from repeated(by_text(entries, "id"), "id '{}'")
    bases = ((base, entry, ("base",)) for entry in entries if (base := entry.number("base")) is not None)
    yield from repeated(bases, "base {}")


def revisions_unique(bundle: Bundle) -> Iterator[Issue]:
    """A revision has one reason, and what is gone has one."""
    changed = list(bundle.entries("revisions", "revisions"))
    keys = (((entry.text("id"), entry.number("rev")), entry, ("rev",)) for entry in changed)
    yield from repeated(keys, "revision {}")
    yield from repeated(by_text(bundle.entries("revisions", "retired"), "id"), "id '{}'")


def revisions_known(bundle: Bundle) -> Iterator[Issue]:
    """Reasons are given for what was published. A revision may be one that is not in the lock yet."""
    known = {entry.text("id") for entry in bundle.entries("lock", "lock")}
    for key in ("revisions", "retired"):
        for entry in bundle.entries("revisions", key):
            name = entry.text("id")
            if name and name not in known:
                yield entry.issue(f"the lock has no '{name}'", "id", hint=suggest(name, sorted(known)))


CHECKS = (
    *(devices_unique, ascii_names_unique, statuses_unique, models_unique),
    *(lock_unique, revisions_unique, revisions_known),
)
