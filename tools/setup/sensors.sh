#!/usr/bin/env bash
# Makes the sensors available that this machine can have: Suricata 7.0.3 or newer, Zeek 8.0 or newer.
#
#   tools/setup/sensors.sh           install what is missing (root, or a sudo that asks nothing)
#   tools/setup/sensors.sh --plan    say what would be done, change nothing
#
# Prints one line per sensor and ends with 0 whatever is missing: the bundle works without any of them.
# The machine's apt configuration stays as it is, and no service is started or enabled.
set -u
# shellcheck disable=SC2016 # apt's own placeholders are not for the shell
TARGET='$(RELEASE) $(COMPONENT) $(REPO_URI) $(SOURCESENTRY)'

SURICATA_FLOOR=7.0.3
ZEEK_FLOOR=8.0
# All overridable, so that the decisions can be tried on a machine that looks different.
POLICY=${POLICY:-/usr/sbin/policy-rc.d}
APT_SOURCES=${APT_SOURCES:-/etc/apt}
APT_LISTS=${APT_LISTS:-/var/lib/apt/lists}
read -ra SURICATA_PLACES <<<"${SURICATA_PLACES-/usr/bin /usr/sbin /usr/local/bin /opt/suricata/bin}"
read -ra ZEEK_PLACES <<<"${ZEEK_PLACES-/opt/zeek/bin /usr/local/zeek/bin /usr/local/bin /usr/bin}"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SELF="$HERE/sensors.sh"
# shellcheck source=tools/setup/common.sh
. "$HERE/common.sh"

case "${1:-}" in
--plan) PLAN=yes ;;
"") ;;
*)
	say "usage: tools/setup/sensors.sh [--plan]" >&2
	exit 2
	;;
esac

WORK=$(mktemp -d) || exit 0
POLICY_OURS=no
MASKED=no
cleanup() {
	[ "$POLICY_OURS" = no ] || as_root rm -f "$POLICY"
	[ "$MASKED" = no ] || as_root systemctl --quiet --runtime unmask suricata.service >/dev/null 2>&1
	rm -rf "$WORK" 2>/dev/null || as_root rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
LOG="$WORK/log"
: >"$LOG"

# find_program NAME VARIABLE PLACE…: where a sensor is; the variable wins, then PATH, then the usual places.
find_program() {
	local name=$1 chosen=${!2:-} place
	shift 2
	if [ -n "$chosen" ]; then
		[ -x "$chosen" ] && printf '%s\n' "$chosen"
		return
	fi
	if type -P "$name" >/dev/null; then
		type -P "$name"
		return
	fi
	for place in "$@"; do
		if [ -x "$place/$name" ]; then
			printf '%s\n' "$place/$name"
			return
		fi
	done
}

# version_of PROGRAM FLAG: the first dotted number it prints about itself.
version_of() {
	[ -n "$1" ] && "$1" "$2" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1
}

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

service_is_up() { have systemctl && systemctl --quiet is-active suricata.service 2>/dev/null; }

# hold_service: keeps an installation from starting Suricata, for as long as this script runs.
hold_service() {
	local answer=0
	if [ -e "$POLICY" ]; then
		# Somebody else's policy is never touched; most containers have one that refuses everything.
		"$POLICY" suricata start >/dev/null 2>&1 || answer=$?
		[ "$answer" -eq 101 ] && return
	else
		cat >"$WORK/policy" <<'POLICY_END'
#!/bin/sh
# Temporary: refuses to start suricata while it is being installed.
for word; do case "$word" in suricata | suricata.service) exit 101 ;; esac done
exit 0
POLICY_END
		as_root install -m 0755 "$WORK/policy" "$POLICY" && POLICY_OURS=yes && return
	fi
	if have systemctl && as_root systemctl --quiet --runtime mask suricata.service >/dev/null 2>&1; then MASKED=yes; fi
}

# quiet_service: what was just installed is not enabled for the next start of the machine either.
quiet_service() {
	{
		as_root update-rc.d suricata disable
		have deb-systemd-helper && as_root deb-systemd-helper disable suricata.service
		service_is_up && as_root systemctl stop suricata.service
	} >>"$LOG" 2>&1 || true
}

# install_suricata APT-OPTION…
install_suricata() {
	local fresh=yes was_up=no status=0
	installed suricata && fresh=no
	service_is_up && was_up=yes
	# A service that is running already is somebody's sensor: an upgrade restarts it, as any upgrade does.
	[ "$was_up" = yes ] || hold_service
	apt_run "$LOG" --no-install-recommends "$@" install suricata || status=$?
	[ "$fresh" = no ] || quiet_service
	return "$status"
}

# signed_by FILE NUMBER: the Signed-By of one source entry, as apt counts them (stanza of a .sources file, line of a .list).
signed_by() {
	case "$1" in
	*.sources)
		awk -v wanted="$2" '
			/^[[:space:]]*#/ { next }
			/^[[:space:]]*$/ { inside = 0; value = 0; next }
			!inside { inside = 1; number++ }
			number != wanted { next }
			tolower($0) ~ /^signed-by:/ { value = 1; print; next }
			/^[[:space:]]/ { if (value) print; next }
			{ value = 0 }' "$1"
		;;
	*) sed -n "${2}p" "$1" | sed -n 's/.*[[ ]signed-by=\([^] ]*\).*/Signed-By: \1/p' ;;
	esac
}

# mirror_of CODENAME: "URI SOURCE-FILE NUMBER" of the mirror from which apt already takes this release's main component.
mirror_of() {
	local release component uri entry
	apt-get indextargets --format "$TARGET" 'Created-By: Packages' 2>/dev/null |
		while read -r release component uri entry; do
			case "$component:$uri" in
			main:cdrom:*) ;;
			main:*)
				case "$release" in
				"$1" | stable | oldstable | oldoldstable)
					printf '%s %s %s\n' "$uri" "${entry%:*}" "${entry##*:}"
					break
					;;
				esac
				;;
			esac
		done
}

# backports CODENAME: prepares apt options in BACKPORTS that add this one suite for this one run.
# Sources are a copy of the machine's with one file more; lists and caches are our own.
backports() {
	local suite=$1-backports uri file number parts=$WORK/sources.list.d lists=$WORK/lists
	BACKPORTS=()
	read -r uri file number <<<"$(mirror_of "$1")"
	[ -n "$uri" ] || return 1
	mkdir -p "$parts" "$lists/partial" "$WORK/cache"
	# apt fetches as its own user, which has to get in here.
	chmod 755 "$WORK" "$parts" "$lists" "$WORK/cache"
	cp "$APT_SOURCES"/sources.list.d/*.list "$APT_SOURCES"/sources.list.d/*.sources "$parts/" 2>/dev/null
	[ -s "$APT_SOURCES/sources.list" ] && cp "$APT_SOURCES/sources.list" "$parts/machine.list"
	if ! apt-get indextargets --format "$TARGET" 'Created-By: Packages' 2>/dev/null | grep -q "^$suite main "; then
		{
			printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$uri" "$suite"
			signed_by "$file" "$number"
		} >"$parts/melsec-nsm-backports.sources"
	fi
	# What is known already need not be fetched again.
	cp -p "$APT_LISTS"/*_* "$lists/" 2>/dev/null
	BACKPORTS=(
		-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$parts"
		-o "Dir::State::Lists=$lists" -o "Dir::Cache::pkgcache=$WORK/cache/pkgcache.bin"
		-o "Dir::Cache::srcpkgcache=$WORK/cache/srcpkgcache.bin" -t "$suite"
	)
	is_root || as_root chown -R root "$lists" "$WORK/cache"
	apt_run "$LOG" "${BACKPORTS[@]}" update || true
}

planned_or_installed_suricata() {
	local offered codename how
	offered=$(candidate -- suricata)
	if ! at_least "$(upstream "$offered")" "$SURICATA_FLOOR" && [ "$PLAN" = no ]; then
		# On a fresh machine apt knows nothing yet.
		refresh_lists "$LOG"
		offered=$(candidate -- suricata)
	fi
	if at_least "$(upstream "$offered")" "$SURICATA_FLOOR"; then
		how="the distribution's package $offered"
		if [ "$PLAN" = yes ]; then
			say "suricata: would install $how"
			return
		fi
		say "suricata: installing $how …"
		install_suricata || {
			# Lists from long ago name packages that the mirror no longer has.
			refresh_lists "$LOG"
			install_suricata
		}
		return
	fi
	codename=$(os_release VERSION_CODENAME)
	if [ "$(os_release ID)" != debian ] || [ -z "$codename" ]; then
		say "suricata: absent; this release offers ${offered:-none}, $SURICATA_FLOOR is needed: install the Suricata project's own package (its stable archive), then run make again"
		return 3
	fi
	if [ "$PLAN" = yes ]; then
		local shown
		# A mirror's address may hold a password.
		shown=$(mirror_of "$codename" | cut -d ' ' -f 1 | sed 's,//[^/@]*@,//,')
		say "suricata: would install from $codename-backports, mirror ${shown:-not known to apt}, for this one installation"
		return
	fi
	say "suricata: installing from $codename-backports …"
	backports "$codename" || {
		say "suricata: absent; apt knows no mirror of $codename: add one to its sources, then run make again"
		return 3
	}
	offered=$(candidate "${BACKPORTS[@]}" -- suricata)
	at_least "$(upstream "$offered")" "$SURICATA_FLOOR" || {
		say "suricata: absent; $codename-backports offers ${offered:-none}, $SURICATA_FLOOR is needed ($(last_error "$LOG"))"
		return 3
	}
	install_suricata "${BACKPORTS[@]}"
}

settle_suricata() {
	local path version status=0
	path=$(find_program suricata MELSEC_NSM_SURICATA "${SURICATA_PLACES[@]}")
	version=$(version_of "$path" -V)
	if at_least "$version" "$SURICATA_FLOOR"; then
		say "suricata: $version ($path)"
		return
	fi
	[ -z "$version" ] || say "suricata: $version ($path) is older than $SURICATA_FLOOR and counts as absent"
	if [ -n "${MELSEC_NSM_SURICATA:-}" ]; then
		say "suricata: absent; MELSEC_NSM_SURICATA=$MELSEC_NSM_SURICATA is no Suricata $SURICATA_FLOOR or newer: unset or correct it"
		return
	fi
	if ! is_debian_family; then
		say "suricata: absent; install version $SURICATA_FLOOR or newer with this system's package manager, then run make again"
		return
	fi
	if ! can_be_root && [ "$PLAN" = no ]; then
		say "suricata: absent; to install it run:  sudo $SELF"
		return
	fi
	planned_or_installed_suricata || status=$?
	if [ "$PLAN" = yes ] || [ "$status" -eq 3 ]; then return; fi
	hash -r
	path=$(find_program suricata MELSEC_NSM_SURICATA "${SURICATA_PLACES[@]}")
	version=$(version_of "$path" -V)
	if at_least "$version" "$SURICATA_FLOOR"; then
		say "suricata: $version ($path)"
	else
		say "suricata: absent; the installation failed ($(last_error "$LOG")); try:  sudo $SELF"
	fi
}

# zeek_offer: "PACKAGE VERSION" of the first package apt offers that is new enough.
zeek_offer() {
	local package offered
	candidates -- zeek zeek-lts | while read -r package offered; do
		if at_least "$(upstream "$offered")" "$ZEEK_FLOOR"; then
			printf '%s %s\n' "$package" "$offered"
			break
		fi
	done
}

settle_zeek() {
	local path version package="" offered=""
	path=$(find_program zeek MELSEC_NSM_ZEEK "${ZEEK_PLACES[@]}")
	version=$(version_of "$path" --version)
	if at_least "$version" "$ZEEK_FLOOR"; then
		say "zeek: $version ($path)"
		return
	fi
	[ -z "$version" ] || say "zeek: $version ($path) is older than $ZEEK_FLOOR and counts as absent"
	if [ -n "${MELSEC_NSM_ZEEK:-}" ]; then
		say "zeek: absent; MELSEC_NSM_ZEEK=$MELSEC_NSM_ZEEK is no Zeek $ZEEK_FLOOR or newer: unset or correct it"
		return
	fi
	is_debian_family && read -r package offered <<<"$(zeek_offer)"
	if [ -z "$package" ]; then
		say "zeek: absent, and apt offers no $ZEEK_FLOOR or newer; the other engines judge without it. To get it, add the Zeek project's own package source for this system and run make again"
		return
	fi
	if [ "$PLAN" = yes ]; then
		say "zeek: would install the package $package $offered that apt offers"
		return
	fi
	if ! can_be_root; then
		say "zeek: absent; to install it run:  sudo $SELF"
		return
	fi
	say "zeek: installing the package $package $offered …"
	# With what it recommends: its Spicy compiler wants a C++ compiler.
	apt_run "$LOG" install "$package" || { refresh_lists "$LOG" && apt_run "$LOG" install "$package"; }
	hash -r
	path=$(find_program zeek MELSEC_NSM_ZEEK "${ZEEK_PLACES[@]}")
	version=$(version_of "$path" --version)
	if at_least "$version" "$ZEEK_FLOOR"; then
		say "zeek: $version ($path)"
	else
		say "zeek: absent; the installation failed ($(last_error "$LOG")); try:  sudo apt-get install $package"
	fi
}

settle_suricata
settle_zeek
exit 0
