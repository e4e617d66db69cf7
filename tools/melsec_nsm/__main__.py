"""``python -m melsec_nsm``."""

from melsec_nsm.cli import main

main()
