#!/bin/sh
# SPDX-License-Identifier: ISC
# pid-one: reqd as the first process of a container serves, reaps what programs leave
# behind, and ends with status 0 when it is told to.
. "${srcdir:-.}/tests/integration/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "only root can make a namespace of processes"
need unshare
unshare --pid --fork --kill-child --mount-proc true 2>/dev/null || skip "no namespaces"
# The health check of examples/Dockerfile.
health=$(sed -n 's/^HEALTHCHECK CMD \["reqctl", \(.*\)\]$/\1/p' "$top_srcdir/examples/Dockerfile" | tr -d '",')
[ -n "$health" ] || fail "examples/Dockerfile has no HEALTHCHECK"
service leave '"/bin/sh", "-c", "(setsid sh -c \"exit 3\" &); echo left"'
service zombies '"/bin/sh", "-c", "cat /proc/[0-9]*/stat | grep -c \") Z \" || :"'
service one '"/bin/cat", "/proc/1/comm"'

unshare --pid --fork --kill-child --mount-proc "$reqd" -c "$conf" >"$dir/log" 2>&1 &
unshare_pid=$!
background=$unshare_pid
healthy() {
	# shellcheck disable=SC2086
	REQD_SERVER=unix://$dir/reqd.sock "$reqctl" $health >/dev/null 2>&1
}
until_true "$patience" healthy || fail "$(cat "$dir/log")"

serves() {
	assert_eq "$(call one)" reqd
	for _ in 1 2 3 4 5; do
		assert_eq "$(call leave)" left || return 1
	done
	until_true "$patience" no_zombie_left
}
no_zombie_left() {
	[ "$(call zombies)" -eq 0 ]
}
step "it serves and reaps" serves

reloads() {
	service later '"/bin/echo", "later"'
	kill -HUP "$(ps -o pid= --ppid $unshare_pid | tr -d ' ')"
	until_true "$patience" is_reloaded || return 1
	assert_eq "$(call later)" later
}
is_reloaded() {
	grep -q 'configuration reloaded' "$dir/log"
}
step "SIGHUP reloads it" reloads

ends() {
	kill -TERM "$(ps -o pid= --ppid $unshare_pid | tr -d ' ')"
	status=0
	wait $unshare_pid || status=$?
	assert_eq $status 0
	grep -q 'notice: stopped' "$dir/log" || return 1
	! healthy
}
step "SIGTERM ends it with status 0" ends
finish
