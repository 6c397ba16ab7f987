#!/bin/sh
# SPDX-License-Identifier: ISC
# drain: reqctl drain, pause, resume and log-level, in every process, over reloads and over
# the deaths of workers, broker and control.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 redis-cli

# Shows its pid, then waits until somebody writes to the pipe "go" beside it.
cat >"$dir/wait.sh" <<'END'
echo $$ >>"${0%/*}/pids"
read -r _ <"${0%/*}/go"
echo went
END
mkfifo "$dir/go"
# Answers with its pid.
cat >"$dir/warm.py" <<'END'
import os, sys
requests, replies = sys.stdin.buffer, sys.stdout.buffer
while True:
    head = requests.readline()
    if not head:
        break
    for _ in range(int(head[1:])):
        requests.read(int(requests.readline()[1:]) + 2)
    replies.write(b"+%d\r\n" % os.getpid())
    replies.flush()
END
setting "listen \"unix://$dir/web.sock\" { protocol = http }"
setting "web-workers = 1"
: >"$dir/pids"
chmod 755 "$dir"
chmod 666 "$dir/pids" "$dir/go"
kills=yes
service echo '"/bin/echo", "{text}"' 'argument "text" {}' 'summary = "Says it again"'
service waits "\"/bin/sh\", \"$dir/wait.sh\"" 'queue-timeout = 60s' 'timeout = 10m'
handler warm "\"/usr/bin/python3\", \"$dir/warm.py\"" 'queue-timeout = 60s' \
    'processes { min = 0  max = 2  idle = 100ms }'
start_reqd

# await COMMAND...: the test fails where it never becomes true.
await() {
	until_true "$patience" "$@" || fail "waited in vain for: $*"
}

# Prints the status of an answer of HTTP.
web() { # METHOD PATH
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(f"{sys.argv[2]} {sys.argv[3]} HTTP/1.1\r\nHost: localhost\r\n"
          "Content-Length: 0\r\n\r\n".encode())
print(s.recv(65536).split()[1].decode())' "$dir/web.sock" "$1" "$2"
}

raw() { # WORD...
	redis-cli -h 127.0.0.1 -p "$port" --no-auth-warning "$@" 2>&1
}

refuses() { # SERVICE TEXT
	status=0
	call "$1" hi >"$dir/out" 2>&1 || status=$?
	assert_eq "$status" 248
	grep -q "not started, drained: $2" "$dir/out" || fail "$(cat "$dir/out")"
}

drains_one() {
	ctl drain echo --text 'the disk moves' >"$dir/out" || fail "$(cat "$dir/out")"
	assert_eq "$(cat "$dir/out")" 'echo: drained, new calls are refused'
	refuses echo 'the disk moves'
	assert_eq "$(raw CALL echo hi)" 'LOADING draining echo: the disk moves'
	assert_eq "$(raw PING)" PONG
	assert_eq "$(web POST '/call/echo?text=hi')" 503
	assert_eq "$(web GET /readyz)" 200
	assert_eq "$(web GET '/readyz?service=echo')" 503
	assert_eq "$(web GET '/readyz?service=waits')" 200
}
step "a drained service refuses calls, and says why" drains_one

shows_it() {
	assert_eq "$(ctl list echo)" "$(printf 'echo\t(drained: the disk moves) Says it again')"
	ctl status | grep -q "^echo  *drained .* the disk moves$" || fail "$(ctl status)"
	ctl --json status | python3 -c '
import json, sys
s = {x["name"]: x for x in json.load(sys.stdin)["services"]}
assert s["echo"]["state"] == "drain" and s["echo"]["state_by"] == "uid:" + sys.argv[1], s["echo"]
assert s["echo"]["state_text"] == "the disk moves" and s["waits"]["state"] == "open", s
' "$(id -u)" || fail "status says something else"
	ctl --json describe echo | grep -q '"state": "drain"' || fail "$(ctl --json describe echo)"
	status=0
	ctl why echo >"$dir/out" 2>&1 || status=$?
	assert_eq "$status" 248
	grep -q 'an administrator has drained it .*: the disk moves' "$dir/out" ||
	    fail "$(cat "$dir/out")"
	status=0
	ctl why echo uid:1 >"$dir/out" 2>&1 || status=$?
	assert_eq "$status" 248
	grep -q "service echo is drained, by uid:$(id -u): the disk moves" "$log" ||
	    fail "not in the log"
}
step "list, status, describe, why and the log show it" shows_it

# Prints the pids of a role once they are others than those given.
replaced() { # ROLE OLD-PIDS
	new=$(role_pids "$1")
	[ -n "$new" ] || return 1
	for one_pid in $2; do
		case " $(echo $new) " in
		*" $one_pid "*) return 1 ;;
		esac
	done
}

serves() {
	ctl --json status 2>/dev/null | python3 -c '
import json, sys
s = json.load(sys.stdin)
ok = all(p["state"] == "serving" for p in s["workers"] + [s["broker"], s["control"], s["runner"]])
sys.exit(0 if ok and s["state"] == "serving" else 1)' 2>/dev/null
}

lives_over() { # ROLE
	old=$(role_pids "$1")
	for one_pid in $old; do
		kill -KILL "$one_pid"
	done
	await replaced "$1" "$old"
	await serves
	refuses echo 'the disk moves'
}
step "over a reload" ctl reload
step "... it is drained still" refuses echo 'the disk moves'
step "over the death of all workers" lives_over worker
step "over the death of the broker" lives_over broker
step "over the death of control" lives_over control

broken_reload() {
	cp "$conf" "$dir/good"
	echo nonsense >>"$conf"
	ctl reload >/dev/null 2>&1 && fail "a broken configuration was taken"
	ctl resume echo >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	assert_eq "$(call echo hi)" hi
	ctl drain echo >/dev/null
	cp "$dir/good" "$conf"
	refuses echo 'an administrator has drained it'
}
step "a broken configuration hinders no order" broken_reload

wrong_orders() {
	for words in 'drain' 'drain --all echo' 'drain nobody' 'pause' 'log-level' 'log-level loud' \
	    'log-level debug --for 0'; do
		status=0
		# shellcheck disable=SC2086
		ctl $words >"$dir/out" 2>&1 || status=$?
		[ $status -ge 240 ] || fail "'$words' ended with $status"
		[ -s "$dir/out" ] || fail "'$words' says nothing"
	done
	# Two services, of which one is not there: neither is drained.
	ctl drain waits nobody >"$dir/out" 2>&1 && fail "a service that is not there was drained"
	ctl --json status | python3 -c '
import json, sys
s = {x["name"]: x for x in json.load(sys.stdin)["services"]}
sys.exit(0 if s["waits"]["state"] == "open" else 1)' || fail "half of an order was done"
}
step "wrong orders change nothing" wrong_orders
step "resume ends it" ctl resume echo
step "... it answers" assert_eq "$(call echo hi)" hi

# ----------------------------------------------------------------- all ---

all_drained() {
	ctl drain --all --text 'back at noon' >/dev/null
	assert_eq "$(raw PING)" 'LOADING draining'
	assert_eq "$(raw PING hi)" 'LOADING draining'
	assert_eq "$(web GET /readyz)" 503
	assert_eq "$(web GET /healthz)" 200
	refuses warm 'back at noon'
	status=0
	ctl ping >"$dir/out" 2>&1 || status=$?
	assert_eq "$status" 248
	# A service that comes is drained, too.
	service late '"/bin/echo"'
	ctl reload >/dev/null || fail "no reload"
	refuses late 'back at noon'
	ctl resume late >/dev/null
	assert_eq "$(raw PING)" PONG
	assert_eq "$(web GET /readyz)" 200
	ctl resume --all >/dev/null
	assert_eq "$(raw PING)" PONG
}
step "all drained: PING is refused, and new services are drained" all_drained

# ---------------------------------------------------------------- wait ---

start_waiting() {
	: >"$dir/pids"
	call waits >"$dir/answer" 2>&1 &
	caller=$!
	await test -s "$dir/pids"
}

wait_returns_at_the_end() {
	start_waiting
	ctl drain waits --wait >"$dir/out" 2>&1 &
	waiting=$!
	await is_drained waits
	kill -0 $waiting || fail "it has not waited"
	# The call has its time, and nobody takes it away.
	status=0
	ctl -t 0.3 drain waits --wait >"$dir/out2" 2>&1 || status=$?
	[ $status -eq 240 ] || [ $status -eq 254 ] || fail "-t: status $status: $(cat "$dir/out2")"
	kill -0 $waiting || fail "it has not waited for the end"
	echo now >"$dir/go"
	wait $waiting || fail "$(cat "$dir/out")"
	gone "$(cat "$dir/pids")" || fail "the program runs still"
	wait $caller || fail "the call has failed: $(cat "$dir/answer")"
	assert_eq "$(cat "$dir/answer")" went
	ctl resume waits >/dev/null
}
is_drained() { # SERVICE
	ctl --json describe "$1" | grep -q '"state": "drain"'
}
step "drain --wait returns when the last call has ended" wait_returns_at_the_end

# --------------------------------------------------------------- pause ---

waits_in_queue() { # SERVICE N
	[ "$(ctl ps "$1" | grep -c waiting)" -eq "$2" ]
}

pauses_a_command() {
	ctl pause echo --text 'a moment' --wait >"$dir/out" || fail "$(cat "$dir/out")"
	call echo one >"$dir/one" &
	one=$!
	call echo two >"$dir/two" &
	two=$!
	await waits_in_queue echo 2
	ctl why echo >"$dir/out" || fail "a paused service is not refused"
	grep -q 'wait now: an administrator has paused it .*: a moment' "$dir/out" ||
	    fail "$(cat "$dir/out")"
	assert_eq "$(ctl ps waits)" ''
	ctl reload >/dev/null
	# Waiting calls of one service do not keep another one waiting.
	ctl pause echo --wait >"$dir/out" || fail "$(cat "$dir/out")"
	waits_in_queue echo 2 || fail "a reload has let them run"
	ctl resume echo >/dev/null
	wait $one || fail "the first call has failed"
	wait $two || fail "the second call has failed"
	assert_eq "$(cat "$dir/one" "$dir/two")" "$(printf 'one\ntwo')"
}
step "calls of a paused command wait, and run when it is resumed" pauses_a_command

pauses_a_handler() {
	call warm >"$dir/zero" || fail "$(cat "$dir/zero")"
	ctl pause warm >/dev/null
	call warm >"$dir/one" 2>&1 &
	one=$!
	call warm >"$dir/two" 2>&1 &
	two=$!
	await waits_in_queue warm 2
	ctl reload >/dev/null
	waits_in_queue warm 2 || fail "a reload has let them run"
	ctl resume warm >/dev/null
	wait $one || fail "the first call has failed: $(cat "$dir/one")"
	wait $two || fail "the second call has failed: $(cat "$dir/two")"
	[ -s "$dir/one" ] && [ -s "$dir/two" ] || fail "no answer"
}
step "calls of a paused handler wait, and run when it is resumed" pauses_a_handler

drains_what_waits() {
	ctl pause echo >/dev/null
	call echo one >"$dir/one" &
	one=$!
	await waits_in_queue echo 1
	# Calls that were let in run.
	ctl drain echo --wait >/dev/null
	wait $one || fail "the call that was let in has failed"
	assert_eq "$(cat "$dir/one")" one
	refuses echo 'an administrator has drained it'
	ctl resume --all >/dev/null
}
step "a drain lets those run that wait already" drains_what_waits

# A state is no other program: processes stay.
keeps_processes() {
	pid=$(call warm)
	ctl drain warm >/dev/null
	ctl resume warm >/dev/null
	await same_process "$pid"
}
same_process() { # PID
	[ "$(call warm)" = "$1" ] || fail "the handler was replaced"
}
sed 's/min = 0/min = 1/' "$conf" >"$dir/new.conf" && mv "$dir/new.conf" "$conf"
ctl reload >/dev/null
step "the processes of a handler stay" keeps_processes
sed 's/min = 1/min = 0/' "$conf" >"$dir/new.conf" && mv "$dir/new.conf" "$conf"
ctl reload >/dev/null

# ----------------------------------------------------------- log level ---

level_is() { # LEVEL
	[ "$(ctl --json status | python3 -c '
import json, sys
print(json.load(sys.stdin)["log_level"])')" = "$1" ]
}

level_for_a_while() {
	ctl log-level err >"$dir/out" || fail "$(cat "$dir/out")"
	level_is err || fail "the level is another one"
	n=$(wc -l <"$log")
	call echo quiet >/dev/null
	ctl status | grep -q '^log  *level err instead of info, by ' || fail "$(ctl status)"
	ctl reload >/dev/null
	level_is err || fail "a reload has changed the level"
	grep -q 'service=echo.*quiet' "$log" && fail "$n: a record is in the log"
	ctl log-level debug --for 300ms >/dev/null
	await level_is info
	await grep -q 'log level info again' "$log"
	ctl log-level warning >/dev/null
	ctl log-level configured >/dev/null
	level_is info || fail "the level of the files is not back"
	call echo loud >/dev/null
	await grep -q 'service=echo' "$log"
}
step "a level of the log, for a while" level_for_a_while

restart_forgets() {
	ctl drain --all >/dev/null
	ctl log-level debug >/dev/null
	stop_reqd || fail "status $?"
	launch_reqd
	assert_eq "$(raw PING)" PONG
	assert_eq "$(call echo hi)" hi
	level_is info || fail "the level has stayed"
	await no_programs
	fds_before=$(settled_fds)
}
step "a restart forgets it" restart_forgets

finish
