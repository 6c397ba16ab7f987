#!/bin/sh
# SPDX-License-Identifier: ISC
# top: reqctl top on a terminal of 80 columns, in a pipe, and as JSON; over the end of the
# server and its own.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 tmux

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service a-service-with-a-name-that-is-too-long '"/bin/true"'
# Sleeps, or waits until somebody writes to the pipe "go". The end of what another call has
# read may be seen first.
cat >"$dir/slow.sh" <<'END'
case $1 in
hold)
	for _ in 1 2 3 4 5; do
		read -r _ <"${0%/*}/go" && exit
	done
	exit 1
	;;
*) sleep "$1" ;;
esac
END
mkfifo "$dir/go"
chmod 666 "$dir/go"
chmod 755 "$dir"
service slow "\"/bin/sh\", \"$dir/slow.sh\", \"{t}\"" 'argument "t" {}' 'concurrency = 1' \
    'queue-timeout = 60s'
start_reqd

# await COMMAND...: the test fails where it never becomes true.
await() {
	until_true "$patience" "$@" || fail "waited in vain for: $*"
}

# ----------------------------------------------------------- no terminal ---

one_table() {
	ctl top --once -d 0.2 >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	grep -q '^SERVICE  *RATE  *RUN  *WAIT  *FAIL/S  *P50  *P99 RATES$' "$dir/out" ||
	    fail "$(cat "$dir/out")"
	assert_eq "$(grep -c '^worker ' "$dir/out")" 2
	grep -q '^echo ' "$dir/out" || fail "$(cat "$dir/out")"
	[ "$(awk 'length > 80' "$dir/out" | wc -l)" -eq 0 ] || fail "$(awk 'length > 80' "$dir/out")"
	grep -q "$(printf '\033')" "$dir/out" && fail "escapes in a pipe"
	return 0
}
step "--once prints one table" one_table

# Two tables, then the reader goes away: top ends.
tables_in_a_pipe() {
	ctl top -d 0.1 2>"$dir/err" | awk '/^SERVICE/ && ++n == 2 { exit }'
	assert_eq "$(cat "$dir/err")" ""
}
ends_by_time() {
	ctl -t 1 --json top -d 0.1 >"$dir/out" 2>&1 || fail "status $?"
	[ "$(wc -l <"$dir/out")" -ge 2 ] || fail "$(cat "$dir/out")"
}
step "-t ends it" ends_by_time
step "in a pipe, tables follow each other" tables_in_a_pipe

# Fast calls before, slow ones while top looks: times and rates are of the interval.
json_lines() {
	for _ in 1 2 3 4 5 6 7 8; do
		call slow 0.01 >/dev/null || fail "no call"
	done
	"$reqctl" --control "$control" --json top -d 0.2 >"$dir/json" 2>&1 &
	looking=$!
	await test -s "$dir/json"
	call slow hold >/dev/null &
	one=$!
	call slow hold >/dev/null &
	two=$!
	# For two intervals at least.
	await seen 's["running"] == 1 and s["waiting"] == 1' 3
	# The order of the two is open.
	echo now >"$dir/go"
	await one_runs
	echo now >"$dir/go"
	wait $one || fail "a call has failed"
	wait $two || fail "a call has failed"
	# Of all ten calls, half were faster.
	await seen 's["p50_usec"] is not None and s["p50_usec"] >= 300000 and s["rate"] > 0' 1
	kill $looking
	wait $looking 2>/dev/null
	return 0
}
one_runs() {
	[ "$(ctl ps slow | cut -f 3)" = running ]
}
seen() { # CONDITION TIMES
	python3 -c '
import json, sys
condition = compile(sys.argv[2], "condition", "eval")
left = int(sys.argv[3])
for line in open(sys.argv[1]):
    if not line.endswith("\n"):
        continue
    j = json.loads(line)
    assert {"pid", "interval_usec", "workers", "services"} <= set(j), j
    for s in j["services"]:
        left -= s["name"] == "slow" and eval(condition, {"s": s})
sys.exit(0 if left <= 0 else 1)' "$dir/json" "$1" "$2"
}
step "--json: a line for each look, of that interval" json_lines

no_server() {
	status=0
	"$reqctl" --control "$dir/nothing.sock" top --once >"$dir/out" 2>&1 || status=$?
	assert_eq "$status" 254
	status=0
	ctl top -d 0.001 >"$dir/out" 2>&1 || status=$?
	assert_eq "$status" 255
}
step "without a server, or with a wrong time: an error" no_server

# -------------------------------------------------------------- terminal ---

# A tmux of this test's own, in an environment without the user's settings.
tm() {
	env -u TMUX tmux -u -S "$dir/tmux" -f /dev/null "$@"
}
screen() {
	tm capture-pane -p -t top
}
shows() { # PATTERN
	screen | grep -q -e "$1"
}
begin_top() {
	tm new-session -d -s top -x 80 -y 24 \
	    "PS1='ready> ' exec env -u ENV LC_ALL=C.UTF-8 sh -i" || fail "tmux does not start"
	await shows 'ready>'
	tm send-keys -t top "stty -a >$dir/before; $reqctl --control $control top -d 0.2" Enter
	await shows '^q quit'
}
# The prompt is back, the cursor is there, and the line has its former modes.
is_restored() {
	await shows 'ready>'
	shows '^q quit' && { screen; fail "the screen is still that of top"; }
	[ "$(tm display -p -t top '#{cursor_flag} #{alternate_on}')" = "1 0" ] ||
	    fail "cursor, screen: $(tm display -p -t top '#{cursor_flag} #{alternate_on}')"
	rm -f "$dir/after"
	# An interactive shell has the same modes each time that it runs a command.
	tm send-keys -t top "stty -a >$dir/after; echo d''one" Enter
	await test -s "$dir/after"
	await shows '^done'
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
	tm send-keys -t top "clear" Enter
	await is_cleared
}
is_cleared() {
	[ "$(screen | grep -c .)" -le 1 ] && shows 'ready>'
}
top_again() {
	tm send-keys -t top "$reqctl --control $control top -d 0.2" Enter
	await shows '^q quit'
}

fits_80_columns() {
	begin_top
	await shows '^SERVICE'
	screen >"$dir/screen"
	assert_eq "$(grep -c '^SERVICE\|^q quit\|^reqd ' "$dir/screen")" 3
	assert_eq "$(grep -c '^worker ' "$dir/screen")" 2
	assert_eq "$(sed -n 24p "$dir/screen" | cut -c 1-6)" 'q quit'
	grep -q '^a-service-with-a~ ' "$dir/screen" || fail "$(cat "$dir/screen")"
	await shows '▁$'
	# The newest rate stands in the last column.
	screen | python3 -c '
import sys
sys.stdin.reconfigure(encoding="utf-8")
rows = [l.rstrip("\n") for l in sys.stdin]
assert all(len(r) <= 80 for r in rows), rows
assert max(len(r) for r in rows if "▁" in r) == 80, rows' || fail "wrong width"
}
step "the screen is 80 columns wide" fits_80_columns

sorts() {
	shows '\[r rate\]' || fail "$(screen)"
	tm send-keys -t top n
	await shows '\[n name\]'
	assert_eq "$(screen | awk '/^SERVICE/ { getline; print $1 }')" a-service-with-a~
	call slow hold >/dev/null 2>&1 &
	caller=$!
	tm send-keys -t top b
	await first_is slow
	echo now >"$dir/go"
	wait $caller || fail "the call has failed"
	ctl drain slow --text 'for a look' >/dev/null
	await shows '^slow *D '
	ctl resume slow >/dev/null
}
first_is() { # SERVICE
	[ "$(screen | awk '/^SERVICE/ { getline; print $1 }')" = "$1" ]
}
step "keys sort, and marks stand behind names" sorts

quits() {
	tm send-keys -t top q
	is_restored
}
step "q ends it, and the terminal is as before" quits

# Prints the pid of the running top.
top_pid() {
	pgrep -f -- "reqctl --control $control top" | head -1
}
ends_by_signals() {
	for sig in TERM HUP QUIT; do
		top_again
		kill -$sig "$(top_pid)"
		is_restored
	done
	top_again
	tm send-keys -t top C-c
	is_restored
}
step "every signal gives the terminal back" ends_by_signals

is_stopped_and_goes_on() {
	top_again
	tm send-keys -t top C-z
	await shows 'ready>'
	tm send-keys -t top fg Enter
	await shows '^q quit'
	await shows '^SERVICE'
	tm send-keys -t top q
	is_restored
}
step "it can be stopped and go on" is_stopped_and_goes_on

server_goes_and_comes() {
	top_again
	stop_reqd || fail "status $?"
	await shows '^no answer from reqd, trying again'
	launch_reqd
	await shows '^q quit'
	await shows 'serving'
	await no_programs
	# The old connection is gone, and the new one works.
	call echo hi >/dev/null
	tm send-keys -t top q
	is_restored
	fds_before=$(settled_fds)
}
step "a server that goes is waited for" server_goes_and_comes
tm kill-server

finish
