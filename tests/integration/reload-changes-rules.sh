#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-changes-rules: a request ends under the rules it began with, whatever a
# reload does to its service, and the next request on the same connection gets
# the new rules. Services of every kind come, go and change while they run.
. "${srcdir:-.}/tests/integration/lib.sh"

need python3
# Programs write there, as another account.
chmod 1777 "$dir"
REQD_TEST_ACCOUNT=$(id -un)
export REQD_TEST_ACCOUNT
cp "$conf" "$dir/base.conf"
start_reqd

holds() { # TEST
	python3 "$top_srcdir/tests/integration/reload-rules.py" "$dir" "$port" "$reqctl" "$1" \
	    >"$dir/out" 2>&1 || {
		cat "$dir/out"
		return 1
	}
}

step "a command keeps its deadline" holds timeout_of_a_command
step "and its limit of output" holds output_limit_of_a_command
step "removed, it ends as it began" holds removed_while_it_runs
step "others come and change meanwhile" holds added_and_changed_while_another_runs
step "with more places, who waits has one" holds more_at_a_time
step "with fewer, what runs goes on" holds fewer_at_a_time
step "without a queue, who waits stays" holds no_queue_any_more
step "removed, who waits is served" holds removed_while_it_waits
step "who waits keeps its time to wait" holds queue_timeout
step "who waits for a lock keeps it" holds lock_given_up
step "a handler that is replaced answers first" holds handler_changed_while_it_answers
step "a call of a handler keeps its deadline" holds handler_limits
step "a command becomes a handler" holds command_becomes_handler
step "a handler becomes a command" holds handler_becomes_command
step "a handler that does not come up refuses it all" holds a_bad_handler_refuses_the_reload
step "and the refusal says how it ended" holds a_bad_handler_says_how_it_ended
step "a right that is removed is gone with the next request" holds right_removed
step "a role that is removed, too" holds role_removed
step "not for what was let in" holds right_removed_while_it_runs
step "verbs come and go" holds verbs_follow
step "limits of a listener hold from the next request on" holds request_limits_follow

back() {
	cp "$dir/base.conf" "$conf"
	ctl reload >/dev/null
}
step "back to the first configuration" back
finish
