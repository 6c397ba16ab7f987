#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-control: kill -9 of the control process ends the connections of its own clients
# and is nothing to anybody else.
. "${srcdir:-.}/tests/faults/faults.sh"

rounds=${REQD_FAULT_ROUNDS:-4}
fault_services
start_reqd
# Each process keeps the last eight configurations.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	ctl reload >/dev/null || fail "no reload"
done
invariants_before
start_load

is_rested() {
	load_runs
	[ "$(awk -v since=$(($(now_ms) - 10200)) '$1 > since' "$faults" | wc -l)" -lt 2 ]
}

# A reload is under way, or about to be asked for. Whoever asks next is answered.
kill_control() {
	pid=$(serving control 0)
	[ -n "$pid" ] || return 1
	ctl reload >/dev/null 2>&1 &
	client=$!
	note_fault control 0 "$pid"
	kill -KILL "$pid"
	wait $client
	until_true 60 is_succeeded control 0 "$pid" || fail "no new control"
	ctl reload >"$dir/test/reload" 2>&1 || fail "no reload: $(cat "$dir/test/reload")"
}

for _ in $(seq "$rounds"); do
	until_true 60 is_rested || fail "control gets no rest"
	kill_control || fail "no control serves"
	any_moment
done
stop_load

time_to_serve >"$dir/test/serve"
served=$(percentiles "$dir/test/serve")
note "$rounds times control was killed; a new one serves after (ms): $served"
step "no connection is lost" no_events lost
step "nobody has got an error" no_events error
step "no connection was refused" no_events refused
step "a new one serves in time" bound "new control" "$(word worst "$served")" 200
invariants_after
finish
