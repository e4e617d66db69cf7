"""The policy of a site: who may do what with which controllers, when and which way.

One YAML file. `loader` reads it and names everything that is wrong with it (`checks`), `model` is what it says,
`compiled` what judges by it, in arithmetic that sensors can do (`clock`, `addresses`), and `explain` says in words what
was judged and why. Nothing here knows captures or sensors.
"""

from __future__ import annotations

from melsec_nsm.policy.loader import PolicyError, is_policy, load, parse, validate
from melsec_nsm.policy.model import Policy

__all__ = ["Policy", "PolicyError", "is_policy", "load", "parse", "validate"]
