#!/usr/bin/env bash
# Makes the virtual environment .venv and installs this checkout into it, with the extras named.
#
#   tools/setup/venv.sh test zeek suricata
#
# Does nothing where pyproject.toml, the extras and the place are those of the last time.
# PYTHON names the interpreter (3.10 or newer; python3 else). Ends with 1 where there is no way to go on.
set -u

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
SELF="$HERE/venv.sh $*"
# shellcheck source=tools/setup/common.sh
. "$HERE/common.sh"

PYTHON=${PYTHON:-python3}
VENV=${VENV:-$ROOT/.venv}
EXTRAS=$(IFS=,; printf '%s' "$*")
STAMP=$VENV/.installed-$(IFS=-; printf '%s' "$*")

# state: what the environment was made from; a moved checkout or another interpreter is another state.
state() {
	"$PYTHON" -c 'import sys; print(sys.version)'
	printf '%s\n' "$ROOT"
	cat "$ROOT/pyproject.toml"
}

give_up() {
	say "python: $*" >&2
	exit 1
}

have "$PYTHON" || give_up "$PYTHON is missing; on Debian and Ubuntu run:  sudo apt-get install python3 python3-venv"
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
	give_up "$("$PYTHON" --version) is too old, 3.10 or newer is needed: set PYTHON to one"

WANTED=$(state)
if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$WANTED" ] && "$VENV/bin/python" -c 'import melsec_nsm' 2>/dev/null; then exit 0; fi

# An environment of another place or interpreter is made anew; `--clear` would keep a broken one's stamps.
if [ -e "$VENV" ] && ! cmp -s <("$VENV/bin/python" -c 'import sys; print(sys.version)' 2>/dev/null; cat "$VENV/.place" 2>/dev/null) \
	<("$PYTHON" -c 'import sys; print(sys.version)'; printf '%s\n' "$ROOT"); then
	[ -f "$VENV/pyvenv.cfg" ] || give_up "$VENV exists and is no virtual environment: move it away"
	rm -rf "$VENV"
fi

# pip_of_venv ARGUMENTS…: pip inside the environment, or the system's pip working on it.
pip_of_venv() {
	if [ -x "$VENV/bin/pip" ]; then
		"$VENV/bin/python" -m pip "$@"
	else
		"$PYTHON" -m pip --python "$VENV/bin/python" "$@"
	fi
}

complete_python() { "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; }

if [ ! -x "$VENV/bin/python" ]; then
	if ! complete_python; then
		# Debian and Ubuntu keep ensurepip in a package of its own.
		PACKAGE=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
		if is_debian_family && can_be_root; then
			say "python: installing $PACKAGE …"
			LOG=$(mktemp)
			apt_run "$LOG" --no-install-recommends install "$PACKAGE" || {
				refresh_lists "$LOG"
				apt_run "$LOG" --no-install-recommends install "$PACKAGE" || say "python: $(last_error "$LOG")" >&2
			}
			rm -f "$LOG"
		else
			say "python: $PACKAGE is missing; to install it run:  sudo apt-get install $PACKAGE"
		fi
	fi
	if complete_python; then
		"$PYTHON" -m venv "$VENV" || give_up "making $VENV failed"
	elif "$PYTHON" -m pip --version >/dev/null 2>&1 && "$PYTHON" -m venv --without-pip "$VENV" 2>/dev/null; then
		say "python: going on with the system's pip"
	else
		give_up "no virtual environment without it"
	fi
	printf '%s\n' "$ROOT" >"$VENV/.place"
fi

say "python: installing melsec-nsm and what it needs into $VENV …"
pip_of_venv install -qq --disable-pip-version-check --no-input -e "$ROOT${EXTRAS:+[$EXTRAS]}" ||
	give_up "the installation failed; with a package index within reach run:  $SELF"
printf '%s\n' "$WANTED" >"$STAMP"
