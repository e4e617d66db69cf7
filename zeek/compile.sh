#!/bin/sh
# Compiles the analyzers into zeek/build, for the Zeek whose programs are in PATH. zkg runs it.
set -eu
cd "$(dirname "$0")/analyzer"

# zkg keeps what a build prints to itself, for its log: whoever sits at a terminal is told there.
tell() {
	printf 'melsec-nsm: %s\n' "$*"
	# In a shell of its own: without a terminal the redirection fails.
	(printf '\nmelsec-nsm: %s\n' "$*" >/dev/tty) 2>/dev/null || :
}

lacks() {
	tell "$*; or install a package that is compiled already: tools/docs/install.md"
	exit 1
}

command -v spicyz >/dev/null || lacks "spicyz is missing: install Zeek's Spicy development package (zeek-spicy-dev)"
[ -n "${HILTI_CXX:-}" ] || command -v c++ >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null ||
	lacks "there is no C++ compiler: install g++"

tell "compiling the analyzers, which takes a minute and a quarter or more, and 1.5 GB of memory"
mkdir -p ../build
# A third less time than with Spicy's own flags, a twentieth of the size, and no slower.
HILTI_CXX_FLAGS="-g0 -O1" spicyz -o ../build/melsec.hlto ./*.spicy melsec.evt
