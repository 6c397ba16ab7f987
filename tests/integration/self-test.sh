#!/bin/sh
# SPDX-License-Identifier: ISC
# self-test: "reqd --self-test" finds all in order, no process of reqd makes a call of
# the kernel that it may not make, and the test can fail. Without seccomp reqd does not
# start, and says why; without Landlock it says so in the log.
. "${srcdir:-.}/tests/integration/lib.sh"

"$reqd" -V | grep -q '^built in:.* sandbox' || skip "built without the sandbox"

self_test() {
	"$@" "$reqd" --self-test >"$dir/table" 2>&1
}

is_whole() {
	grep -q '^[0-9]* tried, 0 wrong$' "$dir/table"
}

# The table as it was, for who reads the output of a failure.
show() {
	cat "$dir/table"
	return 1
}

is_tried() { # DOOR WORDS
	grep -q "^$1  *$2  *ok$" "$dir/table" || show
}

step "the self-test passes" self_test || show
step "the table says so" is_whole
for door in tcp unix tls; do
	for words in PING INFO 'CALL echo one' 'CALL talk five' 'CALL another' 'INPUT @ chunk' \
	    'AUTH alice self-test' 'AUTH alice nonsense'; do
		step "$door: $words was tried" is_tried $door "$words"
	done
done
step "a login by token was tried" is_tried tls 'AUTH reqd_[^ ]*'
step "... and one by key" is_tried tls-key WHOAMI
step "each kind of key signs" eval 'is_tried tls-rsa PING && is_tried tls-ed PING'
for door in http https; do
	for words in 'GET /healthz' 'GET /whoami' 'POST /call/echo?text=one' 'POST /call/cat' \
	    'POST /call/talk?text=five'; do
		step "$door: $words was tried" is_tried $door "$words"
	done
done
step "https: a new service" is_tried https 'POST /call/another'
step "a reload was tried" is_tried control RELOAD
step "no call was refused" grep -q '^No process made a call' "$dir/table"
step "nothing is left behind" eval '! ls -d /tmp/reqd-self-test.* 2>/dev/null'

# A kernel that has none of it.
for call in seccomp landlock_create_ruleset; do
	"$helpers/without" $call true || skip "seccomp cannot be tried here"
done
status=0
"$helpers/without" seccomp "$reqd" -c "$conf" 2>"$dir/stderr" || status=$?
step "no start without seccomp" assert_eq "$status" 71
step "... and the reason" grep -q '^reqd: .*seccomp' "$dir/stderr"
status=0
self_test "$helpers/without" seccomp || status=$?
step "the self-test fails without seccomp" assert_eq "$status" 71

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
start_reqd "$helpers/without" landlock_create_ruleset
step "a command without Landlock" assert_eq "$(call echo hi)" hi
step "... which the log tells" grep -q 'this kernel has no Landlock' "$log"
stop_reqd
start_reqd
step "a command with all" assert_eq "$(call echo hi)" hi
finish
