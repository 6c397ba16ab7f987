#!/bin/sh
# SPDX-License-Identifier: ISC
# passed-sockets: the effect of the keys of a listener on a socket that systemd
# has opened: applied at the start and by a reload, or refused with advice.
. "${srcdir:-.}/tests/integration/lib.sh"

need python3 setpriv
pass="$top_srcdir/tests/integration/pass-sockets.py"
passed_unix=$dir/passed.sock
other_port=$("$helpers/free-port")

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
cp "$conf" "$dir/base.conf"

# The base, and then these lines.
with() { # LINE...
	cp "$dir/base.conf" "$conf"
	printf '%s\n' "$@" >>"$conf"
}
unix() { # KEYS
	echo "listen \"unix://$passed_unix\" { $* }"
}
mode() {
	stat -c %a "$1"
}
logged() { # TEXT
	grep -qF -e "$1" "$log"
}

# ----------------------------------------------------------------- start ---

with "$(unix mode = 0660)" "listen \"tcp://127.0.0.1:$other_port\" {}"
start_reqd python3 "$pass" "reqd.socket=unix:$passed_unix" \
    "reqd.socket=tcp:127.0.0.1:$other_port" --
line=$(grep -n "$passed_unix" "$conf" | cut -d : -f 1)

step "a start gives the file its mode" assert_eq "$(mode "$passed_unix")" 660
told() {
	logged "$conf:$line: unix://$passed_unix: systemd opens it, and its file was changed: mode 0666 -> 0660." &&
	    logged "set SocketMode=0660 there, too"
}
step "and says what the socket unit should say" told

# ---------------------------------------------------------------- reload ---

reloads() { # KEYS EXPECTED-LINE...
	with "$(unix "$1")" "listen \"tcp://127.0.0.1:$other_port\" {}"
	shift
	assert_status 0 ctl reload --check
	assert_status 0 ctl reload
	for text; do
		grep -qF -e "$text" "$dir/out" || fail "not '$text': $(cat "$dir/out")"
	done
}
changes() {
	reloads 'mode = 0600' "changed  listen unix://$passed_unix: mode 0660 -> 0600" \
	    "note     $conf:$line: unix://$passed_unix: systemd opens it, and its file was changed: mode 0660 -> 0600."
	assert_eq "$(mode "$passed_unix")" 600
	assert_eq "$(timeout 20 "$reqctl" -s "unix://$passed_unix" call echo hi)" hi
}
step "a reload changes it" changes
group() {
	reloads 'group = "games"  mode = 0660' 'group unset -> "games"'
	assert_eq "$(stat -c '%a %G' "$passed_unix")" "660 games"
}
[ $is_root = no ] || step "and the group" group
left_out() {
	reloads '' "mode $(echo "${1}") -> 0666 (SocketMode= of the systemd socket unit is used instead)"
	assert_eq "$(mode "$passed_unix")" "${1#0}"
	[ $is_root = no ] || assert_eq "$(stat -c %G "$passed_unix")" games
}
step "what is left out stays as it is, and the unit is named" left_out "0$(mode "$passed_unix")"

refused() { # TEXT
	assert_status 251 ctl reload --check
	assert_match "$(cat "$dir/err")" "*$conf:$line: cannot listen on unix://$passed_unix: *$1*"
	assert_status 251 ctl reload
	assert_match "$(cat "$dir/err")" "*$conf:$line: cannot listen on unix://$passed_unix: *$1*"
	ctl status >/dev/null
}
another_file() {
	mv "$passed_unix" "$dir/aside"
	with "$(unix mode = 0640)" "listen \"tcp://127.0.0.1:$other_port\" {}"
	refused 'its file is gone*restart its socket unit*'
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$passed_unix" || return 1
	chmod 600 "$passed_unix"
	refused 'another file is at its path*'
	assert_eq "$(mode "$passed_unix")" 600
	rm "$passed_unix"
	ln -s "$dir/aside" "$passed_unix"
	before=$(mode "$dir/aside")
	refused 'another file is at its path*'
	assert_eq "$(mode "$dir/aside")" "$before"
	rm "$passed_unix"
	mv "$dir/aside" "$passed_unix"
	assert_status 0 ctl reload
	assert_eq "$(mode "$passed_unix")" 640
}
step "a file that is another one is refused, and not touched" another_file

# A listener goes, and systemd goes on to listen for it.
goes() {
	with "$(unix mode = 0640)"
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 0 ctl reload $option
		grep -qF "removed  listen tcp://127.0.0.1:$other_port" "$dir/out" || fail "$(cat "$dir/out")"
		assert_match "$(grep ^note "$dir/out")" "note     no listener uses the passed socket 'reqd.socket':\
 its clients get no answer, as systemd still listens on 127.0.0.1:$other_port. *"
	done
	logged "systemd still listens on 127.0.0.1:$other_port"
}
step "a listener that goes, while systemd still listens, is told" goes
as_json() {
	ctl --json reload | python3 -c '
import json, sys
a = json.load(sys.stdin)
assert len(a["notes"]) == 1 and a["notes"][0]["file"] == "" and a["notes"][0]["line"] == 0, a
print(a["notes"][0]["text"].split(":")[0])'
}
step "the same as JSON" assert_eq "$(as_json)" "no listener uses the passed socket 'reqd.socket'"

late() {
	with "$(unix mode = 0640)" "listen \"tcp://127.0.0.1:$other_port\" { freebind = yes  backlog = 77 }"
	assert_status 0 ctl reload
	assert_match "$(grep ^note "$dir/out")" "note     $conf:*: tcp://127.0.0.1:$other_port: 'freebind' comes\
 too late*FreeBind=yes in its socket unit"
	! command -v ss >/dev/null || assert_match "$(ss -Hltn "sport = :$other_port")" 'LISTEN 0 *77 *'
	with "$(unix mode = 0640)" "listen \"tcp://127.0.0.1:$other_port\" {}"
	assert_status 0 ctl reload
	grep -qF "freebind yes -> no (FreeBind= of the systemd socket unit is used instead)" "$dir/out" ||
	    fail "$(cat "$dir/out")"
}
step "what comes too late is told, the rest is applied" late
step "stops" stop_reqd
step "the file of the service manager stays, with its mode" assert_eq "$(mode "$passed_unix")" 640
rm "$passed_unix"

# --------------------------------------------------------- start, refused ---

start_by=
starts_not() { # TEXT SOCKET...: the words of $start_by stand before reqd
	text=$1
	shift
	# shellcheck disable=SC2086
	assert_status 71 timeout 20 python3 "$pass" "$@" -- $start_by "$reqd" -c "$conf"
	assert_match "$(cat "$dir/err")" "*$text*"
	rm -f "$passed_unix"
}
line=$(($(wc -l <"$dir/base.conf") + 1))
with 'listen "fd://web" { mode = 0600 }'
step "a mode for a TCP socket" starts_not \
    "$conf:$line: cannot listen on fd://web: systemd has passed a TCP socket, with which 'mode' does not go" \
    "web=tcp:127.0.0.1:$other_port"
with 'listen "fd://web" { ipv6-only = yes }'
step "and the other way round" starts_not "a unix socket, with which 'ipv6-only' does not go" \
    "web=unix:$passed_unix"
by_name() {
	with 'listen "fd://web" { mode = 0600 }'
	start_reqd python3 "$pass" "web=unix:$passed_unix" --
	assert_eq "$(mode "$passed_unix")" 600
	stop_reqd
}
step "by name the file has its mode, too" by_name
rm "$passed_unix"
if [ -e /proc/net/if_inet6 ] && grep -q . /proc/net/if_inet6; then
	with "listen \"tcp://[::]:$other_port\" { ipv6-only = yes }" 'insecure-open = yes'
	step "a socket for both families is not for one" starts_not \
	    "BindIPv6Only=ipv6-only in its socket unit" "web=tcp::::$other_port"
fi
without_rights() {
	with "$(unix 'owner = "games"')"
	start_by="$(command -v setpriv) --bounding-set=-chown --inh-caps=-chown"
	starts_not "(not permitted, *): set SocketUser=games in its socket unit" "web=unix:$passed_unix"
	start_by=
}
[ $is_root = no ] || step "an owner that reqd may not give" without_rights
of_another_file() {
	mkdir "$dir/more"
	with "services = \"$dir/more\""
	printf '\nlisten "fd://nobody" {}\n' >"$dir/more/listen.conf"
	starts_not "$dir/more/listen.conf:2: cannot listen on fd://nobody: *" "web=unix:$passed_unix"
}
step "the file is named that the listener is in" of_another_file

# ------------------------------------------------------------------- kept ---

# Changed between two lives of reqd, in which systemd holds the socket.
kept() {
	with "$(unix mode = 0640)"
	start_reqd env FDSTORE=64 python3 "$pass" "kept-0000000000000000-@FILE@=unix:$passed_unix" --
	assert_eq "$(mode "$passed_unix")" 640
	assert_eq "$(timeout 20 "$reqctl" -s "unix://$passed_unix" call echo hi)" hi
	stop_reqd
}
step "a kept socket has the mode of the new configuration" kept

# ------------------------------------------------------------------- lost ---

lost() {
	cp "$dir/base.conf" "$conf"
	rm -f "$passed_unix"
	many=
	for i in $(seq 1 65); do
		many="$many many$i=udp:127.0.0.1:0"
	done
	# shellcheck disable=SC2086
	start_reqd python3 "$pass" $many "last=unix:$passed_unix" --
	text="2 passed sockets could not be taken, and their clients get no answer: many65, last (64 are the most)"
	logged "reqd: $text"
	ctl reload >"$dir/out" || return 1
	grep -qF "note     $text" "$dir/out"
}
step "sockets for which there is no room are named" lost
finish
