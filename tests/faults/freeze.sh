#!/bin/sh
# SPDX-License-Identifier: ISC
# freeze: all processes stop, for longer than any limit on a sign of life, and
# go on in any order: no process is killed for it and no request is lost.
#
# REQD_FAULT_SECONDS is how long they stop.
. "${srcdir:-.}/tests/faults/faults.sh"

rounds=${REQD_FAULT_ROUNDS:-1}
seconds=${REQD_FAULT_SECONDS:-12}
fault_services
# With this idle-timeout reqd would close clients whose silence the freeze has caused.
sed -i "s|^listen \"tcp.*|listen \"tcp://127.0.0.1:$port\" { idle-timeout = 8s }|" "$conf"
start_reqd
invariants_before
start_load
pids_before="$reqd_pid $(role_pids runner) $(role_pids broker) $(role_pids control) $(role_pids log) $(role_pids worker)"

everybody() {
	echo "$reqd_pid"
	tree_of "$reqd_pid"
}

is_stopped() {
	case $(ps -o stat= -p "$1" 2>/dev/null) in
	'' | [TZ]*) return 0 ;;
	*) return 1 ;;
	esac
}

# Stop processes that were started meanwhile, too.
all_stopped() {
	for one_pid in $(everybody); do
		is_stopped "$one_pid" || kill -STOP "$one_pid" 2>/dev/null
	done
	for one_pid in $(everybody); do
		is_stopped "$one_pid" || return 1
	done
}

in_order() { # ROUND: forwards, backwards, or as it comes
	case $(($1 % 3)) in
	0) everybody | sort -n ;;
	1) everybody | sort -rn ;;
	2) everybody | shuf ;;
	esac
}

freeze() {
	load_runs
	until_true "$patience" all_stopped || fail "some go on"
	frozen=$(now_ms)
	until_true $((seconds + 10)) moment_has_come $((frozen + seconds * 1000))
	for one_pid in $(in_order "$1"); do
		kill -CONT "$one_pid" 2>/dev/null
	done
	until_true "$patience" thawed
}

# The oldest requests have been answered, and new ones.
thawed() {
	load_runs
	lines=$(wc -l <"$ledger")
	until_true "$patience" more_lines
}

more_lines() {
	load_runs
	[ "$(wc -l <"$ledger")" -gt $((lines + 50)) ]
}


for round in $(seq 0 $((rounds - 1))); do
	freeze "$round"
	any_moment
done
until_true $((2 * patience)) moment_has_come $(($(now_ms) + 4000))
stop_load

step "nobody was killed or has died" assert_eq \
    "$reqd_pid $(role_pids runner) $(role_pids broker) $(role_pids control) $(role_pids log) $(role_pids worker)" "$pids_before"
step "nobody was about to be" sh -c '! grep -E "killing it|killed by|no progress" "$1"' - "$log"
step "no connection was lost" no_events lost
step "no request was lost" no_events error
step "no connection was refused" no_events refused
invariants_after
finish
