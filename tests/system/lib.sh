# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# lib: functions that the system tests share: a box with a real systemd, in
# which the Debian packages of this tree are installed. Sourced first; steps and
# assertions are those of the integration tests.
#
#	. "${srcdir:-.}/tests/system/lib.sh"
#	box_start
#	step "it serves" inside reqctl ping
#	box_finish
#
# The network of a box is its own. The build directory is there as /build, and
# $dir as /test, read-only.

set -u
export LC_ALL=C

top_builddir=$(cd "${top_builddir:-.}" && pwd)
top_srcdir=$(cd "${srcdir:-.}" && pwd)
helpers=$top_builddir/tests/integration
zoo=$top_builddir/tests/zoo
. "$top_srcdir/tests/integration/steps.sh"

sdbox=$top_srcdir/tests/system/sdbox
box=reqd-$$
passed=no

# ------------------------------------------------------------------ needs ---

[ -z "${REQD_DISTCHECK:-}" ] || skip "within distcheck"
[ -z "${DEB_RULES_REQUIRES_ROOT:-}" ] || skip "within a build of the packages"
[ "$(id -u)" -eq 0 ] || skip "only root can make a box with systemd"
need unshare nsenter setsid dpkg-deb
[ -x /lib/systemd/systemd ] || [ -n "${REQD_BOX:-}" ] || command -v mmdebstrap >/dev/null ||
    skip "neither systemd nor mmdebstrap is installed"
unshare --mount --pid --fork true 2>/dev/null || skip "no namespaces: unshare does not work"

dir=$(mktemp -d "${TMPDIR:-/tmp}/reqd-system.XXXXXX") || fail "no temporary directory"
cleanup() {
	status=$?
	trap - EXIT INT TERM HUP
	if [ $passed = no ] && [ $status -ne 77 ]; then
		[ $status -ne 0 ] || status=1
		printf -- '---- the journal of the box\n'
		inside journalctl --no-pager -n 60 -u 'reqd*' 2>/dev/null | cut -c 1-300
	fi
	"$sdbox" down "$box"
	rm -rf "$dir"
	exit $status
}
trap cleanup EXIT
trap interrupted INT TERM HUP
chmod 755 "$dir"

mkdir "$dir/lower" "$dir/mnt"
unshare --mount sh -c 'mount -t tmpfs t "$1/mnt" && mkdir "$1/mnt/u" "$1/mnt/w" "$1/mnt/m" &&
    mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/mnt/u,workdir=$1/mnt/w" o "$1/mnt/m"' \
    - "$dir" 2>/dev/null || skip "no overlay mounts"

# --------------------------------------------------------------- packages ---

# A sanitizer would find nothing here that it does not find without a box.
grep -q __asan_init "$top_builddir/reqd" && skip "with sanitizers: packages are built without"

# The packages, built once for all tests of a build directory.
built_packages() {
	(
		flock -w 1800 9 || { echo "waited in vain for $top_builddir/deb.lock"; exit 1; }
		if [ ! -d "$top_builddir/deb" ] || [ -n "$(find "$top_srcdir/src" "$top_srcdir/debian" \
		    "$top_srcdir/systemd" "$top_srcdir/etc" -newer "$top_builddir/deb" -type f -print |
		    head -n 1)" ]; then
			env -u MAKEFLAGS -u MAKELEVEL REQD_BUILD="$top_builddir" \
			    DEB_BUILD_OPTIONS=nocheck "$top_srcdir/dev" deb || exit 1
		fi
		cp "$top_builddir"/deb/*.deb "$dir"
		# Packages that need more than the box has.
		rm "$dir"/libreqd-dev_* "$dir"/python3-reqd_*
	) 9>"$top_builddir/deb.lock" >"$dir/out" 2>&1 || {
		cat "$dir/out"
		skip "the packages cannot be built"
	}
}

# The same with another version, in $dir/next.
next_packages() {
	mkdir "$dir/next"
	for deb in "$dir"/*.deb; do
		dpkg-deb -R "$deb" "$dir/raw" || return 1
		sed -i 's/^Version: .*/&+next/; s/(= \([^)]*\))/(= \1+next)/' "$dir/raw/DEBIAN/control"
		dpkg-deb --root-owner-group -Znone -b "$dir/raw" "$dir/next" >/dev/null || return 1
		rm -rf "$dir/raw"
	done
}

# ------------------------------------------------------------------- box ---

# Boots it and installs. Without mmdebstrap, or a mirror, over the running system.
box_start() {
	built_packages
	if [ -z "${REQD_BOX_LOWER:-}" ] && ! "$sdbox" build >"$dir/out" 2>&1; then
		note "no image, the running system is used: $(tail -n 1 "$dir/out")"
		export REQD_BOX_LOWER=/
	fi
	"$sdbox" up "$box" "$dir:/test" "$top_builddir:/build" >"$dir/out" 2>&1 || {
		cat "$dir/out"
		skip "systemd does not come up in a box"
	}
	# Sandboxes of the machine's own kind (Docker) may allow boxes, but no services.
	inside systemd-run -q --wait -p PrivateTmp=yes true >"$dir/out" 2>&1 ||
	    skip "systemd in a box cannot start a service: $(tail -n 1 "$dir/out")"
	[ "${1:-}" = empty ] || box_install
}

box_install() {
	inside sh -c 'dpkg -i /test/*.deb' >"$dir/out" 2>&1 || {
		cat "$dir/out"
		fail "the packages cannot be installed"
	}
}

inside() {
	"$sdbox" exec "$box" "$@"
}

# The same as an ordinary user.
as_user() {
	inside setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
}

# put FILE: into the box, from stdin.
put() {
	inside sh -c 'mkdir -p "${1%/*}" && cat >"$1"' - "$1"
}

# service NAME COMMAND-ELEMENTS [LINE]...: in services.d.
service() {
	name=$1
	{
		printf 'service "%s" {\n\tcommand = {%s}\n\tallow = {"local"}\n\tuser = "nobody"\n' \
		    "$1" "$2"
		shift 2
		for line; do
			printf '\t%s\n' "$line"
		done
		printf '}\n'
	} | put "/etc/reqd/services.d/test-$name.conf"
}

# drop_in UNIT: from stdin.
drop_in() {
	put "/etc/systemd/system/$1.d/test.conf"
	inside systemctl daemon-reload
}

property() { # UNIT NAME
	inside systemctl show -P "$2" "$1"
}

property_is() { # UNIT NAME VALUE
	[ "$(property "$1" "$2")" = "$3" ]
}

# Pids in the box of processes whose command line begins so.
pids_of() { # TEXT
	inside sh -c 'for p in /proc/[0-9]*; do
		case $(tr "\0" " " <"$p/cmdline") in "$1"*) echo "${p#/proc/}" ;; esac
	done' - "$1" 2>/dev/null
}

role_pids() { # [ROLE]
	pids_of "reqd: ${1:-}"
}

nothing_runs() { # TEXT
	[ -z "$(pids_of "$1")" ]
}

# signal NAME PID...: there is no kill but the shell's.
signal() {
	inside sh -c 'kill -s "$@"' - "$@"
}

serves() {
	inside reqctl ping >/dev/null 2>&1
}

# Kills one process of the role; fails unless there are as many again, and the unit goes on.
role_dies() { # ROLE NUMBER
	was=$(role_pids "$1" | head -n 1)
	[ -n "$was" ] || fail "there is no $1"
	restarts=$(property reqd.service NRestarts)
	signal KILL "$was"
	is_replaced() {
		now=$(role_pids "$1" | sort)
		[ "$(printf '%s\n' "$now" | wc -l)" -ge "$2" ] && ! printf '%s\n' "$now" | grep -qx "$was"
	}
	until_true "$patience" is_replaced "$1" "$2" || return 1
	until_true "$patience" serves || return 1
	assert_eq "$(inside reqctl call echo hi)" hi || return 1
	assert_eq "$(property reqd.service NRestarts)" "$restarts"
}

is_active() {
	property_is reqd.service ActiveState active
}

# Two seconds of it, unless it is enough.
load_has_ended() { # URL
	[ ! -e "$dir/enough" ] || return 0
	inside /build/bench/load -x -s "$1" -c 4 -d 2 CALL echo hi || exit 1
	return 1
}

# load_begin URL...: until load_end connections come, each with one request.
load_begin() {
	rm -f "$dir/enough"
	loads=
	for url; do
		(
			until_true 600 load_has_ended "$url"
		) >"$dir/load.${url%%:*}" 2>&1 &
		loads="$loads $!"
	done
}

# Fails when one of them was refused, lost, or got a wrong answer.
load_end() {
	touch "$dir/enough"
	for one in $loads; do
		wait "$one" || {
			cat "$dir"/load.*
			return 1
		}
	done
	note "$(awk '{ sub(/.*=/, "", $1); n += $1 } END { print n }' "$dir"/load.*) answers"
}

# log_says PATTERN: since the last call of log_mark.
log_mark() {
	inside journalctl --sync
	log_cursor=$(inside journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
}

log_says() {
	inside journalctl --sync
	inside journalctl --no-pager -u 'reqd*' ${log_cursor:+"--after-cursor=$log_cursor"} |
	    grep -q -e "$1"
}

box_finish() {
	passed=yes
	exit 0
}
