#!/bin/sh
# SPDX-License-Identifier: ISC
# program-process: the priority of a program, and the signal by which it is asked to end,
# are those of its service.
. "${srcdir:-.}/tests/integration/lib.sh"

need nice setpriv
chmod 1777 "$dir"
traps='trap "echo told; exit" USR1; trap "" TERM; echo ready; for i in $(seq 6000); do sleep 0.01; done'
service nicest '"/usr/bin/nice"' 'nice = 19'
service plain '"/usr/bin/nice"'
service signalled "\"/bin/sh\", \"-c\", '$traps'" 'stop-signal = USR1' 'timeout = 300ms' 'kill-grace = 60s'
handler warm "\"/bin/sh\", \"-c\", 'trap \"\" TERM; trap \"echo told >>$dir/told; exit\" USR1; for i in \$(seq 60000); do sleep 0.01; done'" \
    'stop-signal = USR1' 'kill-grace = 60s' 'processes { min = 1 max = 1 }'
cp "$conf" "$dir/base.conf"
launch_reqd

step "the priority is that of the service" assert_eq "$(call nicest)" 19
step "without the key it is that of reqd" assert_eq "$(call plain)" "$(nice)"

signalled() {
	assert_status 240 call signalled
	assert_eq "$(cat "$dir/out")" "ready
told"
}
step "a command gets the stop signal of its service" signalled

n_warm() {
	ctl --json status | grep -q '"warm"'
}
warm_told() {
	until_true "$patience" n_warm || return 1
	sed '/^service "warm"/,/^}/d' "$dir/base.conf" >"$conf"
	assert_status 0 ctl reload
	until_true "$patience" test -s "$dir/told"
}
step "and so does a handler" warm_told
until_true "$patience" no_programs
fds_before=$(settled_fds)

# A priority that cannot be had is known beforehand. Root without the capability is like anybody.
without_right() {
	if [ $is_root = yes ]; then
		setpriv --bounding-set=-sys_nice "$@"
	else
		"$@"
	fi
}
refused() {
	sed 's/nice = 19/nice = -20/' "$dir/base.conf" >"$dir/negative.conf"
	line=$(grep -n 'nice = -20' "$dir/negative.conf" | cut -d: -f1)
	assert_status 1 without_right "$reqd" -c "$dir/negative.conf" -t
	assert_match "$(cat "$dir/err")" "$dir/negative.conf:$line: 'nice' in service \"nicest\": reqd may not change priorities in this way (*"
	[ $is_root = no ] || assert_status 0 "$reqd" -c "$dir/negative.conf" -t
}
step "a priority that cannot be had is an error" refused
finish
