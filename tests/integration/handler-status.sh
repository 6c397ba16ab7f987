#!/bin/sh
# SPDX-License-Identifier: ISC
# handler-status: reports about handlers: in reqctl status and INFO, in the log,
# and to callers whose call cannot be served.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 redis-cli

cat >"$dir/handler.py" <<'END'
import os, sys, time
requests, replies = sys.stdin.buffer, sys.stdout.buffer
while head := requests.readline():
    words = []
    for _ in range(int(head[1:])):
        words.append(requests.read(int(requests.readline()[1:]) + 2)[:-2])
    if words[1:] == [b"die"]:
        sys.exit(3)
    for _ in range(6000):
        if words[1:] != [b"wait"] or os.path.exists(sys.argv[1]):
            break
        time.sleep(0.01)
    replies.write(b"+%d\r\n" % os.getpid())
    replies.flush()
END
chmod 755 "$dir"
args='argument "word" { optional = yes }'
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
kills=yes
start_reqd

status() { # NAME KEY...: of a service or of its pool, from --json
	ctl --json status | python3 -c '
import json, sys
one = [s for s in json.load(sys.stdin)["services"] if s["name"] == sys.argv[1]][0]
for key in sys.argv[2:]:
    print(json.dumps({**one, **one.get("pool", {})}[key]))' "$@"
}
status_is() { # NAME KEY VALUE
	[ "$(status "$1" "$2")" = "$3" ]
}
info() { # KEY FIELD
	redis-cli -p "$port" INFO all | tr -d '\r' | sed -n "s/^$1:.*\b$2=\([0-9]*\).*/\1/p"
}
reload_with() { # NEW CONFIGURATION
	mv "$1" "$conf"
	ctl reload >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
}
# Also where pids are as long as Linux can make them.
fits() { # WIDTH
	sed -E 's/\bpid [0-9]+/pid 4194304/' | awk -v width="$1" 'length > width { print; bad = 1 } END { exit bad }'
}

without_handlers() {
	call echo a >/dev/null && ctl status >"$dir/status" || return 1
	fits 80 <"$dir/status" || return 1
	assert_match "$(cat "$dir/status")" '*SERVICE *CALLS FAILED REJECTED QUEUE P50 QUEUE P99 RUN P50 RUN P99*'
	! grep HANDLER "$dir/status"
}
step "without handlers there is no table of them" without_handlers

cp "$conf" "$dir/first.conf"
real_conf=$conf
conf=$dir/next.conf
cp "$real_conf" "$conf"
handler talk "\"/usr/bin/python3\", \"$dir/handler.py\", \"$dir/go\"" "$args" \
    'processes { min = 0  max = 1  idle = 1h }' 'timeout = 60s'
handler hopeless '"/bin/false"' "$args" 'processes { min = 0  max = 1 }'
as_user=
[ $is_root = no ] || as_user="user = \"$program_user\""
printf 'service "talk-secret" { command = {"/bin/true"} %s }\n' "$as_user" >>"$conf"
conf=$real_conf
reload_with "$dir/next.conf"

# Two calls of one process: the first works, the second waits.
two_calls() {
	call talk wait >"$dir/first" 2>&1 &
	first=$!
	background="$background $first"
	until_true "$patience" status_is talk busy 1 || return 1
	call talk wait >"$dir/second" 2>&1 &
	second=$!
	background="$background $second"
	until_true "$patience" status_is talk waiting 1 || return 1
	seen_ms=$(now_ms)
	call echo meanwhile >/dev/null
	waited_ms=$(($(now_ms) - seen_ms))
	touch "$dir/go"
	wait $first && wait $second || return 1
	assert_eq "$(cat "$dir/first")" "$(cat "$dir/second")"
	assert_eq "$(status talk calls)" 2
	[ "$(status talk queue_p99_usec)" -ge $((waited_ms * 1000)) ] || return 1
	[ "$(status talk run_p99_usec)" -ge $((waited_ms * 1000)) ] || return 1
	[ "$(status talk queue_usec)" -lt "$(status talk usec)" ] || return 1
	assert_eq "$(($(status talk queue_usec) + $(status talk run_usec)))" "$(status talk usec)"
}
step "waiting and working are told apart" two_calls

commands_too() {
	[ "$(status echo run_p50_usec)" -gt 0 ] && [ "$(status echo p50_usec)" -gt 0 ] &&
	    [ "$(status echo run_usec)" -lt "$(status echo usec)" ]
}
step "of commands, too" commands_too

same_in_info() {
	for field in queue_p50_usec queue_p99_usec run_p50_usec run_p99_usec started died; do
		assert_eq "$(info pool_talk $field)" "$(status talk $field)"
	done
	for what in call queue run; do
		[ -n "$(info "latency_percentiles_usec_$what|echo" p99)" ] || return 1
	done
	assert_eq "$(info 'latency_percentiles_usec_run|talk' p99)" "$(status talk run_p99_usec)"
}
step "INFO says the same" same_in_info

log_has() {
	grep -E "$1" "$log" | grep -qE "$2"
}
records() {
	pid=$(cat "$dir/first")
	until_true "$patience" log_has 'service=talk word=wait outcome=exit' \
	    "handler=$pid queued=[0-9.]+ms ran=[0-9.]+ms duration=" || return 1
	! log_has 'service=talk .*outcome=exit' ' (cpu|rss)=' || return 1
	until_true "$patience" log_has 'service=echo ' 'queued=.* ran=.* cpu=.* rss=[1-9]' || return 1
	! log_has 'service=echo ' 'handler='
}
step "the log knows the process, and is silent on what it does not know" records

# ------------------------------------------------------------- reload ---

dies() {
	assert_status 250 ctl call talk die
	until_true "$patience" status_is talk died 1 && call talk a >/dev/null &&
	    until_true "$patience" status_is talk started 2 &&
	    status_is talk last_death '"exit status 3"'
}
step "a death is counted" dies

remember() {
	status talk calls failed usec queue_usec run_usec started died recycled last_death
}
renumbered() {
	until_true "$patience" status_is talk busy 0
	remember >"$dir/before"
	sed "s|^service \"echo\"|service \"a-first\" { command = {\"/bin/true\"} allow = {\"local\"} $as_user }\n&|" \
	    "$conf" >"$dir/next.conf"
	reload_with "$dir/next.conf"
	remember >"$dir/after"
	call a-first || return 1
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")" && assert_eq "$(status a-first calls)" 1
}
step "a reload that gives other numbers to services keeps what was counted" renumbered

replaced() {
	remember >"$dir/before"
	sed 's/max = 1  idle = 1h/max = 2  idle = 1h/' "$conf" >"$dir/next.conf"
	reload_with "$dir/next.conf"
	remember >"$dir/after"
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
}
step "... and one that changes the service" replaced

one_worker() {
	[ "$(role_pids worker | wc -l)" -eq 1 ]
}
fewer_workers() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		call echo again >/dev/null
	done
	remember >"$dir/before"
	status echo calls >>"$dir/before"
	sed 's/^workers = .*/workers = 1/' "$conf" >"$dir/next.conf"
	reload_with "$dir/next.conf"
	until_true "$patience" one_worker || return 1
	sed '/a-first/d' "$conf" >"$dir/next.conf"
	reload_with "$dir/next.conf"
	sed 's/^workers = .*/workers = 2/' "$conf" >"$dir/next.conf"
	reload_with "$dir/next.conf"
	remember >"$dir/after"
	status echo calls >>"$dir/after"
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
}
step "... and those that take a worker away and bring it back" fewer_workers

other() { # ROLE
	remember >"$dir/before"
	old=$(role_pids "$1")
	kill -KILL "$old"
	until_true "$patience" gone "$old"
	until_true "$patience" sh -c "'$reqctl' --control '$control' --json status |
	    tr -d ' ' | grep -q '\"$1\":{[^}]*\"state\":\"serving\"'" || return 1
	until_true "$patience" sh -c "test \"\$(cat '$dir/before')\" = '$(remember)'" || {
		remember | diff "$dir/before" -
		return 1
	}
}
step "... and the death of the runner" other runner
step "... and of the broker" other broker

# ------------------------------------------------------- out of order ---

out_of_order() {
	for _ in 1 2 3 4 5 6 7 8; do
		status=0
		call hopeless x >"$dir/out" 2>"$dir/err" || status=$?
		[ $status -eq 250 ] || break
	done
	[ $status -eq 249 ] || return 1
	grep -qE '^reqctl: hopeless: cannot serve now: its handler does not stay up: (ended before its first answer|exit status 1 before its first answer); tried again (now|in (less than 1|[0-9]+) s)$' "$dir/err" ||
	    fail "$(cat "$dir/err")"
}
step "who calls a service out of order learns why" out_of_order

asked_why() {
	for caller in '' uid:1; do
		# shellcheck disable=SC2086
		assert_status 249 ctl why hopeless $caller
		assert_match "$(cat "$dir/out")" \
		    '*Calls of hopeless are refused now: its handler does not stay up: *; tried again *.*'
	done
	assert_status 0 ctl why talk
	! grep 'refused now' "$dir/out"
}
step "... and who asks why" asked_why

why_not() {
	assert_status 247 ctl why talk-secret
	assert_match "$(cat "$dir/out")" 'You may not call talk-secret: *'
	assert_eq "$(cat "$dir/err")" ''
	assert_status 247 ctl why talk-secret uid:1
	assert_match "$(cat "$dir/out")" 'The caller uid:1 may not call *'
	assert_status 247 ctl --json why talk-secret uid:1
	assert_eq "$(json_keys <"$dir/out")" 'caller outcome service why'
	assert_status 0 ctl why talk-secret uid:0
	# An account, a number and an address are understood, too.
	assert_status 0 ctl why talk-secret root
	assert_status 247 ctl why talk-secret daemon
	assert_match "$(cat "$dir/out")" "The caller uid:1 may not*"
	assert_status 247 ctl why talk-secret 1
	assert_match "$(cat "$dir/out")" "The caller uid:1 may not*"
	assert_status 247 ctl why talk-secret 10.1.2.3
	assert_match "$(cat "$dir/out")" "The caller addr:10.1.2.3 may not*"
	assert_status 247 ctl why talk-secret ::1
	assert_status 255 ctl why talk-secret no-such-account
	assert_match "$(cat "$dir/err")" "reqctl: there is no account 'no-such-account'; *"
	assert_status 247 ctl why no-such uid:0
}
json_keys() {
	python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)))'
}
step "why ends as the call would" why_not

in_status() {
	[ "$(status hopeless failing)" = true ] && [ "$(status hopeless failing_usec)" -gt 0 ] &&
	    [ "$(status hopeless next_try_usec)" -ge 0 ] || return 1
	assert_eq "$(status talk failing_usec)" null
	assert_eq "$(status talk next_try_usec)" null
	assert_eq "$(info pool_hopeless failing)" 1
	ctl status >"$dir/status" || return 1
	grep -qE '^talk-secret +0 +0 +0( +-){4}$' "$dir/status" &&
	    grep -qE '^hopeless +failing ' "$dir/status" && grep -qE '^talk +ok ' "$dir/status" &&
	    grep -qE '^HANDLER +FAILING NEXT TRY LAST DEATH' "$dir/status" &&
	    grep -qE '^hopeless +[0-9.ms]+ +([0-9.ms]+|now) [0-9.ms]+ ago: ' "$dir/status" &&
	    grep -qE '^talk +- +- [0-9.ms]+ ago: exit status 3$' "$dir/status" &&
	    fits 80 <"$dir/status" || fail "$(cat "$dir/status")"
}
step "... and the status, in 80 columns" in_status

on_a_terminal() {
	script -qec "stty cols 80; '$reqctl' --control '$control' status" /dev/null </dev/null |
	    tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g' >"$dir/terminal"
	fits 80 <"$dir/terminal" && grep -q '^hopeless ' "$dir/terminal" || fail "$(cat "$dir/terminal")"
}
if command -v script >/dev/null; then
	step "... of a terminal, too" on_a_terminal
fi

# ------------------------------------------------------- did you mean ---

meant() { # WORDS OF MESSAGE, COMMAND...
	message=$1
	shift
	assert_status 247 ctl "$@"
	assert_eq "$(cat "$dir/err")" "reqctl: $message"
}
did_you_mean() {
	meant "unknown service 'ehco'; did you mean 'echo'?" call ehco a
	meant "unknown service 'ehco'; did you mean 'echo'?" call -i /dev/null ehco a
	meant "unknown service 'ehco'; did you mean 'echo'?" call ehco --text=a
	meant "unknown service 'ehco'; did you mean 'echo'?" describe ehco
	meant "unknown service 'hope'; did you mean 'hopeless'?" call hope
	meant "unknown service 'xyzzy'" call xyzzy
	assert_status 247 ctl -q call ehco a
	assert_eq "$(cat "$dir/err")" ''
	assert_status 247 ctl why ehco
	assert_match "$(cat "$dir/err")" "*did you mean 'echo'?*"
	assert_status 246 ctl call echo --txt=a
	assert_match "$(cat "$dir/err")" '*did you mean --text?*'
	assert_status 255 ctl statsu
	assert_match "$(cat "$dir/err")" "*did you mean 'status'?*"
}
step "a slip is recognized" did_you_mean

no_leak() {
	meant "unknown service 'talk-secre'" call talk-secre
	meant "unknown service 'talk-secret'" call talk-secret
}
step "what one may not call is never suggested" no_leak
reload_with "$dir/first.conf"
finish
