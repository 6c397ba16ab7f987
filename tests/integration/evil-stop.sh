#!/bin/sh
# SPDX-License-Identifier: ISC
# evil-stop: a worker that has been taken over, and hears nothing any more, keeps
# neither reqd from its stop nor a port after it; nor after the death of the master.
workers=2
log_level=notice
. "${srcdir:-.}/tests/integration/lib.sh"

kills=yes
[ -x "$helpers/reqd-evil" ] || fail "reqd-evil is not built"
cp "$helpers/reqd-evil" "$dir/reqd"
reqd=$dir/reqd
mkdir "$dir/evil"
: >"$dir/evil/events"
chmod 777 "$dir/evil"
chmod 666 "$dir/evil/events"

service true '"/bin/true"'

# told PID WORDS: the worker has written them.
told() {
	grep -q "^[0-9]* 0 $1 $2" "$dir/evil/events"
}

# The first worker keeps all that it has.
deafen() {
	evil_pid=$(role_pids worker | while read -r one_pid; do
		! told "$one_pid" ready || echo "$one_pid"
	done)
	echo keeps_the_port | tr -d '\n' >"$dir/evil/order"
	mv "$dir/evil/order" "$dir/evil/attack.0"
	until_true "$patience" told "$evil_pid" 'note deaf'
}

start_reqd
deafen
step "a stop ends a worker that does not hear" stop_reqd
step "the worker is gone" gone "$evil_pid"
step "the port is free" start_reqd
deafen
kill -KILL "$reqd_pid"
wait "$waiter_pid"
waiter_pid=
step "the worker ends with the master" until_true "$patience" gone "$evil_pid"
step "all ends with the master" until_true "$patience" nothing_left
step "the port is free again" start_reqd
finish
