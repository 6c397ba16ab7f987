#!/bin/sh
# SPDX-License-Identifier: ISC
# handler-zoo: handlers that misbehave. Each mistake is one error for the one
# request that met it; the next request finds a sound process.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 redis-cli

animal="\"/usr/bin/python3\", \"$dir/handler.py\""
cp "$top_srcdir/tests/zoo/handler.py" "$dir/handler.py"
args='argument "word" { repeat = yes  dash = yes  max-length = 1M }'
pool='processes { min = 0  max = 1  idle = 300ms }'
handler zoo "$animal" "$args" "$pool" 'timeout = 10s' 'output-limit = 1M'
handler brief "$animal" "$args" "$pool" 'timeout = 1s'
handler heavy "$animal" "$args" 'processes { min = 0  max = 1  idle = 8s  memory = 64M }'
handler asked "$animal" "$args" "$pool" 'ready = ping'
handler loose "$animal" "$args" 'processes { min = 0  max = 1  idle = 1s }'
handler hopeless '"/bin/false"' "$args" "$pool"
handler context "$animal" "$args" "$pool" 'context = yes'
kills=yes
start_reqd

cli() {
	redis-cli --no-raw -p "$port" CALL "$@" 2>&1
}
answers() { # SERVICE
	assert_match "$(cli "$1" well)" '1) "well"*2) (integer) [0-9]*'
}
# One request meets the mistake, and the next a sound process.
mistake() { # SERVICE WORD PATTERN
	assert_match "$(cli "$1" "$2")" "$3" && answers "$1"
}

step "a sound one" answers zoo
step "the same process serves again" assert_eq "$(cli zoo a | tail -1)" "$(cli zoo a | tail -1)"
step "text before the reply" mistake zoo stray '(error) HANDLER *'
step "two replies to one request" mistake zoo twice '*'
step "half a reply" mistake zoo half '(error) HANDLER *'
step "nested too deeply" mistake zoo deep '(error) HANDLER *'
step "more than its limit" mistake zoo flood '(error) TOOBIG *'
step "a line without end" mistake zoo endless '(error) *'
step "killed" mistake zoo die '(error) HANDLER *'
step "sleeps over the deadline" mistake brief sleep '(error) TIMEOUT *'
step "closes its stdout" mistake brief close '(error) *'
step "an error that clients would act on" mistake zoo moved '(error) ERR *'
# A request that meets it in the middle of leaving is lost with it.
is_well() {
	case $(cli zoo well) in
	'1) "well"'*) ;;
	*) return 1 ;;
	esac
}
leaves() {
	assert_eq "$(cli zoo leave)" bye && until_true "$patience" is_well
}
step "leaves in good order" leaves
step "asked whether it answers" answers asked
step "stderr is in the log, under its service" sh -c "
	'$reqctl' -s 'tcp://127.0.0.1:$port' call zoo complain >/dev/null"
step "... with the id of the request" until_true "$patience" \
    grep -qE 'request=[0-9a-f]{16} .*service=zoo .*something is odd' "$log"

status_says() {
	"$reqctl" --control "$control" --json status | tr -d ' \n' | grep -qE "$1"
}
# As it says so itself when nobody has asked, it is not asked again.
unasked() {
	assert_eq "$(cli loose later)" now || return 1
	until_true "$patience" status_says '"loose".*"died":1,.*"name":"zoo"' && answers loose
}
step "a second reply when nobody asks reaches nobody" unasked

seventh() {
	good=0
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do
		case $(cli zoo seventh) in
		'(error) HANDLER'*) ;;
		'(error)'*) return 1 ;;
		*) good=$((good + 1)) ;;
		esac
	done
	[ $good -ge 15 ] || fail "only $good of 21"
	answers zoo
}
step "dies at the seventh request, again and again" seventh

types() {
	assert_match "$(cli zoo types)" '1) int*2) (integer) 42*1) (integer) 1*2) "1.5"*3) (nil)*a\\x00b"*'
	assert_match "$(redis-cli -3 --no-raw -p "$port" CALL zoo types)" \
	    '*int*42*(true)*(double) 1.5*(nil)*a\\x00b*'
}
step "values keep their types" types

exit_status() {
	assert_status 3 "$reqctl" -s "tcp://127.0.0.1:$port" call zoo status
	assert_match "$(cat "$dir/err")" '*not today*'
}
step "an exit status" exit_status

context() {
	assert_match "$(cli context well)" '*well*'
}
step "with context" context

hopeless() {
	for _ in 1 2 3 4 5 6 7 8; do
		case $(cli hopeless x) in
		'(error) UNAVAIL'*) return 0 ;;
		'(error) HANDLER'*) ;;
		*) return 1 ;;
		esac
	done
	return 1
}
step "one that never comes up is out of order" hopeless
step "... and status says why" until_true "$patience" status_says \
    '"failing":true,"last_death":"exitstatus1beforeitsfirstanswer"'

heavy() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		cli heavy leak >/dev/null
	done
	until_true "$patience" status_says '"recycled":[1-9]' && answers heavy
}
step "one that leaks is replaced" heavy

child() {
	assert_eq "$(cli zoo child)" left
	cli zoo die >/dev/null
	answers zoo
}
step "what it has left behind goes with it" child
finish
