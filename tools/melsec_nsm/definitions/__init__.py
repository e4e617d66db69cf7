"""The signature definition: YAML files in this package, read into typed objects.

Readers call `load` and use the classes of `melsec_nsm.definitions.model`; nothing outside this
package reads the YAML.
"""

from __future__ import annotations

from melsec_nsm.definitions.loader import load, validate_files
from melsec_nsm.definitions.model import Definition, DefinitionError, Issue, Location

__all__ = ["Definition", "DefinitionError", "Issue", "Location", "load", "validate_files"]
