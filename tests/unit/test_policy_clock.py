"""Hours of the site: the arithmetic of the engines against zoneinfo, on days on which clocks are changed and others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policies import changed

from melsec_nsm.definitions import load
from melsec_nsm.definitions.model import Location
from melsec_nsm.policy import parse
from melsec_nsm.policy.clock import FIRST_YEAR, LAST_YEAR, Clock, Transition, transitions
from melsec_nsm.policy.compiled import CompiledPolicy
from melsec_nsm.policy.model import Window

# Half an hour and two hours of daylight saving, changes at midnight, a day that never was, Ramadan, odd offsets.
ZONES = (
    *(
        "Asia/Tokyo",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
        "Africa/Casablanca",
    ),
    *("America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Atlantic/Azores", "Pacific/Apia", "Asia/Kathmandu", "UTC"),
    *("America/St_Johns", "Asia/Tehran", "Africa/Cairo", "Pacific/Chatham", "America/Scoresbysund"),
)
NS = 1_000_000_000
DEFINITION = load()
POLICIES = {
    zone: parse(changed(("Europe/Berlin", zone)).encode(), "site.yaml", DEFINITION)
    for zone in ("Asia/Tokyo", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Antarctica/Troll")
}


def instants(zone: str) -> st.SearchStrategy[int]:
    """Seconds since the epoch: anywhere, and near the changes of the clocks."""
    since = [one.since for one in transitions(zone)]
    near = st.tuples(st.sampled_from(since), st.integers(-3 * 86400, 3 * 86400)).map(sum)
    exact = st.tuples(st.sampled_from(since), st.integers(-1, 1)).map(sum)
    last = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=timezone.utc).timestamp())
    return st.one_of(near, exact, st.integers(since[0], last - 1))


@given(st.sampled_from(ZONES).flatmap(lambda zone: st.tuples(st.just(zone), instants(zone))))
@settings(max_examples=500, deadline=None)
def test_clocks_show_what_they_show(drawn: tuple[str, int]) -> None:
    zone, second = drawn
    if second < transitions(zone)[0].since:
        return
    there = datetime.fromtimestamp(second, ZoneInfo(zone))
    clock = Clock(zone)
    assert clock.shown(second * NS + 999_999_999) == there.replace(tzinfo=None, fold=0)
    minute = there.weekday() * 1440 + there.hour * 60 + there.minute
    assert clock.minute_of_week(second * NS + 999_999_999) == minute


def test_transitions() -> None:
    found = [one for one in transitions("Europe/Berlin") if one.since >= 1_760_000_000][:2]
    assert found == [Transition(1_761_440_400, 3600), Transition(1_774_746_000, 7200)]
    assert transitions("Asia/Tokyo") == (Transition(946_684_800, 9 * 3600),)
    # Every year has two of them, to the last one that is asked for.
    assert len(transitions("Europe/Berlin")) == 1 + 2 * (LAST_YEAR - FIRST_YEAR + 1)
    assert transitions("Europe/Berlin", 2030) == transitions("Europe/Berlin")[: 1 + 2 * 31]


def test_the_first_and_the_last_offset_hold_for_all_time() -> None:
    clock = Clock("Europe/Berlin", 2030)
    assert clock.shown(0) == datetime(1970, 1, 1, 1)
    assert clock.shown(int(datetime(2040, 7, 1, tzinfo=timezone.utc).timestamp()) * NS) == datetime(2040, 7, 1, 1)


@pytest.mark.parametrize(
    ("zone", "shown", "first", "last"),
    [
        # Ordinary, put forward (there is no 02:30), put back (02:30 comes twice), put forward at midnight.
        ("Europe/Berlin", datetime(2026, 6, 1, 12), "2026-06-01T10:00", "2026-06-01T10:00"),
        ("Europe/Berlin", datetime(2026, 3, 29, 2, 30), "2026-03-29T01:00", "2026-03-29T01:00"),
        ("Europe/Berlin", datetime(2026, 10, 25, 2, 30), "2026-10-25T00:30", "2026-10-25T01:30"),
        ("Asia/Beirut", datetime(2026, 3, 29), "2026-03-28T22:00", "2026-03-28T22:00"),
        # 30 December 2011 never was.
        ("Pacific/Apia", datetime(2011, 12, 30), "2011-12-30T10:00", "2011-12-30T10:00"),
        ("Asia/Tokyo", datetime(1990, 1, 1), "1989-12-31T15:00", "1989-12-31T15:00"),
        ("Asia/Tokyo", datetime(2099, 12, 31), "2099-12-30T15:00", "2099-12-30T15:00"),
    ],
)
def test_from_when_and_until_when(zone: str, shown: datetime, first: str, last: str) -> None:
    clock = Clock(zone)
    found = (clock.first_at(shown), clock.last_before(shown))
    assert tuple(f"{datetime.fromtimestamp(one, timezone.utc):%Y-%m-%dT%H:%M}" for one in found) == (first, last)


def naively_open(window: Window, zone: str, second: int) -> bool:
    """Whether a window is open, the way a person looks at a calendar and a clock."""
    there = datetime.fromtimestamp(second, ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    for back in (0, 1):
        day = there.date() - timedelta(days=back)
        midnight = datetime.combine(day, datetime.min.time())
        opens, closes = midnight + timedelta(minutes=window.start), midnight + timedelta(minutes=window.end)
        if day.weekday() in window.days and opens <= there < closes:
            return True
    return False


windows = st.builds(
    lambda days, start, length: Window(
        "w", tuple(sorted(days)), start, start + length, None, ("control",), None, None, Location("", 0, 0)
    ),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
)


@given(windows, st.sampled_from(sorted(POLICIES)).flatmap(lambda zone: st.tuples(st.just(zone), instants(zone))))
@settings(max_examples=500, deadline=None)
def test_windows_are_open_when_the_clocks_say_so(window: Window, drawn: tuple[str, int]) -> None:
    zone, second = drawn
    if second < transitions(zone)[0].since:
        return
    site = CompiledPolicy(replace(POLICIES[zone], windows=(window,)), DEFINITION)
    minute = site.clock.minute_of_week(second * NS)
    assert site.windows[0].covers(second, minute) == naively_open(window, zone, second)


@given(st.sampled_from(ZONES).flatmap(lambda zone: st.tuples(st.just(zone), instants(zone))), st.integers(-2000, 2000))
@settings(max_examples=300, deadline=None)
def test_validity_begins_and_ends_by_the_clocks(drawn: tuple[str, int], minutes: int) -> None:
    zone, second = drawn
    clock = Clock(zone)
    wanted = clock.shown(second * NS).replace(second=0) + timedelta(minutes=minutes)
    first, last = clock.first_at(wanted), clock.last_before(wanted)
    assert clock.shown(first * NS) >= wanted > clock.shown((first - 1) * NS)
    assert clock.shown(last * NS) >= wanted > clock.shown((last - 1) * NS)
    # Two days on either side there is no doubt, whatever the clocks did.
    days = range(1, 3)
    assert all(clock.shown((first - day * 86400) * NS) < wanted for day in days)
    assert all(clock.shown((last + day * 86400) * NS) >= wanted for day in days)
