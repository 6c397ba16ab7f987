#!/bin/sh
# SPDX-License-Identifier: ISC
# reqctl-output: reqctl with an output or input that is closed, full, narrow or
# closed early, and its messages when there is nothing to show.
. "${srcdir:-.}/tests/integration/lib.sh"
long='a summary that is longer than the eighty columns of a terminal leave room for'
service echo '"/bin/echo", "{text}"' "summary = \"$long\"" 'argument "text" { repeat = yes }'
service cat '"/bin/cat"' 'input = required'
service yes '"/usr/bin/yes"'
start_reqd

closed_output() {
	for verb in list 'call echo a' 'call --no-stream echo a' '--json call echo a' status help; do
		# shellcheck disable=SC2086
		assert_status 252 sh -c '"$@" >&-' sh "$reqctl" -s "$server" --control "$control" $verb
		assert_match "$(cat "$dir/err")" 'reqctl: *cannot write standard output: Bad file descriptor'
	done
	# Nothing to print, nothing to fail.
	assert_status 0 sh -c '"$@" >&-' sh "$reqctl" --control "$control" ps
	assert_status 247 sh -c '"$@" 2>&-' sh "$reqctl" -s "$server" call none
}
step "an output that is closed" closed_output

full_output() {
	for verb in list 'call echo a' 'call --no-stream echo a' '--json call echo a' status help; do
		# shellcheck disable=SC2086
		assert_status 252 sh -c '"$@" >/dev/full' sh "$reqctl" -s "$server" --control "$control" $verb
		assert_match "$(cat "$dir/err")" 'reqctl: *cannot write standard output: No space left on device'
	done
}
step "an output that is full" full_output

left_early() {
	assert_eq "$(ctl call yes | head -n 1)" y
	assert_eq "$(ctl list | head -n 1)" cat"$(printf '\t')"
	until_true "$patience" no_programs
}
step "an output that is left early" left_early

# No input is not the same as an empty one.
closed_input() {
	assert_status 252 sh -c '"$@" <&-' sh "$reqctl" -s "$server" call cat
	assert_match "$(cat "$dir/err")" 'reqctl: cat: cannot read the input: Bad file descriptor'
	assert_status 0 sh -c '"$@" <&-' sh "$reqctl" -s "$server" call echo a
}
step "an input that is closed" closed_input

on_a_terminal() { # WORDS...: what reqctl shows on 80 columns
	script -qec "stty cols 80; LC_ALL=C.UTF-8 '$reqctl' -s '$server' --control '$control' $*" \
	    /dev/null </dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g'
}
narrow() {
	assert_eq "$(on_a_terminal list | sed -n 's/^echo *//p')" "$(printf %.71s "$long")…"
	assert_eq "$(ctl list | sed -n 's/^echo\t//p')" "$long"
	ctl list 'x*' >"$dir/out" 2>&1 || return 1
	assert_eq "$(cat "$dir/out")" ''
	assert_eq "$(on_a_terminal list "'x*'")" "reqctl: you may call no service that matches 'x*'"
	assert_eq "$(on_a_terminal ps)" 'reqctl: no request runs or waits'
}
if command -v script >/dev/null; then
	step "a narrow terminal" narrow
fi

# A mistake that many make is understood, or the message names what was meant.
slips() {
	assert_eq "$("$reqctl" -s "127.0.0.1:$port" call echo a)" a
	assert_eq "$("$reqctl" -s "$dir/reqd.sock" call echo a)" a
	assert_eq "$(REQD_SERVER=127.0.0.1:$port "$reqctl" call echo a)" a
	assert_status 255 "$reqctl" -s "http://127.0.0.1:$port" call echo a
	assert_match "$(cat "$dir/err")" '*this client does not speak HTTP; use the tls://, tcp:// or unix:// address *'
	assert_status 255 ctl yes
	assert_match "$(cat "$dir/err")" "reqctl: unknown verb 'yes'; a service is called with 'reqctl call yes'*"
	assert_status 246 ctl call yes -i /dev/null
	assert_match "$(cat "$dir/err")" "*(options of reqctl go before the name of the service)"
}
step "slips of the command line" slips

reason() {
	assert_status 246 ctl bench -n 3 cat
	assert_match "$(cat "$dir/out")" '*0 succeeded, 3 badarg'
	assert_eq "$(cat "$dir/err")" 'reqctl: cat: the first failure: this service wants input (--stdin or --open)'
	assert_status 0 ctl bench -n 3 echo a
	assert_eq "$(cat "$dir/err")" ''
}
step "bench says why calls fail" reason
finish
