#!/bin/sh
# SPDX-License-Identifier: ISC
# log-lines: lines that the log must have, and texts that it must never have.
. "${srcdir:-.}/tests/integration/lib.sh"

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service login '"/bin/true", "{name}", "{password}"' \
    'argument "name" { type = name }' 'argument "password" { secret = yes }'
service sleeping '"/bin/sh", "-c", "exec sleep 60", "sh", "{pin}"' 'argument "pin" { secret = yes  default = 0 }'
service say '"/bin/sh", "-c", "printf \"one\\ntwo\\033[2J\\nthree\" >&2; exit 4"'
service flood "\"$zoo/flood-stderr\", \"-n\", \"200000\""
service quiet '"/bin/true"' 'log = none'
service errors '"/bin/sh", "-c", "exit {n}"' 'argument "n" {}' 'log = errors'
service out '"/bin/sh", "-c", "echo first out; echo second; exit 5"'
service sluggish '"/bin/sleep", "0.05"' 'log = errors'
service silent '"/bin/sleep", "0.05"' 'log = none'
start_reqd

logged() {
	grep -qE "$1" "$log"
}
n_logged() { # N PATTERN
	[ "$(grep -cE "$2" "$log")" -eq "$1" ]
}

# Before any other call, which a busy machine could make slow.
slow() {
	call sluggish && call silent || return 1
	cp "$conf" "$dir/base.conf"
	sed -i 's/level = info/&\n  slow = 40ms/' "$conf"
	assert_status 0 ctl reload
	assert_match "$(cat "$dir/out")" "*changed  log: slow 0s -> 40ms*"
	call sluggish && call silent || return 1
	until_true "$patience" logged 'notice: .*service=sluggish outcome=exit status=0 queued=[^ ]+ ran=[^ ]+ ' ||
	    return 1
	cp "$dir/base.conf" "$conf"
	assert_status 0 ctl reload
	call echo last >/dev/null && until_true "$patience" logged 'service=echo' || return 1
	! logged service=silent || return 1
	n_logged 1 service=sluggish
}
step "a call that takes too long is told of at notice" slow

one_line() {
	call echo "$(printf 'a\nb \033[31m "q" \\ \302\205 \377 end')" >/dev/null
	until_true "$patience" logged 'service=echo .*end' || return 1
	grep 'service=echo' "$log" | grep -qF 'a\nb' || fail "$(cat "$log")"
	# No byte of a control character, but for the ends of lines.
	! LC_ALL=C tr -d '\n\t' <"$log" | LC_ALL=C grep -q "[$(printf '\001-\037\177')]" &&
	    ! LC_ALL=C grep -q "$(printf '\377')" "$log" && ! LC_ALL=C grep -q "$(printf '\302\205')" "$log"
}
step "hostile values stay on their line" one_line

masked() {
	call login alice hunter2 || return 1
	until_true "$patience" logged 'service=login' || return 1
	logged 'service=login name=alice password=\*\*\* ' || fail "$(grep login "$log")"
	! logged hunter2
}
step "a secret is not in the log" masked

# A secret in any wrong place: of another argument, without its name, with another name,
# before or as the service's name, in questions about a service.
misplaced() {
	ctl call login 'can/ary1' alice 2>"$dir/said" && fail "a wrong name was taken"
	printf 'CALL --named login can_ary2\r\nCALL --named login canary3=canary4\r\nQUIT\r\n' |
	    by_hand -N >>"$dir/said"
	[ "$(grep -c BADARG "$dir/said")" -ge 2 ] || fail "$(cat "$dir/said")"
	ctl call login alice canary5 canary6 2>>"$dir/said" && fail "too many arguments were taken"
	! grep 'can_\?ary' "$dir/said" && ! grep 'can/ary' "$dir/said" || fail "$(cat "$dir/said")"
	ctl call canary7 login alice 2>/dev/null && fail "an unknown service was called"
	ctl describe canary8 2>/dev/null && fail "an unknown service was described"
	ctl why canary9 >/dev/null && fail "an unknown service may be called"
	until_true "$patience" logged 'outcome=badarg .*at most 2 arguments' || return 1
	until_true "$patience" logged 'outcome=denied detail="the name is not shown' || return 1
	timeout 60 "$reqctl" -s "$server" call sleeping canary0 &
	client=$!
	until_true "$patience" is_running || return 1
	ctl ps | grep canary && fail "a secret is in ps"
	ctl status --json | grep canary && fail "a secret is in status"
	kill $client
	until_true "$patience" no_programs || return 1
	! grep -E 'canary|can.ary' "$log"
}
is_running() {
	ctl ps | grep -q sleeping
}
if command -v nc >/dev/null; then
	step "a secret in a wrong place is not in the log" misplaced
fi

under_id() {
	call say >/dev/null 2>&1
	until_true "$patience" logged 'service=say .*outcome=exit status=4' || return 1
	id=$(sed -n 's/.*request=\([0-9a-f]*\) .*service=say.*/\1/p' "$log" | head -n 1)
	for text in one 'two' three; do
		logged "request=$id .*stderr=\"?$text" || fail "no '$text' under $id: $(grep "$id" "$log")"
	done
}
step "what a program says on stderr is under its id" under_id

# The error reply has the first line of stderr, and without any that of stdout; the
# record has only the former, as output is for the caller alone.
first_line() {
	printf 'CALL say\r\nCALL out\r\nQUIT\r\n' | timeout 20 nc -N 127.0.0.1 "$port" >"$dir/out"
	assert_match "$(cat "$dir/out")" '-EXIT 4 one*-EXIT 5 first out*' || return 1
	until_true "$patience" logged 'service=out .*outcome=exit status=5' || return 1
	logged 'service=say .*outcome=exit status=4.* detail=one' || fail "$(grep service=say "$log")"
	! logged 'first out'
}
if command -v nc >/dev/null; then
	step "an error has the first line of what the program said" first_line
fi

limited() {
	call flood >/dev/null 2>&1
	until_true "$patience" logged 'service=flood .*outcome' || return 1
	id=$(sed -n 's/.*request=\([0-9a-f]*\) .*service=flood.*/\1/p' "$log" | head -n 1)
	bytes=$(sed -n "s/.*request=$id .*stderr=//p" "$log" | wc -c)
	[ "$bytes" -gt 4000 ] && [ "$bytes" -lt 9000 ] || fail "$bytes bytes"
}
step "not without a limit" limited

as_wanted() {
	call quiet && call errors 0 && ! call errors 3 || return 1
	until_true "$patience" logged 'service=errors .*status=3' || return 1
	! logged 'service=quiet' && ! logged 'service=errors .*status=0'
}
step "services say what of them is logged" as_wanted

failures_are_warnings() {
	logged 'warning: .*service=errors .*status=3' && ! logged 'warning: .*status=0'
}
step "what failed is a warning" failures_are_warnings

refused() {
	call login alice >/dev/null 2>&1
	call "no such" >/dev/null 2>&1
	until_true "$patience" logged 'caller=.* service=login outcome=badarg .*missing' &&
	    until_true "$patience" logged 'caller=.* outcome=denied detail="the name is not shown' &&
	    ! logged 'no such'
}
step "who was refused is in the log" refused

# No service with a secret is left, so no name can be one.
refused_by_name() {
	cp "$conf" "$dir/with-secrets"
	sed -i '/^service "\(login\|sleeping\)"/,/^}/d' "$conf"
	ctl reload || return 1
	call "no such" >/dev/null 2>&1
	until_true "$patience" logged 'caller=.* service="no such" outcome=denied' || return 1
	cp "$dir/with-secrets" "$conf"
	ctl reload
}
step "without secrets the log has the name, too" refused_by_name
step "stops" stop_reqd

# The same as JSON: every line is one object.
need python3
: >"$log"
sed -i 's/level = info/level = info\n  format = json/' "$conf"
start_reqd
all_json() {
	call echo "$(printf 'a\nb \033[31m "q" \\ \302\205 \377 end')" >/dev/null
	call login alice hunter2
	call say >/dev/null 2>&1
	until_true "$patience" logged '"service":"say".*"outcome":"exit","status":4' || fail "$(cat "$log")"
	! logged hunter2 || return 1
	grep '^{' "$log" >"$dir/json"
	[ "$(wc -l <"$dir/json")" -eq "$(wc -l <"$log")" ] || fail "$(cat "$log")"
	while read -r line; do
		printf '%s\n' "$line" | python3 -m json.tool >/dev/null || fail "$line"
	done <"$dir/json"
}
step "every line of a JSON log is one object" all_json
step "no line in it but those" stop_reqd

# A log process that dies loses no record: they wait in their sockets.
sed -i 's/format = json//' "$conf"
: >"$log"
start_reqd
kills=yes
keeps() {
	log_pid=$(role_pids log)
	kill -STOP "$log_pid"
	for n in 1 2 3 4 5; do
		call echo "before-$n" >/dev/null || return 1
	done
	kill -KILL "$log_pid"
	for n in 1 2 3 4 5; do
		until_true "$patience" n_logged 1 " text=before-$n " || fail "lost: $n: $(cat "$log")"
	done
}
step "records are kept over the death of the log" keeps
finish
