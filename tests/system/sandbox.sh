#!/bin/sh
# SPDX-License-Identifier: ISC
# sandbox: in the sandbox of the unit, ordinary programs run as their accounts,
# all processes that a request started end with it, under either hierarchy of
# control groups, and each relaxation that reqd(8) names works.
. "${srcdir:-.}/tests/system/lib.sh"

services() {
	service id '"/bin/sh", "-c", "id -un; id -Gn; pwd; umask"'
	service write '"/bin/sh", "-c", "echo x >\"$0\"", "{path}"' 'argument "path" {}'
	service system '"/bin/sh", "-c", "df / && head -n 1 /proc/meminfo && uname && ls -d /home /root /etc/passwd && hostname"'
	service limits '"/bin/sh", "-c", "ulimit -n"' 'limits { files = 4096  processes = 100 }'
	service namespace '"/usr/bin/unshare", "--user", "true"'
	service nice '"/usr/bin/nice", "-n", "5", "nice"'
	service processes '"/bin/sh", "-c", "ls -d /proc/1"'
	service read '"/bin/cat", "{path}"' 'argument "path" {}'
	service root '"/bin/cat", "{path}"' 'argument "path" {}'
	inside sed -i 's/"nobody"/"root"/' /etc/reqd/services.d/test-root.conf
	# A grandchild that has left its session, and a child that waits for it.
	service late '"/bin/sh", "-c", "(setsid sh -c \"sleep 0.1; echo late\" &); sleep 0.5"'
	# A service whose processes have left everything, and none of which ends
	# by itself.
	service tree '"/bin/sh", "-c", "for i in 1 2 3; do (setsid sh -c \"trap : TERM; (setsid sleep 987 &); sleep 987; sleep 987\" &); done; trap : TERM; sleep 987; sleep 987"' \
	    'kill-grace = 100ms'
	inside reqctl reload >/dev/null || fail "reload"
}

n_sleepers() {
	[ "$(pids_of 'sleep 987' | wc -l)" -ge "$1" ]
}

# In a group of its own, by either way of getting there.
in_groups() {
	inside reqctl call tree >/dev/null 2>&1 &
	client=$!
	until_true "$patience" n_sleepers 7 || return 1
	groups=$(for pid in $(pids_of 'sleep 987'); do
		inside sed -n 's/^0:://p' "/proc/$pid/cgroup"
	done | sort -u)
	assert_match "$groups" '/system.slice/reqd.service/req-*-*'
	[ "$(printf '%s\n' "$groups" | wc -l)" -eq 1 ] || fail "more than one: $groups"
	inside reqctl kill "$(inside reqctl ps | awk '$4 == "tree" { print $1 }')" || return 1
	! wait $client || return 1
	until_true "$patience" nothing_runs 'sleep 987'
}

everything() {
	step "$lane: an account, its groups and nothing more" assert_eq \
	    "$(inside reqctl call id | tr '\n' ' ')" 'nobody nogroup / 0022 '
	step "$lane: what programs ask of the system" inside reqctl call system
	step "$lane: limits" assert_eq "$(inside reqctl call limits | head -n 1 | tr -dc 0-9)" 4096
	step "$lane: a request has a control group, which ends with it" in_groups
	step "$lane: who has left the session may live as long as the request" assert_eq \
	    "$(inside reqctl call late)" late
}

box_start
services
lane="as installed"
everything

# relaxed SERVICE ARGUMENT... -- LINE...: refused by the unit, granted by a drop-in.
relaxed() {
	words=
	for word; do
		shift
		[ "$word" != -- ] || break
		words="$words $word"
	done
	# shellcheck disable=SC2086
	! inside reqctl call $words >"$dir/out" 2>&1 || fail "not refused: $words: $(cat "$dir/out")"
	{
		echo '[Service]'
		printf '%s\n' "$@"
	} | drop_in reqd.service
	inside systemctl restart reqd
	# shellcheck disable=SC2086
	inside reqctl call $words >"$dir/out" 2>&1 || fail "still refused: $words: $(cat "$dir/out")"
	inside rm /etc/systemd/system/reqd.service.d/test.conf
	inside systemctl daemon-reload
	inside systemctl restart reqd
}
inside sh -c 'mkdir -p /home/data /srv/data /etc/data; chown nobody /home/data /srv/data /etc/data
    echo x >/tmp/shared; echo x >/srv/data/own; chown nobody /srv/data/own; chmod 600 /srv/data/own'
as_their_account() {
	for path in /srv/data/x /home/data/x /etc/data/x; do
		inside reqctl call write $path || return 1
	done
	! inside reqctl call write /etc/x 2>/dev/null || fail "an account may write /etc"
	inside reqctl call read /tmp/shared >/dev/null && inside reqctl call processes >/dev/null
}
step "programs read, write and see what their account may" as_their_account
strict() {
	drop_in reqd.service <"$top_srcdir/examples/strict-unit.conf"
	inside systemctl restart reqd
	inside reqctl call write /srv/data/x || return 1
	for words in 'write /home/data/x' 'write /etc/data/x' 'read /tmp/shared' processes; do
		# shellcheck disable=SC2086
		! inside reqctl call $words >/dev/null 2>&1 || fail "not taken away: $words"
	done
	inside rm /etc/systemd/system/reqd.service.d/test.conf
	inside systemctl daemon-reload
	inside systemctl restart reqd
}
step "and less with the strict drop-in" strict
step "root is an account: CapabilityBoundingSet=CAP_DAC_OVERRIDE" relaxed root /srv/data/own -- \
    CapabilityBoundingSet=CAP_DAC_OVERRIDE
step "no namespaces: RestrictNamespaces=no" relaxed namespace -- RestrictNamespaces=no
nice_works() {
	# nice goes on when it is refused, and says so; at 19 its number tells nothing.
	[ -n "$(inside reqctl call nice 2>&1 >/dev/null)" ] || return 1
	printf '[Service]\nSystemCallFilter=@resources\n' | drop_in reqd.service
	inside systemctl restart reqd
	[ -z "$(inside reqctl call nice 2>&1 >/dev/null)" ]
}
step "priorities are not changed: SystemCallFilter=@resources" nice_works
low_port() {
	echo 'listen "tcp://127.0.0.1:99" {}' | inside sh -c 'cat >>/etc/reqd/reqd.conf'
	! inside systemctl reload reqd 2>/dev/null || return 1
	printf '[Service]\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n' | drop_in reqd.service
	inside systemctl restart reqd && inside reqctl -s tcp://127.0.0.1:99 ping >/dev/null
}
step "no port below 1024: CapabilityBoundingSet=CAP_NET_BIND_SERVICE" low_port

# The same without the filter that forbids clone3().
printf '[Service]\nRestrictNamespaces=no\n' | drop_in reqd.service
inside systemctl restart reqd
lane="with clone3()"
everything

# The same where there is only the one hierarchy.
"$sdbox" down "$box"
if REQD_BOX_CG=v2 "$sdbox" up "$box" "$dir:/test" "$top_builddir:/build" >"$dir/out" 2>&1; then
	box_install
	services
	lane="one hierarchy"
	everything
else
	note "no box with one hierarchy: $(tail -n 1 "$dir/out")"
fi
box_finish
