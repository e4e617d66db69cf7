"""The command ``melsec-nsm``: thin commands over the library.

Exit codes: 0 done, 1 findings or differences, 2 usage or input error.
"""

from melsec_nsm.cli.main import main

__all__ = ["main"]
