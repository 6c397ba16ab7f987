#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-says-what-changes: reqctl reload prints what has changed, and
# reqctl reload --check what would change or be refused, doing nothing.
. "${srcdir:-.}/tests/integration/lib.sh"

need nc python3
second_port=$("$helpers/free-port")
third_port=$("$helpers/free-port")
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
service gone '"/bin/true"'
cp "$conf" "$dir/base.conf"
start_reqd

# Everything that can change, once. $control and $dir stay what they are.
other_conf() {
	sed -e 's/^workers = .*/workers = 3/' -e 's/level = .*/level = debug/' \
	    -e 's/^role "local".*/role "local" { net = {"127.0.0.1\/32", "unix"} }/' \
	    -e 's/{ mode = 0666 }/{\nmode = 0600\nsend-buffer = 64K\n}/' \
	    -e 's/"{text}"}/"{text}", "more"}\n\ttimeout = 9s/' \
	    -e '/^service "gone"/,/^}/d' "$dir/base.conf"
	echo "listen \"tcp://127.0.0.1:$second_port\" {}"
	echo 'role "more" { user = {"root"} }'
	conf=$dir/added service added '"/bin/true"'
	cat "$dir/added"
}
other_conf >"$dir/other.conf"

cat >"$dir/changes" <<END
changed  workers 2 -> 3
changed  log: level info -> debug
changed  listen unix://$dir/reqd.sock: send-buffer 0 -> 64K, mode 0666 -> 0600
added    listen tcp://127.0.0.1:$second_port
changed  role local: net
added    role more
added    service added
changed  service echo: command, timeout 1m -> 9s
removed  service gone
END

# Prints the state that must not change by a check.
state() {
	ctl --json status | python3 -c '
import json, sys
s = json.load(sys.stdin)
print(s["generation"], [w["pid"] for w in s["workers"]], s["listeners"])' | sed "s/'connections[a-z_]*': [0-9]*//g"
	stat -c '%a %i' "$dir/reqd.sock"
	find "$dir" -type s | sort
}

says_would() {
	cp "$dir/other.conf" "$conf"
	state >"$dir/before"
	assert_status 0 ctl reload --check
	assert_eq "$(head -n 1 "$dir/out")" "$conf: ok, a reload would change this:"
	assert_eq "$(tail -n +2 "$dir/out")" "$(cat "$dir/changes")"
	state >"$dir/after"
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
	call gone
}
step "a check says what would change and changes nothing" says_would

as_json() { # [OPTION]...: the shape of the answer
	ctl --json reload "$@" | python3 -c '
import json, sys
a = json.load(sys.stdin)
assert a["file"].endswith("/reqd.conf") and a["generation"] >= 1, a
for c in a.get("changes", []):
    assert c["change"] in ("added", "removed", "changed"), c
    assert (c["change"] == "changed") == ("keys" in c), c
print(a["ok"], a["check"], len(a["changes"]), a["changes"][0] if a["changes"] else "")'
}
json_would() {
	assert_eq "$(as_json --check)" "True True 9 {'section': '', 'change': 'changed', 'keys': [{'key': 'workers', 'from': '2', 'to': '3'}]}"
}
step "the same as JSON" json_would

says_done() {
	assert_status 0 ctl reload
	assert_eq "$(head -n 1 "$dir/out")" "configuration 2 is in use"
	assert_eq "$(tail -n +2 "$dir/out")" "$(cat "$dir/changes")"
	! call gone >/dev/null 2>&1 || return 1
	timeout 60 "$reqctl" -s "tcp://127.0.0.1:$second_port" ping >/dev/null
}
step "a reload says it when it is done" says_done

nothing() {
	assert_status 0 ctl reload --check
	assert_eq "$(cat "$dir/out")" "$conf: ok, a reload would change nothing"
	assert_status 0 ctl reload
	assert_eq "$(cat "$dir/out")" "configuration 3 is in use, nothing has changed"
	assert_eq "$(as_json)" "True False 0 "
}
step "nothing is said to be nothing" nothing

n_later() { # N: so many lines of the log say that something takes effect later
	[ "$(grep -c 'takes effect at the next start' "$log")" -eq "$1" ]
}

# A setting that an open socket keeps is marked, and the log says it too.
at_start() {
	sed -i -e 's/^send-buffer.*//' -e "s/:$second_port\" {}/:$second_port\" { freebind = yes }/" "$conf"
	later='(takes effect at the next start of reqd)'
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 0 ctl reload $option
		assert_eq "$(tail -n +2 "$dir/out")" "changed  listen unix://$dir/reqd.sock: send-buffer 64K -> 0 $later
changed  listen tcp://127.0.0.1:$second_port: freebind no -> yes $later"
		# The log is written by another process.
		until_true "$patience" n_later "$([ -n "$option" ] && echo 0 || echo 2)" ||
		    fail "other lines in the log"
	done
}
step "what needs a new start is marked so" at_start

# Sockets that only the system can refuse are all reported at once, and leave no
# trace.
cat >"$dir/refused" <<END
reqctl: $conf:LINE: cannot listen on unix://$dir/not/there.sock: its directory does not exist
reqctl: $conf:LINE: cannot listen on unix://$dir/base.conf: the path exists and is no socket
reqctl: $conf:LINE: cannot listen on fd://nobody: systemd has passed no stream socket named 'nobody' (FileDescriptorName= in the socket unit)
reqctl: $conf:LINE: cannot listen on tcp://127.0.0.1:$port: Address already in use
END
refused() {
	{
		sed "s/tcp:..127.0.0.1:$port/tcp:\/\/127.0.0.1:$second_port/" "$dir/base.conf"
		echo "listen \"unix://$dir/new.sock\" {}"
		for url in "unix://$dir/not/there.sock" "unix://$dir/base.conf" fd://nobody \
		    "tcp://127.0.0.1:$taken"; do
			echo "listen \"$url\" {}"
		done
	} >"$conf"
	line=$(wc -l <"$dir/base.conf")
	state >"$dir/before"
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 251 ctl reload $option
		for n in 1 2 3 4; do
			sed "s/LINE/$((line + n + 1))/; s/:$port:/:$taken:/" "$dir/refused" | sed -n ${n}p
		done >"$dir/wanted"
		assert_eq "$(head -n 4 "$dir/err")" "$(cat "$dir/wanted")"
		assert_eq "$(tail -n +5 "$dir/err")" "reqctl: $([ -n "$option" ] &&
		    echo 'a reload would be refused' ||
		    echo 'nothing was changed, the old configuration is still in use')"
	done
	state >"$dir/after"
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
}
# A port that somebody else has.
mkfifo "$dir/taken"
python3 -c '
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
sys.stdin.read()' <"$dir/taken" >"$dir/taken-port" &
background=$!
exec 8>"$dir/taken"
until_true "$patience" test -s "$dir/taken-port" || fail "no port"
taken=$(cat "$dir/taken-port")
step "what the system would refuse is found without doing it" refused
exec 8>&-

# would_add URL...: the configuration with these listeners as well.
would_add() {
	{
		cat "$dir/base.conf"
		echo 'insecure-open = yes'
		for url; do
			echo "listen \"$url\" {}"
		done
	} >"$conf"
}

# Two new ones that are in nobody's way but each other's.
collide() { # PORT
	for pair in "127.0.0.1 *" "* 127.0.0.1"; do
		first=tcp://${pair% *}:$1
		second=tcp://${pair#* }:$1
		would_add "$first" "$second"
		state >"$dir/before"
		for option in --check ''; do
			# shellcheck disable=SC2086
			assert_status 251 ctl reload $option
			assert_eq "$(head -n 1 "$dir/err")" "reqctl: $conf:$(wc -l <"$conf"): cannot listen on $second: Address already in use"
		done
		state >"$dir/after"
		assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
	done
}
step "so are new listeners that collide with each other" collide "$third_port"

# The same file under two names.
collide_files() {
	would_add "unix://$dir/new.sock" "unix://$dir/same/new.sock" "unix://$dir/same/more.sock"
	sed "s|^control .*|control { path = \"$dir/more.sock\" }|" "$conf" >"$dir/more.conf"
	state >"$dir/before"
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 251 ctl reload $option
		assert_eq "$(head -n -1 "$dir/err")" \
		    "reqctl: $conf:$(($(wc -l <"$conf") - 1)): cannot listen on unix://$dir/same/new.sock: another server answers there"
	done
	sed '/same.new/d' "$dir/more.conf" >"$conf"
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 251 ctl reload $option
		assert_eq "$(head -n 1 "$dir/err")" "reqctl: cannot open the control socket $dir/more.sock: another server answers there"
	done
	state >"$dir/after"
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
}
ln -s . "$dir/same"
step "and two names of one socket file" collide_files

# A directory that the reload itself would make.
comes() {
	would_add "unix://$dir/made/new.sock"
	sed -i "s|^runtime-directory.*|runtime-directory = \"$dir/made\"|" "$conf"
	state >"$dir/before"
	assert_status 0 ctl reload --check
	assert_match "$(cat "$dir/out")" "*added *listen unix://$dir/made/new.sock*"
	state >"$dir/after"
	assert_eq "$(cat "$dir/after")" "$(cat "$dir/before")"
	[ ! -e "$dir/made" ]
}
step "a runtime directory may be still to come" comes

# A connection that the kernel keeps for a minute after its end is in nobody's
# way.
worn() {
	would_add "tcp://127.0.0.1:$1"
	assert_status 0 ctl reload --check
	assert_match "$(cat "$dir/out")" "*added *listen tcp://127.0.0.1:$1*"
}
worn_port=$(python3 -c '
import socket
s = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(s.getsockname())
s.accept()[0].close()
client.close()
print(s.getsockname()[1])')
step "a port of a connection that has ended is free" worn "$worn_port"
step "and taken by the first that wants it" collide "$worn_port"

# Errors in the text: the same lines from both.
errors() {
	{
		cat "$dir/base.conf"
		echo 'timeot = 5s'
		echo 'workers = x'
	} >"$conf"
	for option in --check ''; do
		# shellcheck disable=SC2086
		assert_status 251 ctl reload $option
		assert_eq "$(grep -c "^reqctl: $conf:[0-9]*: " "$dir/err")" 2
	done
	status=0
	ctl --json reload --check >"$dir/out" || status=$?
	assert_eq $status 251
	assert_eq "$(python3 -c '
import json, sys
a = json.load(sys.stdin)
print(a["ok"], a["check"], [sorted(e) for e in a["errors"]])' <"$dir/out")" \
	    "False True [['file', 'line', 'text'], ['file', 'line', 'text']]"
}
step "errors are the same" errors

odd_words() {
	assert_match "$(printf 'RELOAD NOW\r\n' | timeout 20 nc -N -U "$control")" '-BADARG *'
	assert_match "$(printf 'RELOAD CHECK NOW\r\n' | timeout 20 nc -N -U "$control")" '-BADARG *'
	assert_status 255 ctl reload now
}
step "reload takes no other word" odd_words

workers_are() {
	[ "$(role_pids worker | wc -l)" -eq "$1" ]
}
back() {
	cp "$dir/base.conf" "$conf"
	ctl reload >"$dir/out" && until_true "$patience" workers_are 2
}
step "and back" back
# The page of statistics of a third worker stays.
fds_before=$(settled_fds)
finish
