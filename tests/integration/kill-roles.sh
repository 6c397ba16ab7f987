#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-roles: any process of reqd may be killed at any time. Only the requests
# that it held are lost, its programs die with it, and reqd serves again.
#
# REQD_KILL_ROUNDS says how often each role is killed. The times measured are
# reported and judged by nobody.
. "${srcdir:-.}/tests/integration/lib.sh"
need nc

rounds=${REQD_KILL_ROUNDS:-10}
kills=yes
pids=$dir/pids
: >"$dir/times"

service true '"/bin/true"'
service sleeper "\"$zoo/sleeper\", \"-p\", \"$pids\""

is_replaced() { # ROLE PID N
	now_there=" $(role_pids "$1" | tr '\n' ' ')"
	case $now_there in
	*" $2 "*) return 1 ;;
	esac
	[ "$(echo "$now_there" | wc -w)" -eq "$3" ]
}

answers() {
	call true >/dev/null 2>&1
}

kill_one() { # ROLE PID
	there=$(role_pids "$1" | wc -l)
	started=$(now_ms)
	kill -KILL "$2"
	until_true 60 is_replaced "$1" "$2" "$there" || fail "no new $1"
	until_true 60 answers || fail "no answer after the death of $1"
	echo "$1 $(($(now_ms) - started))" >>"$dir/times"
}

# Connections that the role does not hold notice nothing.
kill_beside_load() { # ROLE
	"$load" -s "$server" -c 20 -d 1 PING >"$dir/load" 2>&1 &
	loader=$!
	kill_one "$1" "$(role_pids "$1")"
	wait $loader || fail "a PING was lost: $(cat "$dir/load")"
}

kill_log() {
	kill_beside_load log
}

kill_runner() {
	sleepers_start "$pids" || return 1
	kill_beside_load runner
	until_true "$patience" all_gone "$pids" || fail "its programs live on"
	sleepers_told
}

# A client that asks at the moment of the death gets no answer; later ones wait for the
# next control process.
kill_control() {
	kill_beside_load control
	ctl status >/dev/null || fail "no status after the death of control"
	# All workers answer, however young it is.
	assert_eq "$(printf 'PS\r\nQUIT\r\n' | timeout 60 nc -U "$control" | head -n 1 | tr -d '\r')" '*2'
}

kill_broker() {
	sleepers_start "$pids" || return 1
	kill_beside_load broker
	until_true "$patience" all_gone "$pids" || fail "its programs live on"
	sleepers_told
}

kill_workers() {
	sleepers_start "$pids" || return 1
	for worker in $(role_pids worker); do
		kill_one worker "$worker"
	done
	until_true "$patience" all_gone "$pids" || fail "its programs live on"
	sleepers_told
}

# Nothing of the dead is kept open. Started with all its roles, the master has
# as many descriptors as when it was young.
kill_master() {
	until_true "$patience" no_programs
	assert_eq "$(n_fds "$reqd_pid")" "$fds_of_master" "descriptors of the master"
	sleepers_start "$pids" || return 1
	started=$(now_ms)
	kill -KILL "$reqd_pid"
	wait_reqd
	status=$?
	[ $status -eq 137 ] || fail "the others did not follow their master: status $status"
	until_true "$patience" all_gone "$pids" || fail "its programs live on"
	sleepers_told
	start_reqd
	fds_of_master=$(n_fds "$reqd_pid")
	until_true 60 answers || fail "no answer after the death of the master"
	echo "master $(($(now_ms) - started))" >>"$dir/times"
}

# All connections come again and every reply is right, whatever dies.
start_reqd
fds_of_master=$(n_fds "$reqd_pid")
"$load" -R -s "$server" -c 20 -d 86400 PING >"$dir/load-all" 2>&1 &
background=$!
for round in $(seq "$rounds"); do
	step "round $round: log" kill_log
	step "round $round: runner" kill_runner
	step "round $round: broker" kill_broker
	step "round $round: control" kill_control
	step "round $round: workers" kill_workers
	step "round $round: master" kill_master
done
kill -0 "$background" || fail "the load has ended: $(cat "$dir/load-all")"
kill "$background"
wait "$background" 2>/dev/null
background=
step "stops" stop_reqd
start_reqd

for role in log runner broker control worker master; do
	sort -n -k 2 "$dir/times" | awk -v role=$role '$1 == role { t[n++] = $2 }
	    END { printf "  %s: %d kills, serving again after %d ms (median), %d ms (longest)\n",
	        role, n, t[int(n / 2)], t[n - 1] }'
done
finish
