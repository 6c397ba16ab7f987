#!/bin/sh
# SPDX-License-Identifier: ISC
# log-blocked: a reader of the log may stop, or the disk be full: requests,
# reloads and the end of reqd go on, and lost lines are counted.
. "${srcdir:-.}/tests/integration/lib.sh"

service true '"/bin/true"'
service echo '"/bin/echo", "{text}"' 'argument "text" {}'

# start_with FILE: stderr leads there.
start_with() {
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	"$helpers/notify-wait" -r "$dir/ready" -m "$dir/notify" "$reqd" -c "$conf" \
	    >>"$1" 2>&1 3>&- &
	waiter_pid=$!
	read -r reqd_pid <"$dir/ready" || fail "reqd did not become ready"
	fds_before=$(settled_fds)
}

mkfifo "$dir/stream"
# Opened for both, so that neither side waits; read later, as the test wants.
exec 8<>"$dir/stream"

still_in_charge() {
	"$load" -s "$server" -c 4 -n 3000 CALL echo "$(printf '%0100d' 0)" >"$dir/load" ||
	    fail "$(cat "$dir/load")"
	timeout 20 "$reqctl" --control "$control" reload >/dev/null || return 1
	timeout 20 "$reqctl" --control "$control" status >"$dir/status" || return 1
	assert_eq "$(call echo hi)" hi
}

start_with "$dir/stream"
log_pid=$(role_pids log)
step "nobody reads: requests, reload and status go on" still_in_charge

dropped() {
	[ "$(timeout 20 "$reqctl" --control "$control" status |
	    sed -n 's/.* \([0-9]*\) records dropped.*/\1/p')" -gt 0 ]
}
step "what was lost is counted" until_true "$patience" dropped

# Each process tells with the first record that gets through again.
told() {
	call echo after >/dev/null || return 1
	grep -q 'log records dropped, the log was not keeping up dropped=' "$log"
}
reader_comes() {
	cat <&8 >>"$log" &
	background=$!
	until_true "$patience" told || return 1
	assert_eq "$(role_pids log)" "$log_pid" "the same log process"
}
step "and told when somebody reads again" reader_comes
step "stops" stop_reqd
kill "$background"
background=

start_with "$dir/stream"
step "nobody reads: once more" still_in_charge
quick_stop() {
	began=$(now_ms)
	kill -TERM "$reqd_pid"
	wait_reqd || return 1
	note "stopped after $(($(now_ms) - began)) ms"
	[ $(($(now_ms) - began)) -lt 5000 ]
}
step "and it stops all the same" quick_stop
exec 8>&-

full_disk() {
	start_with /dev/full
	still_in_charge && stop_reqd
}
step "a full disk harms nothing" full_disk

reader_gone() {
	mkfifo "$dir/gone"
	exec 9<>"$dir/gone"
	start_with "$dir/gone"
	exec 9>&-
	# The fifo has no reader now that the test has let go of it.
	still_in_charge && stop_reqd
}
step "nor does a reader that is gone" reader_gone
finish
