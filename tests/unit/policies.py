# ruff: noqa: E501 - an entry a line
"""A policy that tests spoil, change and judge by."""

from __future__ import annotations

from melsec_nsm.definitions.model import Definition
from melsec_nsm.policy import Policy, parse

MAIN = "ab" * 32
"""Digest of the program that the change approves."""

POLICY = f"""\
site: press-shop
timezone: Europe/Berlin
zones:
  plc-net: [192.168.3.0/24, "fd00:3::/64"]
  vpn: [10.8.0.0/24]
  office: [192.168.7.0/24]
allowed_paths: [[vpn, plc-net], [plc-net, plc-net]]
controllers:
  - {{name: press-1, address: 192.168.3.250, model: FX5U-32MT/ES, ports: [5560/udp, 5562/tcp]}}
  - {{name: press-2, address: [192.168.3.251, "fd00:3::251"]}}
roles:
  engineer: {{allow: [read, monitor, identify, session, write, control, file, authenticate, configure, memory]}}
  hmi: {{allow: [read, monitor, write, session]}}
hosts:
  - {{name: eng-ws-1, address: 192.168.3.18, role: engineer, controllers: [press-1]}}
  - {{name: remote, address: 10.8.0.16/28, role: engineer, controllers: all}}
  - {{name: panel, address: 192.168.3.30, role: hmi, controllers: [press-1, press-2]}}
maintenance_windows:
  - {{name: sunday, days: [sun], from: "02:00", to: "06:00", controllers: [press-1], actions: [program-download, control]}}
  - {{name: night, days: [fri, sun], from: 22:00, to: 04:00, controllers: all, actions: [file], not_before: 2026-11-01, not_after: 2026-12-31}}
changes:
  - {{ticket: CHG-1042, controller: press-1, file: MAIN.PRG, sha256: {MAIN}, not_before: 2026-11-20, not_after: 2026-11-30}}
detections:
  program-upload: {{except: [eng-ws-1]}}
  password-guessing: {{threshold: {{count: 10}}}}
  remote-run: {{enabled: false}}
"""


def changed(*changes: tuple[str, str], text: str = POLICY) -> str:
    """The policy with some of its text replaced."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text


def policy(definition: Definition, *changes: tuple[str, str]) -> Policy:
    """The policy with some of its text replaced, read."""
    return parse(changed(*changes).encode(), "site.yaml", definition)
