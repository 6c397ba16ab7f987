#!/bin/sh
# SPDX-License-Identifier: ISC
# one-of-a-kind: kills the process of a role that has only one, again and again.
# The script that reads this file sets role before.
. "${srcdir:-.}/tests/faults/faults.sh"

rounds=${REQD_FAULT_ROUNDS:-2}
fault_services
start_reqd
invariants_before
start_load

sleepers_end() {
	until_true "$patience" all_gone "$dir/test/pids" || fail "what the $role had started lives on"
	echo $(($(now_ms) - killed)) >>"$dir/test/gone"
	sleepers_told
}

kill_it() {
	pid=$(serving "$role" 0)
	[ -n "$pid" ] || return 1
	sleepers_start "$dir/test/pids" || return 1
	note_fault "$role" 0 "$pid"
	killed=$(now_ms)
	kill -KILL "$pid"
	sleepers_end
	until_true 60 is_succeeded "$role" 0 "$pid" || fail "no new $role"
}

is_rested() {
	load_runs
	[ "$(awk -v since=$(($(now_ms) - 10200)) '$1 > since' "$faults" | wc -l)" -lt 2 ]
}

for _ in $(seq "$rounds"); do
	until_true 60 is_rested || fail "the $role gets no rest"
	kill_it || fail "no $role serves"
	any_moment
done
stop_load

# Errors of the moment and no others: what was lost, and what found no process of the role.
odd_errors() {
	events error | awk '$6 != "LOST" && $6 != "UNAVAIL" && $6 != "NOSTART" && $6 != "BUSY" && $6 != "HANDLER"'
}

time_to_serve >"$dir/test/serve"
served=$(percentiles "$dir/test/serve")
note "$rounds times the $role was killed; a new one serves after (ms): $served"
note "what it ran is gone after (ms): $(percentiles "$dir/test/gone")"
events error | awk '{ n[$3 " " $6]++; if ($5 > worst) worst = $5 }
    END { for (k in n) printf "  errors: %d %s\n", n[k], k; printf "  the latest after %s ms\n", worst + 0 }'
events error | awk '{ print $5 }' >"$dir/test/errors"
step "no connection is lost" no_events lost
step "no builtin has got an error" no_events error builtin
step "no connection was refused" no_events refused
step "errors say what has happened" assert_eq "$(odd_errors)" ""
step "an error comes at once" bound "latest error" "$(word worst "$(percentiles "$dir/test/errors")")" 1000
step "commands are answered at once" bound "latest answer" "$(load_word command worst_ms)" 1000
step "handlers, too" bound "latest answer" "$(load_word handler worst_ms)" 1000
step "what it ran goes with it" bound "its children" "$(word worst "$(percentiles "$dir/test/gone")")" 5000
step "a new one serves in time" bound "new $role" "$(word worst "$served")" 200
invariants_after
finish
