#!/bin/sh
# SPDX-License-Identifier: ISC
# same-answers: checks of a monitoring system answer through the packaged unit as they
# do by hand, as the same account. A wrong OK is worse than a refusal.
. "${srcdir:-.}/tests/system/lib.sh"
box_start

# check NAME WORD...: a service that runs it, and what it is by hand.
check() {
	name=$1
	shift
	inside test -x "$1" || {
		note "$name: not installed"
		return
	}
	words=
	for word; do
		words="$words${words:+, }\"$(printf '%s' "$word" | sed 's/["\\]/\\&/g')\""
	done
	service "$name" "$words"
	inside reqctl reload >/dev/null || fail "reload"
	by_hand=$(as_user "$@" 2>&1) && hand_status=0 || hand_status=$?
	by_reqd=$(inside reqctl check "$name" 2>&1) && reqd_status=0 || reqd_status=$?
	note "$name: $hand_status $(printf '%s' "$by_hand" | head -n 1 | cut -c 1-90)"
	assert_eq "$reqd_status $(printf '%s' "$by_reqd" | still)" \
	    "$hand_status $(printf '%s' "$by_hand" | still)" || fail "$name"
}

# Leaves out the numbers that change between two runs of one program.
still() {
	sed -E 's/(load|average|time|rta|free|inode)[^|;,]*[0-9.]+[^ ,;|]*/\1/g; s/[0-9.]+(MB|MiB|ms|s|%)//g' |
	    sed 's/|.*//; s/[0-9][0-9.]*/N/g'
}

system() {
	check file-systems /bin/sh -c 'cut -d " " -f 2,3 /proc/mounts | grep -E " (ext4|xfs|btrfs|overlay)$" | sort'
	check accounts-of-processes /bin/sh -c 'stat -c %U /proc/[0-9]* 2>/dev/null | sort -u'
	check has-journald /bin/sh -c 'grep -lx systemd-journal /proc/[0-9]*/comm >/dev/null && echo runs'
	inside sh -c 'echo shared >/tmp/for-all && chmod 644 /tmp/for-all'
	check tmp /bin/cat /tmp/for-all
	check disk-free /bin/df -P -x tmpfs -x devtmpfs
}
step "processes, file systems and /tmp are those of the system" system

plugins=/usr/lib/nagios/plugins
processes() {
	# The numbers themselves: how many there are, and of one account.
	inside sh -c 'for i in 1 2 3; do setpriv --reuid=games sleep 300 & done'
	check procs-of-games $plugins/check_procs -w 1:5 -c 1:9 -u games
	assert_match "$by_reqd" 'PROCS OK: 3 processes with UID = *games*'
	check procs-named $plugins/check_procs -c 1: -C systemd-journal
}
others() {
	check disk $plugins/check_disk -w 1% -c 0% -p /
	check disks $plugins/check_disk -w 1% -c 0% -l -X tmpfs -X devtmpfs
	check load $plugins/check_load -w 900,900,900 -c 999,999,999
	check users $plugins/check_users -w 50 -c 90
	check swap $plugins/check_swap -w 0% -c 0% -n ok
	check file-age $plugins/check_file_age -w 999999999 -c 999999999 -f /etc/passwd
	check icmp $plugins/check_ping -H 127.0.0.1 -w 900,50% -c 999,90% -p 1
	check tcp $plugins/check_tcp -H 127.0.0.1 -p 7373
	check no-such-host $plugins/check_tcp -H 127.0.0.1 -p 1
	check ssh $plugins/check_ssh -p 1 127.0.0.1
	check uptime $plugins/check_uptime
}
if inside test -x $plugins/check_procs; then
	step "check_procs counts all processes" processes
	step "the other plugins" others
else
	note "the plugins are not tried: monitoring-plugins-basic is not in the box"
fi
box_finish
