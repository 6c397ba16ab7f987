#!/bin/sh
# SPDX-License-Identifier: ISC
# master-death: when the master is killed, everything ends within a second: the
# other processes, and programs that left their session. Files that it leaves
# disturb no later start.
. "${srcdir:-.}/tests/integration/lib.sh"

rounds=${REQD_DEATH_ROUNDS:-5}
pids=$dir/pids
service true '"/bin/true"'
service sleeper "\"$zoo/sleeper\", \"-p\", \"$pids\""
service stubborn-tree "\"$zoo/stubborn-tree\", \"-p\", \"$pids\""
service ignore-term "\"$zoo/ignore-term\", \"-p\", \"$pids\""
kills=yes

all_there() {
	[ "$(wc -l <"$pids")" -eq 9 ]
}

roles_gone() {
	for one_role_pid in $others; do
		gone "$one_role_pid" || return 1
	done
}

everything_gone() {
	roles_gone && all_gone "$pids"
}

serves_again() {
	call true && timeout 20 "$reqctl" -s "unix://$dir/reqd.sock" call true
}

kill_master() {
	: >"$pids"
	chmod 666 "$pids"
	clients=
	for name in sleeper stubborn-tree ignore-term; do
		call $name >/dev/null 2>&1 &
		clients="$clients $!"
	done
	until_true "$patience" all_there || fail "programs: $(cat "$pids")"
	others="$(role_pids runner) $(role_pids broker) $(role_pids control) $(role_pids log) $(role_pids worker)"
	began=$(now_ms)
	kill -KILL "$reqd_pid"
	until_true "$patience" everything_gone || fail "left: $(ps -o pid=,args= -p "$(echo $others | tr ' ' ,)")"
	took=$(($(now_ms) - began))
	wait_reqd
	# shellcheck disable=SC2086
	wait $clients
	note "all gone after $took ms"
	[ $took -le "${REQD_DEATH_MS:-2000}" ] || return 1
	test -S "$dir/reqd.sock" || fail "the socket file was to be left behind"
	start_reqd
	until_true "$patience" serves_again
}

start_reqd
for round in $(seq "$rounds"); do
	step "round $round: all end with the master, and it starts again" kill_master
done

# A second one beside it is told why not, and breaks nothing.
second_refused() {
	assert_status 71 timeout 20 "$reqd" -c "$1"
	assert_match "$(cat "$dir/err")" "*$2*"
	serves_again
}
step "a second one is refused" second_refused "$conf" 'Address already in use'
sed '/^listen "tcp/d' "$conf" >"$dir/second.conf"
step "also where it would take the socket file" second_refused "$dir/second.conf" \
    'another server answers there'
sed "/^listen \"unix/d; s/127.0.0.1:$port/127.0.0.1:$("$helpers/free-port")/" "$conf" >"$dir/second.conf"
step "or the control socket" second_refused "$dir/second.conf" 'control.sock: another server answers there'
finish
