"""The clocks of a site, in arithmetic that a sensor can do.

A time zone becomes a list of offset transitions. From a packet's time (UTC) and that list follows the wall-clock time,
and from it the minute of the week: nothing else is needed to tell whether a window is open. Daylight saving is right by
that: a window from 02:00 to 06:00 is open whenever the clocks on the wall show such a time, one hour less on the night
in which they are put forward, one hour more on that in which they are put back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

MINUTES_A_DAY = 1440
MINUTES_A_WEEK = 7 * MINUTES_A_DAY
FIRST_YEAR = 2000
"""Transitions before this year are left out: the first offset holds for all time before it."""

LAST_YEAR = 2060
"""Transitions after this year are left out unless more are asked for. It is fixed, so that the same policy always
compiles to the same."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LOCAL_EPOCH = datetime(1970, 1, 1)
_NS = 1_000_000_000
_EPOCH_WEEKDAY = 3  # a Thursday


class Transition(NamedTuple):
    """From ``since`` (seconds since the epoch, UTC) on the clocks of the site are ``offset`` seconds ahead of UTC."""

    since: int
    offset: int


def zone_names() -> set[str]:
    """The names of all time zones."""
    return available_timezones()


@lru_cache(maxsize=64)
def transitions(zone: str, last_year: int = LAST_YEAR) -> tuple[Transition, ...]:
    """The offsets of a time zone from `FIRST_YEAR` to the end of ``last_year``, oldest first.

    ``since`` of the first is the beginning of `FIRST_YEAR`; it holds before that too, as the last holds for ever.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: there is no such time zone.
    """
    info = ZoneInfo(zone)

    def offset(second: int) -> int:
        delta = (_EPOCH + timedelta(seconds=second)).astimezone(info).utcoffset()
        assert delta is not None
        return delta.days * 86400 + delta.seconds

    start, end = (
        int((datetime(year, 1, 1, tzinfo=timezone.utc) - _EPOCH).total_seconds())
        for year in (FIRST_YEAR, last_year + 1)
    )
    found = [Transition(start, offset(start))]
    for day in range(start, end, 86400):
        before, after = day, day + 86400
        if offset(after) == found[-1].offset:
            continue
        while after - before > 1:
            middle = (before + after) // 2
            if offset(middle) == found[-1].offset:
                before = middle
            else:
                after = middle
        found.append(Transition(after, offset(after)))
    return tuple(found)


class Clock:
    """The clocks on the walls of a site."""

    def __init__(self, zone: str, last_year: int = LAST_YEAR) -> None:
        self.zone = zone
        self.transitions: Sequence[Transition] = transitions(zone, last_year)
        self._since = [one.since for one in self.transitions]

    def local(self, second: int) -> int:
        """Seconds since the epoch as the clocks show them, for such of UTC."""
        return second + self.transitions[max(bisect_right(self._since, second) - 1, 0)].offset

    def minute_of_week(self, ns: int) -> int:
        """The minute of the week that the clocks show, from 0 (Monday 00:00) to 10079, at a time in ns (UTC)."""
        days, seconds = divmod(self.local(ns // _NS), 86400)
        return (days + _EPOCH_WEEKDAY) % 7 * MINUTES_A_DAY + seconds // 60

    def shown(self, ns: int) -> datetime:
        """What the clocks show at a time in ns (UTC)."""
        return _LOCAL_EPOCH + timedelta(seconds=self.local(ns // _NS))

    def first_at(self, shown: datetime) -> int:
        """The first second (UTC) at which the clocks show a time or a later one."""
        wanted = _seconds(shown)
        for number, (since, offset) in enumerate(self.transitions):
            if number + 1 == len(self.transitions) or self.transitions[number + 1].since + offset > wanted:
                return wanted - offset if number == 0 else max(since, wanted - offset)
        raise AssertionError

    def last_before(self, shown: datetime) -> int:
        """The second (UTC) from which on the clocks never again show a time before this one."""
        wanted = _seconds(shown)
        for number in range(len(self.transitions) - 1, -1, -1):
            since, offset = self.transitions[number]
            if number == 0 or since + offset < wanted:
                last = number + 1 == len(self.transitions)
                return wanted - offset if last else min(self.transitions[number + 1].since, wanted - offset)
        raise AssertionError


def _seconds(shown: datetime) -> int:
    return (shown - _LOCAL_EPOCH) // timedelta(seconds=1)
