#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-worker: kill -9 of a worker at any moment costs only the connections of
# that worker.
. "${srcdir:-.}/tests/faults/faults.sh"

rounds=${REQD_FAULT_ROUNDS:-8}
fault_services
start_reqd
invariants_before
start_load

kill_worker() { # SLOT
	pid=$(serving worker "$1")
	[ -n "$pid" ] || return 1
	note_fault worker "$1" "$pid"
	kill -KILL "$pid"
	until_true 60 is_succeeded worker "$1" "$pid" || fail "no new worker $1"
}

# Not the third time within ten seconds: that would be made to wait.
slot_is_rested() { # SLOT
	load_runs
	[ "$(awk -v since=$(($(now_ms) - 10200)) -v slot="$1" '$1 > since && $3 == slot' "$faults" |
	    wc -l)" -lt 2 ]
}

for round in $(seq "$rounds"); do
	slot=$(((round - 1) % workers))
	until_true 60 slot_is_rested $slot || fail "worker $slot gets no rest"
	kill_worker $slot || fail "worker $slot does not serve"
	any_moment
done
stop_load

time_to_serve >"$dir/test/serve"
served=$(percentiles "$dir/test/serve")
note "$rounds workers killed; a new one serves after (ms): $served"
note "connections lost, again answered after (ms): $(grep kind=connections "$dir/test/load.out")"
step "only connections of the killed were lost" assert_eq "$(lost_beside 1)" ""
step "nobody has got an error" no_events error
step "no connection was refused" no_events refused
step "a new one serves in time" bound "new worker" "$(word worst "$served")" 150
step "who was lost is served again in time" bound "reconnect, p99" "$(load_word connections back_p99_ms)" 50
invariants_after
finish
