"""A release: what stands against one, what changed, and what its files hold."""

from __future__ import annotations

import gzip
import hashlib
import io
import platform
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from test_cli import run

from melsec_nsm import __version__
from melsec_nsm.cli import failing
from melsec_nsm.definitions.lock import dump, read, sid, update
from melsec_nsm.definitions.model import Definition, LockEntry, Reasons
from melsec_nsm.engines import Availability
from melsec_nsm.engines.share import SETTINGS_PATH, zeek_scripts
from melsec_nsm.engines.zeek import ZeekEngine
from melsec_nsm.generate import captures, project
from melsec_nsm.release import ReleaseError, build, changes, checks, index, signing, versions, zeek
from melsec_nsm.release.checkout import Checkout

RULES = {"remote-stop": {0: "alert a", 1: "alert b"}, "device-write": {0: "alert c"}, "clock-set": {0: "alert d"}}
LATER = {"remote-stop": {1: "alert b2", 3: "alert e"}, "device-write": {0: "alert c"}, "remote-run": {0: "alert f"}}
NO_REASONS = Reasons({}, {})


@pytest.fixture
def locks() -> tuple[dict[str, LockEntry], dict[str, LockEntry]]:
    """The lock of a release, and that after other rules were published."""
    before, _ = update({}, RULES)
    return before, update(before, LATER)[0]


# The list of changes

Locks = tuple[dict[str, LockEntry], dict[str, LockEntry]]


def test_rules_come_change_and_go_with_reasons(locks: Locks, definition: Definition) -> None:
    reasons = Reasons({("remote-stop", 2): "Fewer false alarms."}, {"clock-set": "Nobody asked."})
    found = changes.compare(*locks, reasons)
    assert changes.render(found, definition, "1.1.0", "v1.0.0").decode().splitlines() == [
        "# Rules of melsec-nsm 1.1.0",
        "",
        "What changed since v1.0.0.",
        "",
        "## Added",
        "",
        "* `remote-run`, sids 1880300, rev 1, high: Remote RUN of a controller.",
        "",
        "## Changed",
        "",
        "* `remote-stop`, sids 1880201 1880203, rev 1 → 2, new: 1880203, gone: 1880200: Fewer false alarms.",
        "",
        "## Removed",
        "",
        "* `clock-set`, sids 1880000: Nobody asked.",
    ]


def test_a_first_release_adds_everything(locks: Locks, definition: Definition) -> None:
    found = changes.compare({}, locks[0], NO_REASONS)
    assert {(one.what, one.reason) for one in found} == {(changes.ADDED, "")}
    text = changes.render(found, definition, "1.0.0", None).decode()
    assert "every rule is new" in text
    assert "* `device-write`, sids 1880100, rev 1, informational, disabled: Devices of a controller written.\n" in text
    assert "## Removed" not in text


def test_what_is_as_it_was_is_no_change(locks: Locks) -> None:
    assert changes.compare(locks[1], locks[1], NO_REASONS) == []
    # What went before the last release went then.
    assert "clock-set" not in {one.entry.id for one in changes.compare({}, locks[1], NO_REASONS)}


def test_all_reasons_since_the_last_release_are_told_and_no_older_ones(locks: Locks) -> None:
    before, now = locks
    now["remote-stop"] = replace(now["remote-stop"], rev=3)
    given = Reasons({("remote-stop", rev): f"Reason {rev}." for rev in (4, 3, 2, 1)}, {})
    (found,) = (one for one in changes.compare(before, now, given) if one.entry.id == "remote-stop")
    assert found.reason == "Reason 2. Reason 3."


def test_a_detection_that_comes_back_is_added(locks: Locks) -> None:
    back, _ = update(locks[1], RULES)
    found = {one.entry.id: one.what for one in changes.compare(locks[1], back, NO_REASONS)}
    assert found == {"clock-set": changes.ADDED, "remote-stop": changes.CHANGED, "remote-run": changes.REMOVED}


# What stands against a release


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """Runs git in a repository with a commit of version 1.1.0."""

    def runs(*arguments: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false")
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    runs("init", "-q")
    (tmp_path / versions.CHANGES).write_text("# Changes\n\n## 1.1.0 (2026-02-03)\n\n* New.\n", "utf-8")
    (tmp_path / "rules").write_bytes(b"rules")
    runs("add", "--all")
    runs("commit", "-q", "-m", "first")
    return runs


@pytest.fixture
def checkout_of(tmp_path: Path) -> Checkout:
    """That repository, where nothing is wrong."""
    return Checkout(tmp_path, "1.1.0", {"rules": b"rules"}, {}, {}, [], None)


Git = Callable[..., str]


def against(checkout: Checkout) -> dict[str, str]:
    return {one.why: one.mend for one in checks.objections(checkout, {})}


def test_a_clean_checkout_is_releasable(git: Git, checkout_of: Checkout) -> None:
    assert against(checkout_of) == {}
    git("tag", "v1.1.0")
    git("tag", "v1.0.9")
    git("tag", "-d", "v1.0.9")
    git("tag", "of-somebody")
    assert against(checkout_of) == {}


def test_what_is_not_committed_is_named(git: Git, checkout_of: Checkout) -> None:
    assert git("status", "--porcelain") == ""
    (checkout_of.root / "new file").write_text("x", "utf-8")
    git("mv", "rules", "rules2")
    assert against(replace(checkout_of, generated={})) == {
        "not committed: new file, rules2": "git add --all && git commit, or git stash --include-untracked"
    }


def test_stale_files_and_a_stale_lock_block(git: Git, checkout_of: Checkout) -> None:
    assert git("tag") == ""
    made = {"rules": b"other", project.LOCK_PATH: b"lock:"}
    found = checks.objections(replace(checkout_of, generated=made), {"pcaps/x.pcap": b""})
    assert [(one.why, one.mend, one.blocks) for one in found] == [
        (f"the lock is out of date: {project.LOCK_PATH}", "melsec-nsm generate", True),
        ("generated files are stale: rules", "melsec-nsm generate", True),
        ("captures are stale: pcaps/x.pcap", "melsec-nsm pcap build", False),
    ]


@pytest.mark.parametrize(
    ("heading", "why", "mend"),
    [
        ("## 1.1.0 (unreleased)", "CHANGES.md:1: 1.1.0 is unreleased", "in CHANGES.md:1: ## 1.1.0 (20"),
        ("## 1.1.0", "CHANGES.md:1: 1.1.0 has no date", "in CHANGES.md:1: ## 1.1.0 (20"),
        ("## 1.1.0 (soon)", "CHANGES.md:1: 1.1.0 has no date", "in CHANGES.md:1: ## 1.1.0 (20"),
        (
            "## 1.2.0 (2026-02-03)",
            "CHANGES.md:1: version 1.2.0, but tools/melsec_nsm/__init__.py says 1.1.0",
            'in tools/melsec_nsm/__init__.py: __version__ = "1.2.0"',
        ),
    ],
)
def test_the_changes_name_the_version_and_a_day(
    git: Git, checkout_of: Checkout, heading: str, why: str, mend: str
) -> None:
    (checkout_of.root / versions.CHANGES).write_text(f"{heading}\n\n* New.\n\n## 1.0.0 (2026-01-01)\n", "utf-8")
    git("commit", "-q", "-a", "-m", "other")
    (found,) = against(checkout_of).items()
    assert found[0] == why
    assert found[1].startswith(mend)


def test_changes_without_a_version_are_an_error(git: Git, checkout_of: Checkout) -> None:
    assert git("tag") == ""
    (checkout_of.root / versions.CHANGES).write_text("# Changes\n", "utf-8")
    with pytest.raises(ReleaseError, match=r"^CHANGES\.md: no heading such as"):
        against(checkout_of)


def test_a_tag_of_this_version_on_another_commit_is_refused(git: Git, checkout_of: Checkout) -> None:
    git("tag", "v1.1.0")
    git("commit", "-q", "--allow-empty", "-m", "later")
    (why,) = against(checkout_of)
    assert why == "v1.1.0 is another commit: that version is released"


def test_a_tag_of_another_version_on_this_commit_is_refused(git: Git, checkout_of: Checkout) -> None:
    git("tag", "v1.0.0")
    assert list(against(checkout_of)) == ["this commit is v1.0.0 already, and not v1.1.0"]


def test_zkg_would_install_a_higher_tag(git: Git, checkout_of: Checkout) -> None:
    git("tag", "v1.10.0")
    git("commit", "-q", "--allow-empty", "-m", "later")
    assert list(against(checkout_of)) == ["v1.10.0 is higher than v1.1.0, and zkg installs the highest"]


def test_a_folder_without_history_cannot_be_released(tmp_path: Path) -> None:
    (tmp_path / versions.CHANGES).write_text("## 1.1.0 (2026-02-03)\n", "utf-8")
    (why,) = against(Checkout(tmp_path, "1.1.0", {}, {}, {}, [], None))
    assert why.startswith("this is no git checkout")


def test_the_settings_of_sites_are_never_displaced(git: Git, checkout_of: Checkout) -> None:
    def commits() -> None:
        git("add", "--all")
        git("commit", "-q", "--allow-empty", "-m", "changed")

    git("tag", "v1.0.0")
    commits()
    again = replace(checkout_of, last="v1.0.0")
    # A release from before there was such a file.
    assert against(again) == {}
    settings = again.root / SETTINGS_PATH
    settings.parent.mkdir(parents=True)
    settings.write_bytes(b"# Yours.\n")
    commits()
    git("tag", "v1.0.1")
    commits()
    again = replace(again, last="v1.0.1")
    assert against(again) == {}
    for change in (lambda: settings.write_bytes(b"# Yours, and more.\n"), settings.unlink):
        change()
        commits()
        assert against(again) == {
            f"{SETTINGS_PATH} is not that of v1.0.1: sites would lose what they wrote into it": (
                f"git checkout v1.0.1 -- {SETTINGS_PATH}"
            )
        }


def test_changes_need_reasons(git: Git, checkout_of: Checkout, locks: Locks) -> None:
    assert git("tag") == ""
    found = changes.compare(*locks, NO_REASONS)
    given = replace(checkout_of, before=locks[0], now=locks[1], changes=found, since="v1.0.0")
    assert against(given) == {
        "clock-set: gone without a reason": f"below `retired:` in {checks.REVISIONS_PATH}: - {{id: clock-set, why: …}}",
        "remote-stop: rev 2 without a reason": f"below `revisions:` in {checks.REVISIONS_PATH}: "
        "- {id: remote-stop, rev: 2, why: …}",
    }


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"base": 700}, "remote-stop: its sids of v1.0.0 are gone from the lock"),
        ({"hash": "0" * 64}, "remote-stop: changed since v1.0.0, and still rev 1"),
        ({"rev": 0}, "remote-stop: changed since v1.0.0, and still rev 0"),
        (None, "remote-stop: its sids of v1.0.0 are gone from the lock"),
    ],
)
def test_a_lock_keeps_what_was_released(
    git: Git, checkout_of: Checkout, locks: Locks, change: dict[str, object] | None, why: str
) -> None:
    assert git("tag") == ""
    now = dict(locks[0])
    if change is None:
        del now["remote-stop"]
    else:
        now["remote-stop"] = replace(now["remote-stop"], **change)  # type: ignore[arg-type]
    found = against(replace(checkout_of, before=locks[0], now=now, since="v1.0.0"))
    assert list(found) == [why]
    assert found[why].startswith(f"git checkout v1.0.0 -- {project.LOCK_PATH}")


# The files

RELEASE = build.Release("1.2.3", date(2026, 2, 3), b"rules\n", b"licence\n", b"changes\n")


def test_the_archive_holds_the_same_whoever_packs_it() -> None:
    octets = RELEASE.archive
    assert octets == replace(RELEASE, changes=b"").archive
    # gzip has neither name nor time.
    assert octets[3:8] == bytes(5)
    with tarfile.open(fileobj=io.BytesIO(octets)) as archive:
        members = archive.getmembers()
        rules = archive.extractfile("rules/melsec.rules")
        assert rules is not None
        assert rules.read() == b"rules\n"
    assert [one.name for one in members] == ["rules/LICENSE", "rules/VERSION", "rules/melsec.rules"]
    assert {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in members} == {
        (1770076800, 0, 0, "", "", 0o644)
    }
    assert gzip.decompress(replace(RELEASE, day=None).archive) != gzip.decompress(octets)


def test_digests_are_those_of_the_files() -> None:
    files = build.files(RELEASE, None, None)
    assert files["melsec-nsm-rules.tar.gz"] == files["melsec-nsm-rules-1.2.3.tar.gz"] == RELEASE.archive
    for name in ("melsec-nsm-rules.tar.gz", "melsec-nsm-rules-1.2.3.tar.gz"):
        assert files[f"{name}.md5"].decode() == hashlib.md5(RELEASE.archive).hexdigest()
    lines = [line.split("  ") for line in files[signing.SUMS].decode().splitlines()]
    wanted = {name: hashlib.sha256(octets).hexdigest() for name, octets in files.items() if name != signing.SUMS}
    assert {name: digest for digest, name in lines} == wanted
    assert files["VERSION"] == b"1.2.3\n"


def test_the_index_names_the_archive() -> None:
    def source(base_url: str | None) -> dict[str, object]:
        document = yaml.safe_load(index.index("a.tar.gz", base_url))
        assert document["version"] == 1
        (found,) = document["sources"].values()
        return dict(found)

    assert list(yaml.safe_load(index.index("a.tar.gz", None))["sources"]) == ["melsec-nsm/melsec"]
    assert source("https://example.org/rules/")["url"] == "https://example.org/rules/a.tar.gz"
    assert source("file:///srv/x%20y")["url"] == "file:///srv/x%%20y/a.tar.gz"
    assert "parameters" not in source("file:///srv")
    assert str(source(None)["url"]) % {"base-url": "http://h"} == "http://h/a.tar.gz"
    assert source(None)["parameters"] == {"base-url": {"prompt": "Address of the folder with a.tar.gz"}}


@pytest.mark.parametrize("url", ["", "host/rules", "ftp://host/x", "https://", "https://host/?x=1", "https://host/a b"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ReleaseError, match=r"^--base-url"):
        index.index("a.tar.gz", url)


# The command


@pytest.fixture(scope="module")
def generated(definition: Definition) -> dict[str, bytes]:
    """All that is generated."""
    return project.render(definition)


@pytest.fixture
def own(tmp_path: Path, git: Git, generated: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Git:
    """The command works on a repository with all that is generated; captures are left out, as they take long."""
    for path, octets in generated.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(octets)
    (tmp_path / "LICENSE").write_bytes(b"licence\n")
    (tmp_path / ".gitignore").write_text("/dist/\n", "utf-8")
    (tmp_path / versions.CHANGES).write_text(f"## {__version__} (2026-02-03)\n", "utf-8")
    git("add", "--all")
    git("commit", "-q", "-m", "all")
    monkeypatch.setattr(failing, "checkout", lambda: tmp_path)
    monkeypatch.setattr(captures, "render", lambda _: {})
    monkeypatch.setattr(project, "render", lambda _: generated)
    monkeypatch.chdir(tmp_path)
    return git


def test_the_command_checks_and_releases(own: Git, tmp_path: Path) -> None:
    done = run("release", "--check")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"releasable: {__version__}, ")
    assert done.stdout.endswith(f" added, 0 changed, 0 removed; git tag v{__version__}\n")
    assert not (tmp_path / "dist").exists()
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / signing.SIGNATURE).write_bytes(b"of another release")
    done = run("release")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "wrote dist/melsec-nsm-rules.tar.gz\n" in done.stdout
    assert not (tmp_path / "dist" / signing.SIGNATURE).exists()
    own("tag", "v0.0.1", "HEAD~1")
    assert run("release", "--since", "v0.0.1").stderr.startswith("v0.0.1 has no tools/melsec_nsm/definitions/lock.yaml")


@pytest.mark.parametrize("other", [("--check",), ("--base-url", "https://example.org"), ("--key", "LICENSE")])
def test_the_zeek_package_is_made_alone(own: Git, tmp_path: Path, other: tuple[str, ...]) -> None:
    assert own("tag") == ""
    done = run("release", "--zeek", *other)
    assert done.exit_code == 2
    assert "--zeek goes with --out and --since only" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_without_a_zeek_there_is_no_zeek_package(own: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own("tag") == ""
    monkeypatch.setenv("MELSEC_NSM_ZEEK", str(tmp_path / "nowhere"))
    done = run("release", "--zeek")
    assert done.exit_code == 2
    assert done.stderr.startswith("zeek: ")
    assert not (tmp_path / "dist").exists()


def test_the_zeek_package_says_what_it_is_for(own: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own("tag") == ""
    here = Availability("zeek", "8.0.9", str(tmp_path / "bin/zeek"), "", "")
    analyzer = tmp_path / "analyzer.hlto"
    analyzer.write_bytes(b"compiled")
    monkeypatch.setattr(ZeekEngine, "availability", lambda _: here)
    monkeypatch.setattr(zeek, "compiled", lambda *_: analyzer)
    monkeypatch.setattr(zeek, "machine", lambda: "debian12-x86_64")
    made = tmp_path / "dist" / f"melsec-nsm-zeek-{__version__}-zeek8.0.9-debian12-x86_64.tar.gz"
    octets = []
    for _ in range(2):
        assert run("release", "--zeek").stdout == f"wrote dist/{made.name}\n"
        octets.append(made.read_bytes())
    assert octets[0] == octets[1]
    with tarfile.open(made) as archive:
        folder = "plugins/packages/melsec-nsm"
        held = {name: archive.extractfile(f"{folder}/{name}") for name in ("melsec.hlto", "BUILT-FOR", "LICENSE")}
        read = {name: file.read() for name, file in held.items() if file is not None}
        scripts = {Path(name).name for name in archive.getnames() if name.startswith("scripts/packages/melsec-nsm/")}
    assert read["melsec.hlto"] == b"compiled"
    assert read["BUILT-FOR"] == f"melsec-nsm {__version__}\nzeek 8.0.9\nmachine debian12-x86_64\n".encode()
    assert read["LICENSE"] == b"licence\n"
    assert scripts == {path.name for path in zeek_scripts().iterdir()}


@pytest.mark.parametrize(
    ("known", "expected"),
    [({"ID": "debian", "VERSION_ID": "12"}, "debian12-"), ({"ID": "arch"}, "arch-"), (None, "linux-")],
)
def test_a_machine_is_named_by_its_system(
    known: dict[str, str] | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> dict[str, str]:
        if known is None:
            raise OSError
        return known

    monkeypatch.setattr(platform, "freedesktop_os_release", told)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert zeek.machine() == expected + platform.machine()


def test_it_compares_with_the_lock_of_the_last_release(own: Git, tmp_path: Path) -> None:
    lock = tmp_path / project.LOCK_PATH
    present = lock.read_bytes()
    entry, *_ = (one for one in read().values() if one.id == "remote-stop")
    older = replace(entry, hash="0" * 64, rev=1)
    now = replace(entry, rev=2)
    old = {**read(), older.id: older}
    del old["remote-run"]
    lock.write_bytes(dump(old))
    own("commit", "-q", "-a", "-m", "released")
    own("tag", "v0.0.1")
    lock.write_bytes(present)
    own("commit", "-q", "-a", "-m", "changed")
    assert run("release").exit_code == 0
    text = (tmp_path / "dist/CHANGES-rules.md").read_text("utf-8")
    assert "What changed since v0.0.1." in text
    assert "* `remote-run`, sids " in text
    assert sid(now, 0) == 1880700
    (tmp_path / "old.yaml").write_bytes(present)
    assert run("release", "--since", tmp_path / "old.yaml").exit_code == 0
    text = (tmp_path / "dist/CHANGES-rules.md").read_text("utf-8")
    assert text.count("Nothing.") == 3


def test_what_stands_against_a_release_is_said_and_nothing_written(own: Git, tmp_path: Path) -> None:
    assert own("tag") == ""
    (tmp_path / versions.CHANGES).write_text(f"## {__version__} (unreleased)\n", "utf-8")
    done = run("release", "--check")
    assert done.exit_code == 2
    assert f"not releasable: CHANGES.md:1: {__version__} is unreleased\n  in CHANGES.md:1: ## " in done.stderr
    assert "not releasable: not committed: CHANGES.md\n  git add" in done.stderr
    # A draft can be made of it.
    assert run("release").exit_code == 0
    rules = tmp_path / "suricata/rules/melsec.rules"
    rules.write_bytes(rules.read_bytes() + b"# more\n")
    made = {path: path.read_bytes() for path in (tmp_path / "dist").iterdir()}
    done = run("release", "--base-url", "https://example.org")
    assert done.exit_code == 2
    assert "generated files are stale: suricata/rules/melsec.rules\n  melsec-nsm generate" in done.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "dist").iterdir()} == made


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--base-url", "somewhere"), "--base-url somewhere: not a URL"),
        (("--key", "missing"), "--key missing: no such file"),
        (("--key", "LICENSE"), "--key LICENSE: "),
        (("--since", "v9.9.9"), "--since v9.9.9: no tag and no file"),
        (("--since", "LICENSE"), "LICENSE:1:1: "),
        (("--out", "LICENSE"), "LICENSE"),
    ],
)
def test_wrong_input_is_one_message_and_nothing_written(
    own: Git, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert own("tag") == ""
    done = run("release", *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "dist").exists()
    assert (tmp_path / "LICENSE").read_bytes() == b"licence\n"
