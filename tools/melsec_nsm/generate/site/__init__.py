"""The policy of a site for the sensors: tables for Zeek, rules for Suricata, written so that none is read in half."""

from __future__ import annotations

from melsec_nsm.generate.site.writing import render, write

__all__ = ["render", "write"]
