"""How fast everything is, as ratios where machines differ. Asserts nothing. Run by `make bench`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import policy_cost
import suricata_cost
import waits
import zeek_cost


def main() -> None:
    """Prints a line per measurement, each as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exchanges", type=int, default=500_000, help="requests with their responses in a capture")
    parser.add_argument("--connections", type=int, default=50, help="connections they go over")
    parser.add_argument("--runs", type=int, default=3, help="runs of a sensor, of which the median counts")
    asked = parser.parse_args()
    sizes = (asked.exchanges, asked.connections, asked.runs)
    with tempfile.TemporaryDirectory(prefix="melsec-nsm-bench-") as name:
        folder = Path(name)
        for measured in (
            waits.lines(folder),
            zeek_cost.lines(folder, *sizes),
            suricata_cost.lines(folder, *sizes),
            policy_cost.lines(folder, *sizes),
        ):
            for line in measured:
                print(line, flush=True)


if __name__ == "__main__":
    main()
