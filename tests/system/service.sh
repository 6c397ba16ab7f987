#!/bin/sh
# SPDX-License-Identifier: ISC
# service: reqd under systemd, as the package installs it: messages to systemd,
# rights, reload, activation, death of any process, watchdog, the journal, stop.
. "${srcdir:-.}/tests/system/lib.sh"

box_start
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service secret '"/bin/test", "{word}"' 'argument "word" { secret = yes }'
service fail '"/bin/sh", "-c", "echo broken >&2; exit 3"'
service slow '"/bin/sleep", "{seconds}"' 'argument "seconds" { type = integer }'

step "the package starts it, enabled" is_active
step "all its units are sound" inside systemd-analyze verify --man=no reqd.service reqd.socket \
    reqd@test.service
safe_enough() { # THRESHOLD
	inside systemd-analyze security --no-pager --threshold="$1" reqd.service >"$dir/out" || {
		cat "$dir/out"
		return 1
	}
}
# The unit lets programs see the system as it is; the strict drop-in does not.
step "systemd-analyze security: at most 3.0" safe_enough 30
drop_in reqd.service <"$top_srcdir/examples/strict-unit.conf"
step "and at most 2.5 with the strict drop-in" safe_enough 25
inside rm /etc/systemd/system/reqd.service.d/test.conf
inside systemctl daemon-reload

reload_good() {
	log_mark
	inside systemctl reload reqd || return 1
	log_says 'configuration reloaded' && is_active
}
step "systemctl reload" reload_good
reload_broken() {
	log_mark
	echo nonsense | put /etc/reqd/services.d/broken.conf
	! inside systemctl reload reqd 2>/dev/null || return 1
	inside rm /etc/reqd/services.d/broken.conf
	log_says 'broken.conf:' && is_active && serves
}
step "a reload that is refused fails, and says where" reload_broken
until_true "$patience" property_is reqd.service SubState running

# ----------------------------------------------------------------- people ---

step "root calls" assert_eq "$(inside reqctl call echo hi)" hi
step "an ordinary user calls" assert_eq "$(as_user reqctl call echo hi)" hi
step "over TCP" assert_eq "$(as_user reqctl -s tcp://127.0.0.1:7373 call echo hi)" hi
step "programs run as the account of their service" \
    assert_match "$(inside reqctl list)" '*echo*fail*secret*'
step "the self-test of the package passes" inside reqd --self-test
step "an exit status is passed on" assert_status 3 inside reqctl call fail
step "why" assert_match "$(as_user reqctl why echo)" '*may*call*'
step "root may ask for the status" assert_match "$(inside reqctl status)" '*WORKER*serving*'
user_may_not() {
	! as_user reqctl status 2>"$dir/err" && ! as_user reqctl reload 2>"$dir/err"
}
step "an ordinary user may not" user_may_not
admins() {
	echo 'control { group = "reqd-admin" }' | inside sh -c 'cat >>/etc/reqd/reqd.conf'
	inside systemctl reload reqd || return 1
	inside setpriv --reuid=nobody --regid=nogroup --groups=reqd-admin reqctl status >/dev/null
}
step "but with the group that reqd.conf names" admins

# ---------------------------------------------------------------- journal ---

# has MATCH FIELD PATTERN: the last record that matches.
has() {
	inside journalctl --sync
	got=$(inside journalctl -u reqd -o json --no-pager -n 1 "$1" |
	    grep -o "\"$2\":\"[^\"]*\"" | head -n 1)
	assert_match "$got" "\"$2\":\"$3\"" "$1: $2"
}
requests_are_fields() {
	inside reqctl call echo twelve >/dev/null
	for one in SERVICE=echo OUTCOME=exit STATUS=0 CALLER=uid:0 PEER=unix 'PROCESS=worker*' \
	    ARGUMENTS=text=twelve 'REQUEST=????????????????' 'DURATION_USEC=[0-9]*' \
	    'QUEUED_USEC=[0-9]*' 'CPU_USEC=[0-9]*' 'MAX_RSS_KB=[0-9]*' BYTES_IN=0 BYTES_OUT=7; do
		has REQD_SERVICE=echo "REQD_${one%%=*}" "${one#*=}"
	done
	has REQD_SERVICE=echo PRIORITY 6
	has REQD_SERVICE=echo SYSLOG_IDENTIFIER reqd
}
step "a request is a record with fields" requests_are_fields
stderr_is_a_field() {
	inside reqctl call fail >/dev/null 2>&1
	has REQD_STDERR=broken REQD_REQUEST '????????????????'
}
step "so is a line of a program's stderr" stderr_is_a_field
secrets_stay() {
	inside reqctl call secret hunter2 >/dev/null
	inside journalctl --sync
	! inside journalctl -u reqd -o export --no-pager | grep hunter2
}
step "what is secret is not there" secrets_stay

# Every kind of event has an id, and the catalogue explains it.
explained() { # MATCH SUBJECT
	inside journalctl --sync
	id=$(inside journalctl -u reqd -o json --no-pager -n 1 "$1" |
	    sed -n 's/.*"MESSAGE_ID":"\([0-9a-f]*\)".*/\1/p')
	[ -n "$id" ] || fail "no MESSAGE_ID: $1"
	inside journalctl --catalog --no-pager -n 1 "MESSAGE_ID=$id" >"$dir/out"
	grep -q " Subject: $2" "$dir/out" || {
		cat "$dir/out"
		return 1
	}
}
step "catalogue: a request" explained REQD_SERVICE=echo 'A request has ended'

# -------------------------------------------------------------- deaths ---

workers=$(role_pids worker | wc -l)
step "a worker dies: replaced, no restart" role_dies worker "$workers"
step "the runner dies" role_dies runner 1
step "the broker dies" role_dies broker 1
step "control dies" role_dies control 1
step "the log dies" role_dies log 1
step "catalogue: a process that died" explained PRIORITY=3 'A process of reqd has died'

master_dies() {
	was=$(property reqd.service MainPID)
	log_mark
	as_user reqctl call slow 60 >/dev/null 2>&1 &
	client=$!
	until_true "$patience" inside sh -c 'reqctl ps | grep -q slow' || return 1
	signal "$1" "$was"
	shift
	wait $client	# not before the program has ended
	until_true "$patience" serves || return 1
	[ "$(property reqd.service MainPID)" != "$was" ] || return 1
	nothing_runs /bin/sleep
}
step "the master dies: systemd starts it again, what ran is gone" master_dies KILL

# A watchdog that bites after a second instead of thirty.
printf '[Service]\nWatchdogSec=1\n' | drop_in reqd.service
inside systemctl restart reqd
watchdog() {
	log_mark
	master_dies STOP && log_says 'Watchdog timeout'
}
step "the master is stuck: the watchdog bites" watchdog

# Stop all processes, as when a machine is suspended; the freezer of version 1,
# else signals.
frozen() {
	was=$(property reqd.service MainPID)
	pids=$(role_pids | sort)
	for _ in 1 2 3; do
		# shellcheck disable=SC2086
		inside sh -c 'kill -s STOP "$@"; sleep 0.5; kill -s CONT "$@"' - $pids
	done
	serves && assert_eq "$(role_pids | sort)" "$pids" &&
	    assert_eq "$(property reqd.service MainPID)" "$was"
}
step "a freeze of all processes harms none" frozen

# -------------------------------------------------------------- the rest ---

activation() {
	inside systemctl stop reqd.service 2>/dev/null
	property_is reqd.service ActiveState inactive || return 1
	assert_eq "$(as_user timeout 20 reqctl call echo hi)" hi
	# One worker answers before every process serves, which is what systemd hears.
	until_true "$patience" is_active
}
step "a connection starts it" activation

stops() {
	as_user reqctl call slow 60 >/dev/null 2>&1 &
	client=$!
	until_true "$patience" inside sh -c 'reqctl ps | grep -q slow' || return 1
	echo 'drain-timeout = 500ms' | inside sh -c 'cat >>/etc/reqd/reqd.conf'
	inside systemctl reload reqd || return 1
	began=$(now_ms)
	inside systemctl stop reqd.socket reqd.service || return 1
	took=$(($(now_ms) - began))
	wait $client
	note "took $took ms"
	property_is reqd.service Result success || return 1
	[ $took -le $((2000 * ${REQD_SLOWNESS:-5})) ] || return 1
	[ -z "$(role_pids)" ] || return 1
	nothing_runs /bin/sleep
}
step "stop: busy, within drain-timeout, and nothing is left" stops
no_groups() {
	! inside find /sys/fs/cgroup -name 'req-*' | grep .
}
step "no control group either" no_groups

broken_start() {
	echo nonsense | put /etc/reqd/services.d/broken.conf
	log_mark
	! inside systemctl start reqd 2>/dev/null || return 1
	property_is reqd.service ActiveState failed || return 1
	log_says 'broken.conf:' || return 1
	inside rm /etc/reqd/services.d/broken.conf
	inside systemctl start reqd && serves
}
step "a broken configuration: no start, and no attempt after the first" broken_start

# ------------------------------------------------------- more than one ---

instance() {
	inside sh -c 'cat >/etc/reqd/second.conf <<-END
		runtime-directory = "/run/reqd-second"
		listen "unix:///run/reqd-second/reqd.sock" { mode = 0666 }
		role "local" { net = {"unix"} }
		service "who" { command = {"/bin/echo", "second"}  allow = {"local"}  user = "nobody" }
	END'
	inside systemctl start reqd@second || return 1
	assert_eq "$(as_user reqctl -s unix:///run/reqd-second/reqd.sock call who)" second
	inside systemctl reload reqd@second || return 1
	serves && inside systemctl stop reqd@second && ! inside test -e /run/reqd-second
}
step "another instance has its own configuration, sockets and life" instance
box_finish
