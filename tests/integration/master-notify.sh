#!/bin/sh
# SPDX-License-Identifier: ISC
# master-notify: the messages to the service manager, and their times.
. "${srcdir:-.}/tests/integration/lib.sh"

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service slow "\"/bin/sh\", \"-c\", \"$(waits_for "$dir/go")\""
# A watchdog that bites after 0.6 seconds.
start_reqd env WATCHDOG_USEC=600000

told() { # PATTERN
	grep -qE "$1" "$dir/notify"
}
n_told() { # PATTERN N
	[ "$(grep -cE "$1" "$dir/notify")" -ge "$2" ]
}

# When READY is there every worker has to answer; their number is in the status.
ready_means_serving() {
	told '^READY=1$' && told '^STATUS=2 workers, 0 connections'
	assert_eq "$(call echo hi)" hi
}
step "READY when all serve" ready_means_serving
step "the watchdog is fed three times as often as it wants" until_true "$patience" \
    n_told '^WATCHDOG=1$' 3
step "the status has live numbers" until_true "$patience" told '^STATUS=.* [1-9][0-9]* requests served'

reload_is_told() { # taken | refused
	: >"$dir/notify"
	outcome=taken
	ctl reload >/dev/null 2>&1 || outcome=refused
	assert_eq $outcome "$1"
	until_true "$patience" told '^READY=1$' || return 1
	grep -E '^(RELOADING|MONOTONIC_USEC|READY)' "$dir/notify" | sed 's/=[0-9]*$//' | tr '\n' ' ' >"$dir/order"
	assert_eq "$(cat "$dir/order")" 'RELOADING MONOTONIC_USEC READY '
}
step "a reload begins with RELOADING and its time, and ends with READY" reload_is_told taken
cp "$conf" "$dir/good.conf"
echo 'nonsense' >>"$conf"
step "a refused one too" reload_is_told refused
cp "$dir/good.conf" "$conf"

stop_is_told() {
	call slow &
	until_true "$patience" told '^STATUS=.* 1 calls running' || return 1
	kill -TERM "$reqd_pid"
	until_true "$patience" told '^STOPPING=1$' || return 1
	told '^EXTEND_TIMEOUT_USEC=10000000$' || return 1
	touch "$dir/go"
	wait_reqd
}
step "STOPPING, and how long that may take" stop_is_told

: >"$dir/notify"
no_watchdog() {
	start_reqd
	call echo hi >/dev/null
	until_true "$patience" n_told '^STATUS=' 2 || return 1
	! told '^WATCHDOG'
}
step "no watchdog, no food" no_watchdog

finish
