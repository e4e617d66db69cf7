"""The policy of a site for the sensors: a table for Zeek, rules for Suricata, of which none is ever read in half."""

from __future__ import annotations

from melsec_nsm.generate.site.writing import DATA_SET, RULES, TABLE, THRESHOLDS, WINDOWS, install, render

__all__ = ["DATA_SET", "RULES", "TABLE", "THRESHOLDS", "WINDOWS", "install", "render"]
