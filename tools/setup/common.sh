# shellcheck shell=bash
# Sourced by the set-up scripts: who we are, what apt offers, how to install. Bash; prints nothing by itself.

# --plan: say what would be done, change nothing.
PLAN=${PLAN:-no}
# How the user runs us again with more rights, as printed in advice.
SELF=${SELF:-$0}

say() { printf '%s\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

# at_least VERSION FLOOR: true where VERSION is FLOOR or newer (plain dotted numbers, any suffix).
at_least() {
	[ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# upstream VERSION: a package version without epoch and packager's revision.
upstream() {
	local version=${1#*:}
	printf '%s\n' "${version%%[-~+]*}"
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# can_be_root: as root already, or through a sudo that asks nothing.
can_be_root() { is_root || { have sudo && sudo -n true >/dev/null 2>&1; }; }

# as_root COMMAND…: runs it with root's rights; only where can_be_root holds.
as_root() {
	if is_root; then "$@"; else sudo -n "$@"; fi
}

os_release() {
	# shellcheck disable=SC1090,SC1091
	(. "${OS_RELEASE:-/etc/os-release}" 2>/dev/null && eval "printf '%s\n' \"\${$1:-}\"")
}

is_debian_family() {
	case " $(os_release ID) $(os_release ID_LIKE) " in
	*" debian "* | *" ubuntu "*) have apt-get && have dpkg ;;
	*) return 1 ;;
	esac
}

# candidates APT-OPTION… -- PACKAGE…: "PACKAGE VERSION" for each that apt would install, in one call because each costs a second.
candidates() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	LC_ALL=C apt-cache "${options[@]}" policy "$@" 2>/dev/null |
		awk '/^[^ ]/ { sub(/:$/, ""); package = $0 } $1 == "Candidate:" && $2 != "(none)" { print package, $2 }'
}

# candidate APT-OPTION… -- PACKAGE: the version apt would install, empty where there is none.
candidate() { candidates "$@" | cut -d ' ' -f 2; }

# apt_run LOG ARGUMENTS…: apt-get without questions; output to LOG only.
apt_run() {
	local log=$1
	shift
	as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 RUNLEVEL=1 LC_ALL=C \
		apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null >>"$log" 2>&1
}

# last_error LOG: the line of apt's or dpkg's output that says most.
last_error() {
	local line
	line=$(grep -E '^(E:|dpkg: error)' "$1" 2>/dev/null | tail -n 1)
	printf '%s\n' "${line:-$(tail -n 1 "$1" 2>/dev/null)}"
}

# refresh_lists LOG: one `apt-get update` a run; a source that does not answer is not our business.
REFRESHED=no
refresh_lists() {
	[ "$REFRESHED" = no ] || return 0
	REFRESHED=yes
	apt_run "$1" update || true
}
