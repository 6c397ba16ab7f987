#!/bin/sh
# SPDX-License-Identifier: ISC
# handler-restart: reqctl restart replaces the processes of a handler without the
# loss of a call; and a reload says when their program has changed.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

# Answers with its version; a file beside it makes it fail in one of three ways.
program() { # VERSION
	cat >"$dir/new.py" <<END
import os, sys, time
requests, replies = sys.stdin.buffer, sys.stdout.buffer
trouble = os.path.join(os.path.dirname(sys.argv[0]), "trouble")
how = open(trouble).read().strip() if os.path.exists(trouble) else ""
if how == "ends":
    sys.exit("no such model\tanywhere")
if how == "prints":
    print("loading the model", flush=True)
while how != "sleeps":
    head = requests.readline()
    if not head:
        break
    words = []
    for _ in range(int(head[1:])):
        words.append(requests.read(int(requests.readline()[1:]) + 2)[:-2])
    replies.write(b"+$1 %d\r\n" % os.getpid())
    replies.flush()
while how == "sleeps":
    time.sleep(60)
END
	mv "$dir/new.py" "$dir/model.py"
}
program one
chmod 755 "$dir"
service echo '"/bin/echo"'
cp "$conf" "$dir/last.conf"
handler model "\"/usr/bin/python3\", \"$dir/model.py\"" 'ready = ping' \
    'processes { min = 2  max = 3  idle = 100ms  start-timeout = 2s }'
handler plain "\"/usr/bin/python3\", \"$dir/model.py\"" \
    'processes { min = 1  max = 1  idle = 100ms }'
handler idle "\"/usr/bin/python3\", \"$dir/model.py\"" \
    'processes { min = 0  max = 1  idle = 100ms }'
# Open files are counted while there are no handlers, as at the end.
cp "$conf" "$dir/full.conf"
cp "$dir/last.conf" "$conf"
start_reqd
cp "$dir/full.conf" "$conf"
ctl reload >/dev/null || exit 1

says() { # SERVICE VERSION
	assert_match "$(call "$1")" "$2 [0-9]*"
}

nothing_changed() {
	ctl reload >"$dir/out" || return 1
	! grep -q 'the program of' "$dir/out" || fail "$(cat "$dir/out")"
}
step "a reload has no note while the program is as it was" nothing_changed

changed() {
	says model one || return 1
	program two
	ctl reload >"$dir/out" || return 1
	for name in model plain; do
		grep -qF "the program of service $name has changed; 'reqctl restart $name' replaces its processes" \
		    "$dir/out" || fail "$(cat "$dir/out")" || return 1
	done
	! grep -q 'service idle' "$dir/out" || fail "$(cat "$dir/out")" || return 1
	ctl reload --check | grep -q 'the program of service model has changed' || return 1
	says model one
}
step "a reload says that the program has changed, and goes on with the old one" changed

# Calls without pause, until the file stop is there; any failure is kept.
load_on() { # SERVICE NUMBER
	for _ in $(seq 5000); do
		[ ! -e "$dir/stop" ] || return 0
		call "$1" >>"$dir/said.$1.$2" 2>>"$dir/failed" || echo "status $?" >>"$dir/failed"
	done
}
busy() { # SERVICE
	[ -s "$dir/said.$1.1" ] && [ -s "$dir/said.$1.2" ]
}
under_load() { # SERVICE N
	rm -f "$dir/stop"
	: >"$dir/failed"
	load_on "$1" 1 &
	one=$!
	load_on "$1" 2 &
	two=$!
	until_true "$patience" busy "$1"
	ctl restart "$1" >"$dir/out" 2>&1
	status=$?
	after=$(call "$1")
	: >"$dir/stop"
	wait $one $two
	assert_eq "$status" 0 || fail "$(cat "$dir/out")" || return 1
	assert_match "$after" "two [0-9]*" || fail "$(cat "$dir/out"); $(ctl status)" || return 1
	assert_match "$(cat "$dir/out")" "$1: [0-9] process* replaced" || return 1
	assert_eq "$(cat "$dir/failed")" ""
}
step "a restart under load loses no call" under_load model
step "nor where processes do not say that they are up" under_load plain

no_note_any_more() {
	ctl reload >"$dir/out" || return 1
	! grep -q 'the program of' "$dir/out" || fail "$(cat "$dir/out")"
}
step "then a reload has no note any more" no_note_any_more

without_any() {
	assert_eq "$(ctl restart idle)" "idle: 0 processes replaced" || return 1
	says idle two
}
step "where no process runs there is nothing to wait for" without_any

refusals() {
	assert_status 247 ctl restart modle || return 1
	assert_status 246 ctl restart echo
}
step "what is no handler is refused" refusals

fails() { # HOW WHY
	echo "$1" >"$dir/trouble"
	status=0
	ctl restart model >"$dir/out" 2>"$dir/err" || status=$?
	rm "$dir/trouble"
	assert_eq $status 251 || return 1
	assert_match "$(cat "$dir/err")" "reqctl: model: the new process does not come up, the old ones stay: $2" ||
	    return 1
	says model two || return 1
	ctl --json status | grep -qF "$3" || fail "$(ctl --json status | grep last_death)"
}
step "one that ends" fails ends \
    "exit status 1 before its first answer; its last line on stderr: 'no such model anywhere'" \
    'its last line on stderr'
step "one that prints something" fails prints \
    'wrote what is no reply (channel = fd3 keeps replies apart): ?loading the model?*' \
    'wrote what is no reply'
step "one that says nothing" fails sleeps 'did not answer within start-timeout (2s)*' \
    'did not answer within start-timeout (2s)'

# The server goes on when the client waits no longer.
gives_up() {
	echo sleeps >"$dir/trouble"
	told=$(grep -c 'did not answer within start-timeout (2s)' "$log")
	assert_status 254 ctl -t 300ms restart model || return 1
	assert_match "$(tail -n 1 "$dir/err")" "reqctl: model: the server goes on replacing its processes; *" ||
	    return 1
	until_true "$patience" is_told || return 1
	rm "$dir/trouble"
	says model two
}
is_told() {
	[ "$(grep -c 'did not answer within start-timeout (2s)' "$log")" -gt "$told" ]
}
step "a client that waits no longer says what goes on" gives_up

broker_dies() {
	echo sleeps >"$dir/trouble"
	ctl restart model >"$dir/out" 2>"$dir/err" &
	one=$!
	until_true "$patience" starts_another || return 1
	kill -KILL "$(ctl --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["broker"]["pid"])')"
	rm "$dir/trouble"
	status=0
	wait $one || status=$?
	assert_eq $status 251 || return 1
	assert_match "$(cat "$dir/err")" "reqctl: model: the broker has ended, *" || return 1
	until_true "$patience" says model two
}
starts_another() { # More than the two that there are.
	[ "$(ctl --json status | python3 -c '
import json, sys
print([s for s in json.load(sys.stdin)["services"] if s["name"] == "model"][0]["pool"]["processes"])')" -gt 2 ]
}

afterwards() {
	assert_match "$(ctl restart model)" "model: [0-9] process* replaced" || return 1
	# The last line on stderr may be known too late for the log; the answer has it.
	grep -qF 'exit status 1 before its first answer' "$log" || return 1
	grep -qF 'did not answer within start-timeout (2s)' "$log"
}
step "the next one is good, and the log has told of the others" afterwards
kills=yes
step "a restart whose broker dies says so" broker_dies
# So that nothing runs at the end.
cp "$dir/last.conf" "$conf"
ctl reload >/dev/null
finish
