"""The commands of the site policy: exit codes, and one clear line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from policies import POLICY, changed

from melsec_nsm.cli import main


def run(*arguments: str | Path) -> Result:
    """The command with arguments; stdout and stderr apart."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A policy file."""
    path = tmp_path / "site.yaml"
    path.write_text(POLICY, "utf-8")
    return path


def test_check_says_what_the_policy_holds(site: Path) -> None:
    result = run("policy", "check", site)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "valid: press-shop: 3 hosts, 2 controllers, 2 windows, 1 changes\n"


def test_check_names_every_mistake_and_exits_with_2(site: Path) -> None:
    site.write_text(changed(("Europe/Berlin", "Berlin"), ("role: hmi", "role: him")), "utf-8")
    result = run("policy", "check", site)
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.removeprefix(str(site)).partition(": ")[0] for line in result.stderr.splitlines()] == [
        ":2:11",
        ":17:48",
    ]


def test_check_gives_advice_on_stderr(site: Path) -> None:
    site.write_text(changed(("[vpn, plc-net], ", "")), "utf-8")
    result = run("policy", "check", site)
    assert result.exit_code == 0
    assert "no path leads from zone 'vpn'" in result.stderr


def test_explain_answers_with_its_exit_code(site: Path) -> None:
    question = ("policy", "explain", site, "--client", "eng-ws-1", "--controller", "press-1", "--action", "control")
    result = run(*question, "--at", "2026-11-29T03:00")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("allowed: control by eng-ws-1 (192.168.3.18) on press-1")
    assert f"  + 192.168.3.250 is controller press-1  ({site}:9:5)\n" in result.stdout
    result = run(*question, "--at", "2026-11-29T06:00")
    assert result.exit_code == 1
    assert "  - no window is open for remote-run: there is sunday (sun 02:00-06:00) [outside-window]\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--client", "eng-ws-2"), "no host is called 'eng-ws-2', and it is no address (did you mean 'eng-ws-1'?)"),
        (("--client", "panel", "--server", "press"), "no controller is called 'press', and it is no address ("),
        (("--client", "panel", "--action", "stop"), "'stop' is no engineering operation, and no class"),
        (("--client", "panel", "--at", "sunday"), "'sunday' is no time (such as 2026-11-29T03:00)"),
        (("--client", "panel", "--port", "5562"), "'5562' is no port (such as 5562/tcp)"),
        (("--client", "panel", "--sha256", "00"), "--sha256 is that of a --file"),
    ],
)
def test_a_question_without_sense_is_one_line_and_exit_code_2(
    site: Path, arguments: tuple[str, ...], message: str
) -> None:
    more = () if "--action" in arguments else ("--action", "read")
    result = run("policy", "explain", site, *arguments, *more)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(message)


def test_validate_knows_policies(site: Path, tmp_path: Path, checkout: Path) -> None:
    detection = checkout / "tools/melsec_nsm/definitions/detections/remote-stop.yaml"
    assert run("validate", site, detection).stdout == "valid: 2 files\n"
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("site: x\n", "utf-8")
    result = run("validate", site, wrong)
    assert result.exit_code == 2
    assert f"{wrong}:1:1: this file lacks the key 'timezone'\n" in result.stderr
