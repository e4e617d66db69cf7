"""A release of the rules: what suricata-update fetches, and what stands against releasing it.

`build.files` makes all files of a release, `checks.objections` says why a checkout is not fit for one.
"""

from __future__ import annotations


class ReleaseError(Exception):
    """A release cannot be made; the message says why and what to do."""
