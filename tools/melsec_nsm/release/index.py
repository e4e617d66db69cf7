"""The index that suricata-update reads: where the rules are."""

from __future__ import annotations

from urllib.parse import urlsplit

import yaml

from melsec_nsm.engines.locate import SURICATA
from melsec_nsm.generate.text import comment
from melsec_nsm.release import ReleaseError

SOURCE = "melsec-nsm/melsec"
"""Vendor and name of the source."""

PARAMETER = "base-url"
"""What whoever enables the source is asked for, where the index does not say it."""

_SCHEMES = ("https", "http", "file")


def index(archive: str, base_url: str | None) -> bytes:
    """The index for an archive in the folder ``base_url``; without one, whoever enables the source has to name it."""
    source: dict[str, object] = {
        "summary": "Mitsubishi MELSEC: SLMP, MC protocol and MELSOFT",
        "description": "What is done to MELSEC controllers, by whom: remote control, programs, passwords, scans.",
        "vendor": SOURCE.partition("/")[0],
        "license": "BSD-3-Clause",
        "min-version": SURICATA.floor,
        "checksum": True,
    }
    if base_url is None:
        source["url"] = f"%({PARAMETER})s/{archive}"
        source["parameters"] = {PARAMETER: {"prompt": f"Address of the folder with {archive}"}}
    else:
        # suricata-update takes the text for a format.
        source["url"] = f"{checked(base_url)}/{archive}".replace("%", "%%")
    text = yaml.safe_dump({"version": 1, "sources": {SOURCE: source}}, sort_keys=False, width=120)
    return f"{comment().replace('generate', 'release')}\n{text}".encode()


def checked(base_url: str) -> str:
    """A URL of a folder, without a slash at its end. ReleaseError for what is none."""
    url = urlsplit(base_url)
    if url.scheme not in _SCHEMES or not (url.netloc or url.scheme == "file") or not url.path.isprintable():
        raise ReleaseError(f"--base-url {base_url}: not a URL such as https://HOST/FOLDER")
    if url.query or url.fragment or any(sign.isspace() for sign in base_url):
        raise ReleaseError(f"--base-url {base_url}: the URL of a folder has no blanks, ? or #")
    return base_url.rstrip("/")
