"""Engines as parameters: a test that takes one runs for each that is here."""

from __future__ import annotations

import pytest

from melsec_nsm.engines import Engine
from melsec_nsm.engines.reference import ReferenceEngine


def _engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "reference":
        return ReferenceEngine(request.getfixturevalue("definition"))
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session", params=["reference", "zeek", "suricata"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine."""
    return _engine(request)


@pytest.fixture(scope="session", params=["reference", "zeek"])
def transacting(request: pytest.FixtureRequest) -> Engine:
    """Each engine that tells transactions."""
    return _engine(request)
