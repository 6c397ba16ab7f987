#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-web: kill -9 of a worker that speaks HTTP at any moment costs clients of RESP nothing,
# and clients of HTTP only the connections of that worker.
. "${srcdir:-.}/tests/faults/faults.sh"
need curl
need_localhost

rounds=${REQD_FAULT_ROUNDS:-6}
web=$("$helpers/free-port")
setting "listen \"http://127.0.0.1:$web\" {}"
setting "web-workers = 2"
fault_services
start_reqd
at=http://127.0.0.1:$web

two_serve() {
	[ "$(role_pids web | wc -l)" -eq 2 ]
}

answers() {
	[ "$(curl -s -m 5 -o "$dir/test/body" -w '%{http_code}' -X POST "$at/call/true")" = 200 ]
}

# Not the third time within ten seconds: that would be made to wait.
is_rested() {
	load_runs
	[ "$(awk -v since=$(($(now_ms) - 10200)) '$1 > since' "$faults" | wc -l)" -lt 2 ]
}

kill_web() {
	pid=$(role_pids web | sed -n $(((round - 1) % 2 + 1))p)
	[ -n "$pid" ] || return 1
	note_fault web 0 "$pid"
	killed_ms=$(now_ms)
	kill -KILL "$pid"
	until_true 60 answers || fail "HTTP is not served"
	echo $(($(now_ms) - killed_ms)) >>"$dir/test/serve"
	until_true 60 two_serve || fail "no new worker"
}

until_true "$patience" answers || fail "HTTP is not served"
invariants_before
start_load
for round in $(seq "$rounds"); do
	until_true 60 is_rested || fail "the workers get no rest"
	kill_web || fail "there is no worker"
	any_moment
done
stop_load

served=$(percentiles "$dir/test/serve")
note "$rounds web workers killed; HTTP is served again after (ms): $served"
step "no connection of RESP is lost" no_events lost
step "nobody has got an error" no_events error
step "no connection was refused" no_events refused
step "HTTP is served again in time" bound "HTTP" "$(word worst "$served")" 250
invariants_after
finish
