#!/bin/sh
# SPDX-License-Identifier: ISC
# reqctl-check: a monitoring system reads from "reqctl check" a status of
# 0 to 3, and always a line on standard output.
. "${srcdir:-.}/tests/integration/lib.sh"
plugin_of() { # SERVICE SCRIPT [LINE...]: a service that is a few lines of shell
	name=$1
	script=$2
	shift 2
	service "$name" "\"/bin/sh\", \"-c\", \"$script\"" "$@"
}
plugin_of load "echo 'LOAD WARNING - 5.1 | load1=5.1'; echo 'second line'; exit 1"
plugin_of silent 'exit 2'
plugin_of moaning 'echo too hot >&2; exit 2'
plugin_of odd 'echo out; echo first, a/b >&2; echo second >&2; exit 42'
plugin_of pipes "printf 'a|b' >&2; exit 9"
plugin_of killed 'kill -9 0'
plugin_of flood 'yes' 'output-limit = 4K'
plugin_of slow 'exec sleep 60'
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
answers() { # SERVICE REPLY: a handler that gives every request this reply
	handler "$1" "\"/bin/sh\", \"-c\", \"while read -r a && read -r b && read -r c; do printf '$2'; done\"" \
	    'processes { min = 0  idle = 100ms }'
}
answers nothing '$-1\\r\\n'
answers empty '$0\\r\\n\\r\\n'
answers list '*0\\r\\n'
answers word '+fine\\r\\n'
start_reqd

# answer STATUS LINE WORDS...: standard output and status, nothing on standard error
answer() {
	want_status=$1
	want=$2
	shift 2
	status=0
	"$reqctl" -s "$server" check "$@" >"$dir/out" 2>"$dir/err" || status=$?
	assert_match "$(cat "$dir/out")" "$want" || return 1
	assert_eq "$status" "$want_status" || return 1
	assert_eq "$(cat "$dir/err")" ''
}

plugin() {
	answer 1 'LOAD WARNING - 5.1 | load1=5.1
second line' load
	answer 0 hi echo hi
	answer 0 hi echo --text=hi
}
step "a plugin's result is passed on as it is" plugin

without_words() {
	answer 2 'CRITICAL - silent: exit status 2 | time=0.*' silent
	answer 2 'CRITICAL - moaning: too hot | time=0.*' moaning
}
step "a status without output gets a line" without_words

handlers() {
	answer 0 fine word
	for name in nothing empty list; do
		answer 0 "OK - $name: * | time=0.*" "$name" || return 1
	done
}
step "an empty answer of a handler gets a line" handlers

other_outcomes() {
	answer 3 'UNKNOWN - odd: exit status 42: first, a/b' odd
	answer 3 'UNKNOWN - pipes: exit status 9: a/b' pipes
	answer 3 'UNKNOWN - killed: killed by signal 9 (KILL)' killed
	answer 3 'UNKNOWN - flood: *more output than allowed*' flood
	answer 3 "UNKNOWN - unknown service 'sillent'; did you mean 'silent'?" sillent
	answer 3 'UNKNOWN - echo: *text*' echo
	answer 3 'UNKNOWN - echo: *nonsense*' echo --nonsense=1
}
step "what is no result of a plugin is unknown" other_outcomes

in_time() {
	status=0
	"$reqctl" -s "$server" -t 0.2 check slow >"$dir/out" 2>"$dir/err" || status=$?
	assert_match "$(cat "$dir/out")" 'UNKNOWN - slow: timed out*'
	assert_eq "$status $(cat "$dir/err")" '3 '
}
step "a check that is too slow is unknown" in_time

nobody_there() {
	status=0
	"$reqctl" -q -s "unix://$dir/none" check load >"$dir/out" 2>"$dir/err" || status=$?
	assert_match "$(cat "$dir/out")" "UNKNOWN - cannot connect to *$dir/none*"
	assert_eq "$status $(cat "$dir/err")" '3 '
}
step "no server is unknown" nobody_there

wrong_use() {
	for words in 'check' 'check --nonsense load' '--json check load' 'check -t never load' \
	    '-t nonsense check load' '-x check load' '--timeout=never -q check load' '--json=1 check'; do
		status=0
		# shellcheck disable=SC2086
		"$reqctl" -s "$server" $words >"$dir/out" 2>"$dir/err" || status=$?
		assert_match "$(cat "$dir/out")" 'UNKNOWN - *'
		assert_eq "$status $(wc -l <"$dir/out")" '3 1'
	done
	assert_status 0 "$reqctl" check --help
}
step "a wrong command line is unknown" wrong_use
finish
