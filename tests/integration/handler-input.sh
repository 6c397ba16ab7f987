#!/bin/sh
# SPDX-License-Identifier: ISC
# handler-input: the input of handlers, as a word of the request or pushed
# behind it in any amount; and CANCEL of their calls from everywhere.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 redis-cli

cp "$top_srcdir/tests/zoo/handler-input.py" "$dir/handler.py"
args='argument "what" {}'
pool='processes { min = 0  max = 2  idle = 5s }'
handler last "\"/usr/bin/python3\", \"$dir/handler.py\"" "$args" "$pool" 'input = optional'
handler pushed "\"/usr/bin/python3\", \"$dir/handler.py\", \"pushed\"" "$args" \
    'processes { min = 0  max = 1  idle = 5s }' 'input = pushed' 'timeout = 30s'
handler brief "\"/usr/bin/python3\", \"$dir/handler.py\", \"pushed\"" "$args" "$pool" \
    'input = pushed' 'timeout = 300ms'
service command '"/bin/sh", "-c", "read line; echo $line"' 'input = optional'
kills=yes
start_reqd

# An input that has no end as long as this test runs.
mkfifo "$dir/in"
exec 8<>"$dir/in"

zeros() { # BYTES
	head -c "$1" /dev/zero
}
# The process that answers now.
process() { # SERVICE
	call "$1" count </dev/null | cut -d ' ' -f 3
}

described() {
	assert_match "$(call pushed --help)" '*input          pushed*'
	"$reqd" -T -c "$conf" | grep -q 'input = pushed'
}
step "described as it is" described

as_a_word() {
	for service in last pushed; do
		assert_match "$(redis-cli -p "$port" CALL --stdin $service count 'two words')" 'count 9 *'
		assert_match "$(redis-cli -p "$port" CALL $service count)" 'count 0 *'
	done
}
step "with the request" as_a_word

as_it_comes() {
	for service in last pushed; do
		assert_match "$(zeros 300000 | call -i - $service count)" 'count 300000 *'
		assert_match "$(zeros 300000 | call --no-stream -i - $service count)" 'count 300000 *'
		assert_match "$(call $service count </dev/null)" 'count 0 *'
	done
}
step "as it comes" as_it_comes

too_long() {
	status=0
	zeros 2000000 | call -i - last count >"$dir/out" 2>"$dir/err" || status=$?
	assert_eq $status 246
	assert_match "$(cat "$dir/err")" '*the input is longer than a request may be*'
}
step "no word is longer than a request may be" too_long

rss_kb() {
	for one_pid in $(role_pids worker) $(role_pids runner) $(role_pids broker); do
		awk '/^VmHWM/ { print $2 }' "/proc/$one_pid/status"
	done | sort -n | tail -1
}
much=200
! is_sanitized || much=20
in_constant_memory() {
	before=$(rss_kb)
	assert_match "$(zeros ${much}M | timeout 60 "$reqctl" -s "$server" call -i - pushed count)" \
	    "count $((much * 1024 * 1024)) *"
	after=$(rss_kb)
	note "the largest process has grown from $before to $after KiB with $much MiB"
	is_sanitized || [ $((after - before)) -lt 4096 ]
}
step "any amount of it, in constant memory" in_constant_memory

shown() {
	assert_eq "$(printf 'one\ntwo\n' | call -i - pushed show | head -2)" "$(printf 'one\ntwo')"
}
step "output while the input comes" shown

early() {
	pid=$(process pushed)
	echo x >&8
	assert_match "$(call -i - pushed first <"$dir/in")" "first 2 $pid"
	assert_match "$(call -i /dev/zero pushed first)" "first [0-9]* $pid"
	assert_eq "$(process pushed)" "$pid"
}
# In every form of the result nobody waits for input that nobody wants.
early_forms() {
	for how in '' --no-stream --json; do
		for service in 'pushed first' command; do
			echo x >&8
			# shellcheck disable=SC2086
			assert_match "$(timeout 20 "$reqctl" -s "$server" call $how -i - $service \
			    <"$dir/in" || echo "status $?")" '*[fx]*'
		done
	done
}
step "... in every form of the result, as for commands" early_forms
step "an answer before its end, and the same process goes on" early

dies() {
	pid=$(process pushed)
	assert_status 250 call -i /dev/zero pushed die
	until_true "$patience" gone "$pid"
	[ "$(process pushed)" != "$pid" ]
}
step "a process that dies of it" dies

late() {
	assert_status 240 timeout 20 "$reqctl" -s "$server" call -i /dev/zero brief count
}
step "input that does not end in time" late

vanishes() {
	pid=$(process pushed)
	echo x >&8
	"$reqctl" -s "$server" call -i - pushed count <"$dir/in" >"$dir/out" 2>&1 &
	background="$background $!"
	client=$!
	until_true "$patience" runs pushed running
	kill "$client"
	until_true "$patience" gone "$pid" && [ "$(process pushed)" != "$pid" ]
}
# True if ps shows one call of a service, in that state.
runs() { # SERVICE STATE
	ctl --json ps | tr -d ' \n' | grep -q "\"service\":\"$1\",[^}]*\"state\":\"$2\""
}
field() { # SERVICE KEY
	ctl --json ps | python3 -c 'import json, sys
print(*(c[sys.argv[2]] for c in json.load(sys.stdin) if c["service"] == sys.argv[1]))' "$1" "$2"
}
step "a client that vanishes in the middle of it" vanishes

begin() { # SERVICE WHAT
	"$reqctl" -s "$server" call "$1" "$2" </dev/null >"$dir/out" 2>"$dir/err" &
	caller=$!
	background="$background $caller"
	until_true "$patience" runs "$1" running || fail "$1 does not run"
	id=$(field "$1" id)
	worker=$(field "$1" worker)
}
ended_with() { # STATUS
	status=0
	wait "$caller" || status=$?
	assert_eq $status "$1"
}
elsewhere() {
	for service in pushed last; do
		begin $service sleep
		# Another caller.
		assert_eq "$(python3 "$top_srcdir/tests/integration/cancel-elsewhere.py" \
		    "$dir/reqd.sock" "$id" "$worker")" :0
		assert_eq "$(python3 "$top_srcdir/tests/integration/cancel-elsewhere.py" \
		    "$port" "$id" "$worker")" :1
		ended_with 241
		assert_eq "$(python3 "$top_srcdir/tests/integration/cancel-elsewhere.py" \
		    "$port" "$id" "$worker")" :0
	done
}
step "CANCEL from another worker" elsewhere

killed() {
	begin last sleep
	ctl kill "$id"
	ended_with 241
}
step "reqctl kill" killed

changes() {
	(echo one; until_true "$patience" test -e "$dir/go"; echo two) |
	    call -i - pushed count >"$dir/out" 2>&1 &
	background="$background $!"
	caller=$!
	until_true "$patience" runs pushed running
	sed -i 's/"pushed"}/}/; s/input = pushed/input = optional/; s/, }/}/' "$conf"
	ctl reload >"$dir/reload" || { cat "$dir/reload"; return 1; }
	: >"$dir/go"
	ended_with 0
	assert_match "$(cat "$dir/out")" "count 8 *"
	pid=$(cut -d " " -f 3 "$dir/out")
	until_true "$patience" gone "$pid"
	assert_match "$(echo one | call -i - pushed count)" "count 4 *"
}
step "a reload that changes how it comes, in the middle of it" changes
finish
