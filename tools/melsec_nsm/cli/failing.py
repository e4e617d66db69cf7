"""What all commands do where something is wrong: a message, an exit code, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from melsec_nsm.analysis import verdicts
from melsec_nsm.capture import CaptureError
from melsec_nsm.definitions.model import DefinitionError
from melsec_nsm.engines.base import EngineError
from melsec_nsm.engines.share import checkout
from melsec_nsm.generate import captures
from melsec_nsm.generate.suricata import UnsupportedByBackend
from melsec_nsm.generate.zeek.meanings import NotForZeekError
from melsec_nsm.policy import explain as explaining
from melsec_nsm.release import ReleaseError

FINDINGS, WRONG_INPUT = 1, 2


def fail(message: str) -> None:
    """Says on stderr what is wrong with the input, and ends the command."""
    click.echo(message, err=True)
    sys.exit(WRONG_INPUT)


def inputs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turns what is wrong with definitions, captures and engines into a message and exit code 2."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (
            CaptureError,
            captures.CaseError,
            DefinitionError,
            EngineError,
            NotForZeekError,
            ReleaseError,
            UnsupportedByBackend,
            explaining.QuestionError,
            verdicts.ManifestError,
        ) as error:
            return fail(str(error))

    return wrapped


def own_checkout() -> Path:
    """The checkout that commands write into; ends the command where there is none."""
    root = checkout()
    if root is None:
        fail("this command writes into a checkout of melsec-nsm, and the installed package is not one")
        raise AssertionError
    return root
