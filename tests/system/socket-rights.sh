#!/bin/sh
# SPDX-License-Identifier: ISC
# socket-rights: mode, owner and group of the sockets that systemd opens for
# reqd, or keeps for it, in the sandbox of the packaged unit: in force at the
# start, by a reload and over restarts, or refused with advice.
. "${srcdir:-.}/tests/system/lib.sh"

file=/run/reqd/reqd.sock
unix=unix://$file
conf=/etc/reqd/reqd.conf
box_start
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
inside reqctl reload >/dev/null

# keys TEXT: of the unix listener.
keys() {
	inside sed -i "s|^\(listen \"unix:[^ ]*\) .*|\1 { $1 }|" $conf
}
rights() {
	inside stat -c '%a %U %G' $file
}
stranger_calls() {
	as_user reqctl -s $unix call echo hi >/dev/null 2>&1
}
member_calls() {
	assert_eq "$(inside setpriv --reuid=nobody --regid=nogroup --groups=reqd-admin \
	    reqctl -s $unix call echo hi)" hi
}
only_members() {
	assert_eq "$(rights)" "660 root reqd-admin"
	! stranger_calls || fail "a stranger calls"
	member_calls
}
restart() {
	inside systemctl restart reqd
}
restart_both() {
	inside systemctl stop reqd.socket reqd.service
	inside systemctl start reqd.socket reqd.service
}
changed='systemd opens it, and its file was changed'

# ----------------------------------------------------------- reqd.socket ---

step "as installed: open, and nothing to tell" assert_eq "$(rights)" "666 root root"
quiet() {
	! log_says "$changed"
}
step "not at the start either" quiet

reload() {
	keys 'mode = 0660  group = "reqd-admin"'
	assert_status 0 inside reqctl reload
	assert_match "$(cat "$dir/out")" "*changed *listen $unix: mode 0666 -> 0660, group unset -> *reqd-admin*"
	only_members
}
step "a reload keeps strangers out, and lets the group in" reload
restarted() {
	log_mark
	restart && only_members && quiet
}
step "so does the next reqd, which finds it so" restarted
socket_too() {
	log_mark
	restart_both && only_members && log_says "$changed: mode 0666 -> 0660, group 0 -> "
}
step "and the one after a restart of reqd.socket, which tells it" socket_too
once() {
	log_mark
	restart && quiet
}
step "once" once
in_the_unit() {
	printf '[Socket]\nSocketMode=0660\nSocketGroup=reqd-admin\n' | drop_in reqd.socket
	log_mark
	restart_both && only_members && quiet
}
step "not if the unit says the same" in_the_unit

by_unit_alone() {
	keys ''
	assert_status 0 inside reqctl reload
	assert_match "$(cat "$dir/out")" '*mode 0660 -> 0666 (SocketMode= of the systemd socket unit is used instead)*'
	restart && only_members
	keys 'mode = 0660  group = "reqd-admin"'
	inside reqctl reload >/dev/null
}
step "nor does the default mode open what the unit has closed" by_unit_alone

# ---------------------------------------------------------------- refused ---

owner_refused() {
	keys 'owner = "nobody"  mode = 0600'
	line=$(inside grep -n '^listen "unix' $conf | cut -d : -f 1)
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 251 inside reqctl reload $option
		assert_match "$(cat "$dir/err")" "*$conf:$line: cannot listen on $unix: *(not permitted, *CAP_CHOWN*):\
 set SocketMode=0600, SocketUser=nobody in its socket unit*"
	done
	only_members
}
step "an owner needs a capability that the unit has not: a reload is refused" owner_refused
start_refused() {
	log_mark
	! inside systemctl restart reqd 2>/dev/null || return 1
	inside systemctl stop reqd.service
	log_says "$conf:$line: cannot listen on $unix: .*SocketUser=nobody" || return 1
	assert_eq "$(rights)" "660 root reqd-admin"
}
step "and so is a start" start_refused
with_capability() {
	printf '[Service]\nCapabilityBoundingSet=CAP_CHOWN\n' | drop_in reqd.service
	restart && serves
	assert_eq "$(rights)" "600 nobody reqd-admin"
	stranger_calls || fail "its owner cannot call"
	# The rights of a socket that was given away cannot be changed any more.
	keys 'owner = "nobody"  mode = 0660'
	assert_status 251 inside reqctl reload
	assert_match "$(cat "$dir/err")" "*CAP_FOWNER*SocketMode=0660, SocketUser=nobody*"
	inside rm /etc/systemd/system/reqd.service.d/test.conf
	inside systemctl daemon-reload
}
step "with CAP_CHOWN it is given" with_capability
by_the_unit() {
	printf '[Socket]\nSocketMode=0660\nSocketUser=nobody\n' | drop_in reqd.socket
	restart_both && serves
	assert_eq "$(rights)" "660 nobody nogroup"
	stranger_calls
}
step "and without it by the unit" by_the_unit

hidden() {
	printf '[Socket]\nListenStream=\nListenStream=/tmp/own.sock\n' | drop_in reqd.socket
	inside sed -i 's|^listen "unix:[^"]*"|listen "unix:///tmp/own.sock"|; /^listen "tcp:/d' $conf
	keys 'mode = 0600'
	inside systemctl stop reqd.socket reqd.service
	drop_in reqd.service <"$top_srcdir/examples/strict-unit.conf"
	log_mark
	! inside systemctl start reqd.socket reqd.service 2>/dev/null || return 1
	inside systemctl stop reqd.socket reqd.service
	log_says "hidden by the sandbox of reqd: .*SocketMode=0600 there instead" || return 1
	keys ''
	inside systemctl start reqd.socket reqd.service &&
	    inside reqctl -s unix:///tmp/own.sock ping >/dev/null
}
step "a file that the sandbox hides is refused, or left alone" hidden

# ------------------------------------------------------------ what remains ---

inside rm /etc/systemd/system/reqd.socket.d/test.conf
inside systemctl daemon-reload
inside sed -i "s|^listen \"unix:[^\"]*\"|listen \"$unix\"|" $conf
restart_both
goes() {
	restart || return 1
	until_true "$patience" serves || return 1
	assert_status 0 inside reqctl reload
	assert_match "$(cat "$dir/out")" "*note     no listener uses the passed socket 'reqd.socket':\
 its clients get no answer, as systemd still listens on 127.0.0.1:7373. To end that*"
	log_says "systemd still listens on 127.0.0.1:7373"
}
step "a listener that is gone, and still is in reqd.socket, is told" goes
remedy() {
	printf '[Socket]\nListenStream=\nListenStream=%s\n' $file | drop_in reqd.socket
	log_mark
	restart_both && serves || return 1
	! log_says "systemd still listens" || return 1
	! inside reqctl -s tcp://127.0.0.1:7373 ping 2>"$dir/err" || return 1
	assert_match "$(cat "$dir/err")" '*refused*'
}
step "and the remedy is one" remedy

# ------------------------------------------------------------------- kept ---

inside systemctl disable --now reqd.socket >/dev/null 2>&1
keys 'mode = 0666'
kept_mode() { # RIGHTS KEYS
	was=$(inside stat -c %i $file)
	keys "$2"
	restart && serves || return 1
	assert_eq "$(rights)" "$1"
	assert_eq "$(property reqd.service NFileDescriptorStore)" 1
	[ -z "$3" ] || assert_eq "$(inside stat -c %i $file)" "$was"
}
step "its own" kept_mode "666 root root" 'mode = 0666' ''
step "one that systemd keeps has what is said meanwhile" kept_mode "660 root reqd-admin" \
    'mode = 0660  group = "reqd-admin"' same
step "strangers stay out" only_members
step "and back" kept_mode "666 root root" '' same
step "who may be let in" stranger_calls
box_finish
