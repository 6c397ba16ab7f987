#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-master: all processes end with the master, at once and without a trace
# that would disturb the next master.
. "${srcdir:-.}/tests/faults/faults.sh"

rounds=${REQD_FAULT_ROUNDS:-2}
fault_services
start_reqd
same_master=no
invariants_before
start_load

# Nobody accepts any more.
port_is_closed() {
	! by_hand -z -w 1 >/dev/null 2>&1
}

# notify-wait reaps them.
roles_gone() {
	for one_role_pid in $others; do
		[ ! -d "/proc/$one_role_pid" ] || return 1
	done
}

kill_master() {
	others="$(role_pids runner) $(role_pids broker) $(role_pids control) $(role_pids log) $(role_pids worker) $(programs)"
	killed=$(now_ms)
	note_fault master 0 "$reqd_pid"
	kill -KILL "$reqd_pid"
	until_true "$patience" port_is_closed || fail "somebody goes on accepting"
	echo $(($(now_ms) - killed)) >>"$dir/test/closed"
	until_true "$patience" roles_gone || fail "left: $(ps -o pid=,args= -p "$(echo $others | tr ' ' ,)")"
	echo $(($(now_ms) - killed)) >>"$dir/test/gone"
	status=0
	wait_reqd || status=$?
	assert_eq $status 137 "notify-wait, which knows of orphans"
	started=$(now_ms)
	launch_reqd
	until_true "$patience" call true >/dev/null 2>&1 || fail "does not serve"
	echo $(($(now_ms) - started)) >>"$dir/test/serve"
	until_true "$patience" load_is_back
}

# The load has found the new one.
load_is_back() {
	load_runs
	[ "$(awk -v t="$started" '$1 > t && $2 == "back"' "$dir/test/load.events" | wc -l)" -gt 20 ]
}

for _ in $(seq "$rounds"); do
	kill_master || fail "the load does not come back"
	any_moment
done
stop_load

note "$rounds masters killed"
note "no worker accepts after (ms): $(percentiles "$dir/test/closed")"
note "all are gone after (ms): $(percentiles "$dir/test/gone")"
note "started again, a command is answered after (ms): $(percentiles "$dir/test/serve")"
step "no address is in use" sh -c '! grep -i "address already in use" "$1"' - "$log"
step "nobody accepts after a second" bound closed "$(word worst "$(percentiles "$dir/test/closed")")" 1000
step "all are gone within drain-timeout" bound gone "$(word worst "$(percentiles "$dir/test/gone")")" 5000
step "started again it serves within two seconds" bound serving "$(word worst "$(percentiles "$dir/test/serve")")" 2000
invariants_after
finish
