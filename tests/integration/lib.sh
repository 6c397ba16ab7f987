# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# lib: functions that the integration tests share. POSIX sh, sourced first.
#
# A test gets a directory of its own ($dir, removed at the end; REQD_KEEP=1
# keeps that of a failed test) and a TCP port that nobody uses. It writes a
# configuration, starts reqd, does its steps, and ends with "finish", which
# stops reqd and checks what must hold after every test: status 0, nothing
# left behind, no zombie, as many descriptors as before, nothing alarming in
# the log.
#
#	. "${srcdir:-.}/tests/integration/lib.sh"
#	service echo "\"/bin/echo\", \"{text}\"" 'argument "text" {}'
#	start_reqd
#	step "a command answers" assert_eq "$(call echo hi)" hi
#	finish
#
# Wait for events, never for time: until_true polls a condition and its
# seconds are only the point where the test gives up.
#
# Exit statuses as automake wants them: 0 passed, 77 skipped, else failed.

set -u
export LC_ALL=C

top_builddir=$(cd "${top_builddir:-.}" && pwd)
top_srcdir=$(cd "${srcdir:-.}" && pwd)
helpers=$top_builddir/tests/integration
zoo=$top_builddir/tests/zoo
reqd=$top_builddir/reqd
reqctl=$top_builddir/reqctl
load=$top_builddir/bench/load

. "$top_srcdir/tests/integration/steps.sh"

reqd_pid=
waiter_pid=
background=

is_sanitized() {
	grep -q __asan_init "$reqd"
}

# ------------------------------------------------------------- processes ---

# Prints every living descendant of a process, zombies too, but not the process
# itself.
tree_of() {
	ps -e -o pid= -o ppid= | awk -v root="$1" '
		{ parent[$1] = $2 }
		END {
			in_tree[root] = 1
			do {
				more = 0
				for (p in parent)
					if (!(p in in_tree) && parent[p] in in_tree) {
						in_tree[p] = 1
						more = 1
						print p
					}
			} while (more)
		}'
}

# True if a process does not exist, or is a zombie that will be reaped.
gone() {
	case $(ps -o stat= -p "$1" 2>/dev/null) in
	'' | Z*) return 0 ;;
	*) return 1 ;;
	esac
}

# all_gone FILE: no process of a zoo program's pid file is alive.
all_gone() {
	while read -r one_pid; do
		gone "$one_pid" || return 1
	done <"$1"
}

no_zombies() {
	for one_pid in $(tree_of "$waiter_pid"); do
		case $(ps -o stat= -p "$one_pid") in
		Z*) return 1 ;;
		esac
	done
}

# Prints the pids of the processes of one role: master, runner, broker, control, log,
# keys, auth or worker.
role_pids() {
	if [ "$1" = master ]; then
		echo "$reqd_pid"
		return
	fi
	# Leave out a child of the runner that has yet to become its program.
	for one_pid in $(ps -o pid= --ppid "$reqd_pid"); do
		case $(tr 2>/dev/null '\0' ' ' <"/proc/$one_pid/cmdline") in
		*"--role=$1"* | *"reqd: $1"*) echo "$one_pid" ;;
		esac
	done
}

# Prints the processes that this test has started and that are still there: they
# have its environment, or its directory in their arguments. This shell has
# neither.
leftovers() {
	for one_file in $(printf '%s\n' "REQD_TEST=$dir" "$dir" |
	    env -i grep -lsaF -f - /proc/[0-9]*/environ /proc/[0-9]*/cmdline); do
		one_file=${one_file#/proc/}
		echo "${one_file%%/*}"
	done
}

# Starts two programs of the service "sleeper", whose clients wait; their pids
# are in the file that the service was given.
sleepers_start() { # FILE
	: >"$1"
	chmod 666 "$1"
	call sleeper >/dev/null 2>&1 &
	client_1=$!
	call sleeper >/dev/null 2>&1 &
	client_2=$!
	until_true "$patience" sleepers_run "$1"
}

sleepers_run() { # FILE
	[ "$(wc -l <"$1")" -eq 2 ]
}

# The clients of the sleepers have been told, with an exit status of reqctl's
# own.
sleepers_told() {
	for client in $client_1 $client_2; do
		status=0
		wait "$client" || status=$?
		[ $status -ge 240 ] || fail "a client of a lost program got status $status"
	done
}

nothing_left() {
	[ -z "$(leftovers)" ]
}

# Prints descendants of the master that are no roles: programs.
programs() {
	for one_pid in $(tree_of "$reqd_pid"); do
		case $(tr 2>/dev/null '\0' ' ' <"/proc/$one_pid/cmdline") in
		'' | *--role=* | *"reqd: "*) ;;
		*) echo "$one_pid" ;;
		esac
	done
}

no_programs() {
	[ -z "$(programs)" ]
}

# Results that the broker keeps for ten minutes do not count; shares.sh counts them.
n_fds() {
	find "/proc/$1/fd" -mindepth 1 ! -lname '/memfd:reqd-result*' 2>/dev/null | wc -l
}

# Prints "broker 12 log 9 ": the numbers that must be the same before and after
# a test, whichever worker was started last.
fds_of_roles() {
	for one_role in master runner broker control log keys auth worker web; do
		for role_pid in $(role_pids $one_role); do
			printf '%s %s\n' "$one_role" "$(n_fds "$role_pid")"
		done
	done | sort | tr '\n' ' '
}

# Prints the same numbers, when two looks in a row have seen them: descriptors
# for the start, or for the last client, have been closed.
settled_fds() {
	seen=
	until_true "$patience" seen_again
	echo "$seen"
}

seen_again() {
	seen_before=$seen
	seen=$(fds_of_roles)
	[ "$seen" = "$seen_before" ]
}

fds_are() {
	[ "$(settled_fds)" = "$1" ]
}

# -------------------------------------------------------- configuration ---

# Root cannot run programs and workers as itself: workers run as the account of
# the package if it exists, programs always as another account.
if [ "$(id -u)" -eq 0 ]; then
	is_root=yes
	worker_user=games
	getent passwd reqd >/dev/null && worker_user=reqd
	program_user=nobody
else
	is_root=no
	worker_user=
	program_user=
fi

# setting LINE: adds a line of the top level.
setting() {
	printf '%s\n' "$*" >>"$conf"
}

# service NAME "COMMAND, ELEMENTS" [LINE]...
service() {
	any_service command "$@"
}

# Adds a service with a handler. "processes { min = 0  idle = 100ms }" lets the
# handler end, as "finish" needs it.
handler() {
	any_service handler "$@"
}

any_service() {
	kind=$1
	shift
	{
		printf 'service "%s" {\n\t%s = {%s}\n\tallow = {"local"}\n' "$1" "$kind" "$2"
		[ $is_root = no ] || printf '\tuser = "%s"\n' "$program_user"
		shift 2
		for line; do
			printf '\t%s\n' "$line"
		done
		printf '}\n'
	} >>"$conf"
}

begin_config() {
	cat >"$conf" <<-END
	listen "tcp://127.0.0.1:$port" {}
	listen "unix://$dir/reqd.sock" { mode = 0666 }
	control { path = "$control" }
	log {
	  to = stderr
	  level = ${log_level:-info}
	}
	workers = ${workers:-2}
	runtime-directory = "$dir"
	kill-grace = 1s
	drain-timeout = 5s
	role "local" { net = {"127.0.0.0/8", "unix"} }
	END
	[ $is_root = no ] || setting "user = \"$worker_user\""
}

# The services that the client tests call.
client_services() {
	service echo '"/bin/echo", "{text}"' \
	    'summary = "The arguments again"' \
	    'argument "text" { type = text  repeat = yes }'
	service cat '"/bin/cat"' 'input = required'
	service fail '"/bin/sh", "-c", "echo broken >&2; exit 3"'
}

# ------------------------------------------------------- starting reqd ---

# start_reqd [PROGRAM]...: returns when reqd says that it serves, and no program
# runs yet. The words are put in front of the command line (a tracer, a limit).
start_reqd() {
	launch_reqd "$@"
	until_true "$patience" no_programs
	fds_before=$(settled_fds)
}

# Does the same where clients are waiting for reqd: returns as soon as it
# serves.
launch_reqd() {
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	"$helpers/notify-wait" -r "$dir/ready" -m "$dir/notify" \
	    "$@" "$reqd" -c "$conf" >>"$log" 2>&1 3>&- &
	waiter_pid=$!
	reqd_pid=
	read -r reqd_pid <"$dir/ready" || fail "reqd did not become ready"
}

# Asks reqd to end and returns its status.
stop_reqd() {
	kill -TERM "$waiter_pid" 2>/dev/null
	wait_reqd
}

# Waits for the end of reqd; 99 when it left a process behind.
wait_reqd() {
	wait_status=0
	wait "$waiter_pid" || wait_status=$?
	waiter_pid=
	reqd_pid=
	return $wait_status
}

# kills=yes: the test itself kills processes of reqd. forbidden=yes: it makes them do
# what the kernel kills them for.
log_is_clean() {
	alarms=$(grep -E '^[^ ]+ .*\] (emerg|alert|crit):|Sanitizer|runtime error:|Assertion' "$log")
	[ "${forbidden:-no}" = no ] ||
	    alarms=$(printf '%s' "$alarms" | grep -v 'was killed for a forbidden system call')
	if [ -n "$alarms" ]; then
		printf '%s\n' "$alarms"
		return 1
	fi
	[ "${kills:-no}" = yes ] || ! grep -E 'killed by signal|killing it' "$log"
}

# Ends every test: checks the conditions that must hold after it.
finish() {
	if [ -n "$waiter_pid" ]; then
		step "no program runs any more" until_true "$patience" no_programs
		step "no zombie" until_true "$patience" no_zombies
		until_true "$patience" fds_are "$fds_before" || {
			printf 'before: %s\nafter:  %s\n' "$fds_before" "$(fds_of_roles)"
			for one_pid in $(role_pids worker); do ls -l /proc/$one_pid/fd; done
			fail "the number of open descriptors changed"
		}
		step "stops with status 0 and leaves nothing behind" stop_reqd
	fi
	step "nothing alarming in the log" log_is_clean
	until_true "$patience" nothing_left || {
		for one_pid in $(leftovers); do
			ps -o pid= -o args= -p "$one_pid"
		done
		fail "processes of this test are left"
	}
	passed=yes
	exit 0
}

# ---------------------------------------------------------------- clients ---

ctl() {
	timeout 60 "$reqctl" -s "$server" --control "$control" "$@"
}

call() {
	ctl call "$@"
}

# Sends requests typed by hand, from stdin; options are for nc.
by_hand() {
	timeout 60 nc "$@" 127.0.0.1 "$port"
}

# ---------------------------------------------------------------- set-up ---

passed=no
cleanup() {
	status=$?
	trap - EXIT INT TERM HUP
	for one_pid in $background; do
		kill "$one_pid" 2>/dev/null
	done
	if [ -n "$waiter_pid" ]; then
		kill -TERM "$waiter_pid" 2>/dev/null
		until_true 12 gone "$waiter_pid" || {
			for one_pid in $(tree_of "$waiter_pid") "$waiter_pid"; do
				kill -KILL "$one_pid" 2>/dev/null
			done
		}
	fi
	for one_pid in $(leftovers); do
		kill -KILL "$one_pid" 2>/dev/null
	done
	if [ $passed = no ] && [ $status -ne 77 ]; then
		[ $status -ne 0 ] || status=1
		printf -- '---- %s\n' "$log"
		tail -n 20 "$log"
		[ -z "${REQD_KEEP:-}" ] || exit $status
	fi
	cd / && rm -rf "$dir"
	exit $status
}

# "make distcheck" checks that everything is there and fits; one test that runs
# the whole of it is enough.
[ -z "${REQD_DISTCHECK:-}" ] || [ "${0##*/}" = client-netcat.sh ] || skip "within distcheck"

need ps awk timeout
for one_file in "$reqd" "$reqctl" "$helpers/notify-wait" "$helpers/free-port"; do
	[ -x "$one_file" ] || fail "$one_file is not built"
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/reqd-test.XXXXXX") || fail "no temporary directory"
trap cleanup EXIT
trap interrupted INT TERM HUP
# Programs run as another account than root, which may not read the build
# directory.
chmod 755 "$dir"
if [ $is_root = yes ] && [ -x "$zoo/sleeper" ]; then
	mkdir "$dir/zoo"
	find "$zoo" -type f -perm -u+x -exec cp -t "$dir/zoo" {} +
	zoo=$dir/zoo
fi
export REQD_TEST="$dir"
conf=$dir/reqd.conf
control=$dir/control.sock
log=$dir/log
port=$("$helpers/free-port") || fail "no free port"
server=tcp://127.0.0.1:$port
: >"$log"
begin_config
