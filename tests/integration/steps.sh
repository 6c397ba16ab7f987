# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# steps: functions by which the tests in sh name their promises, assert them,
# and wait.

# Long enough for a slow machine under sanitizers, short enough to end.
patience=${REQD_TEST_PATIENCE:-20}

# ------------------------------------------------------------- reporting ---

note() {
	printf '  %s\n' "$*"
}

fail() {
	printf 'FAIL: %s\n' "$*"
	exit 1
}

skip() {
	printf 'SKIP: %s\n' "$*"
	exit 77
}

# Skips the test where the name localhost has no address: a minimal Debian 12 has no
# /etc/hosts.
need_localhost() {
	getent ahosts localhost >/dev/null || skip "localhost has no address: there is no /etc/hosts"
}

need() {
	for program; do
		command -v "$program" >/dev/null 2>&1 || skip "$program is not installed"
	done
}

# For a trap: the last line tells what was going on.
interrupted() {
	fail "ended from outside, in: ${step_text:-what comes before the first step}"
}

# step TEXT COMMAND...: one promise. The command fails the test when it
# returns non-zero; assertions inside it fail the test themselves.
step() {
	step_text=$1
	shift
	"$@" || fail "$step_text"
	printf 'ok: %s\n' "$step_text"
}

assert_eq() {
	[ "$1" = "$2" ] || {
		printf 'got:    %s\nwanted: %s\n' "$1" "$2"
		fail "${3:-${step_text:-not equal}}"
	}
}

# assert_match TEXT PATTERN: the case pattern matches the whole text.
assert_match() {
	# shellcheck disable=SC2254
	case $1 in
	$2) ;;
	*)
		printf 'got:    %s\nwanted: %s\n' "$1" "$2"
		fail "${3:-${step_text:-no match}}"
		;;
	esac
}

# assert_status N COMMAND...: output goes to $dir/out and $dir/err.
assert_status() {
	wanted=$1
	shift
	status=0
	"$@" >"$dir/out" 2>"$dir/err" || status=$?
	[ "$status" -eq "$wanted" ] || {
		cat "$dir/out" "$dir/err"
		fail "${step_text:-command}: status $status, wanted $wanted: $*"
	}
}

# ---------------------------------------------------------------- events ---

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# until_true SECONDS COMMAND...: returns 1 when the command never succeeded, and
# prints it. Every loop of the tests is this one, a "for", or reads a file.
until_true() {
	until_end=$(($(now_ms) + $1 * 1000))
	shift
	until_time "$until_end" "$@"
}

# The time stays an argument: the command may wait for something itself.
until_time() { # MS COMMAND...
	until but_first "$@"; do
		[ "$(now_ms)" -lt "$1" ] || {
			shift
			printf 'waited in vain for: %s\n' "$*" >&2
			return 1
		}
		sleep 0.01
	done
}

but_first() { # WORD COMMAND...
	shift
	"$@"
}

# Prints shell text for a program that waits for a file, at most a minute.
waits_for() { # FILE
	echo "for i in \$(seq 3000); do ! test -e $1 || break; sleep 0.02; done; test -e $1 || exit 99"
}
