#!/bin/sh
# SPDX-License-Identifier: ISC
# limits: limits of roles and listeners for one caller or one source hold over all workers,
# a refusal names the limit and the time, and others notice nothing.
workers=3
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

py() {
	timeout 240 python3 "$top_srcdir/tests/integration/limits.py" "$@"
}

umask 077
for login in hourly second two three plain leaver; do
	python3 "$top_srcdir/tests/integration/logins.py" line $login "$dir/$login.token" >>"$dir/logins"
done
mkdir "$dir/home"
echo "three:$(HOME=$dir/home "$reqctl" keygen)" >>"$dir/logins"
echo "correct horse $(od -An -tx8 -N8 /dev/urandom | tr -d " ")" >"$dir/three.password"
umask 022

proxied=$("$helpers/free-port")
setting "listen \"tcp://127.0.0.1:$proxied\" { proxy-from = {\"127.0.0.1\"}  source-strangers = 4
  source-connections = 9 }"
sealed=$("$helpers/free-port")
"$reqctl" keygen --server "$dir/tls" >/dev/null
setting "listen \"tls://127.0.0.1:$sealed\" { proxy-from = {\"127.0.0.1\"}  source-handshakes = 2
  source-strangers = 0  certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
keyed=$("$helpers/free-port")
setting "listen \"tls://127.0.0.1:$keyed\" { certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
web=$("$helpers/free-port")
setting "listen \"http://127.0.0.1:$web\" {}"
setting 'logins = "logins"'
setting 'role "hourly" { login = {"hourly"}  rate = 5/h }'
setting 'role "second" { login = {"second"}  rate = 2/s }'
setting 'role "two" { login = {"two"}  calls = 2 }'
setting 'role "three" { login = {"three"}  connections = 3 }'
setting 'role "plain" { login = {"plain", "leaver"} }'
setting 'role "far" { net = {"203.0.113.0/24"} }'
setting 'role "here" { net = {"unix"}  rate = 3/h  calls = 1  connections = 2 }'
service ping '"/bin/true"'
service hold '"/bin/sh", "-c", "echo x >>'"$dir"'/held; exec sleep 600"'
service open '"/bin/true"'
handler slow '"/usr/bin/python3", "'"$dir"'/slow.py"' 'on-disconnect = kill' \
    'processes { min = 0  max = 1  idle = 100ms }'
service socket '"/bin/true"'
service trace '"/bin/sh", "-c", "echo x >>'"$dir"'/traced"'
service narrow '"/bin/sh", "-c", "echo x >>'"$dir"'/narrow; exec sleep 600"' 'concurrency = 1' \
    'queue-timeout = 10m' 'timeout = 10m'
: >"$dir/held"
: >"$dir/narrow"
: >"$dir/traced"
chmod 666 "$dir/held" "$dir/narrow" "$dir/traced"
sed 's/allow = {"local"}/allow = {"hourly", "second", "two", "three", "plain", "far"}/' "$conf" |
    grep -v '^role "local"' >"$conf.new"
mv "$conf.new" "$conf"
sed '/service "socket"/,/^}/s/allow = .*/allow = {"here"}/' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
# A role without a limit opens this one without a limit.
sed '/service "open"/,/^}/s/allow = .*/allow = {"hourly", "plain"}/' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
cat >"$dir/slow.py" <<'END'
import sys, time
data = sys.stdin.buffer
while True:
    line = data.readline()
    if not line:
        break
    words = []
    for _ in range(int(line[1:])):
        n = int(data.readline()[1:])
        words.append(data.read(n + 2)[:-2])
    time.sleep(600)
END
start_reqd

limited() {
	"$reqctl" --json --control "$control" status | tr ',' '\n' |
	    sed -n 's/.*"over_limit": *\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n }'
}

step "a rate holds over three workers" py rate "$port" "$dir/hourly.token" "$dir/plain.token"
step "... and is there again in time" py again "$port" "$dir/second.token"
step "calls at a time hold over three workers" py calls "$port" "$dir/two.token"
step "connections of a login hold over three workers" py connections "$port" "$dir/three.token" \
    "$dir/plain.token"
passwd() { # LOGIN FILE
	ctl passwd "$1" <"$2"
}
step "a login has a password, too" passwd three "$dir/three.password"
has_auth() {
	[ -n "$(role_pids auth)" ]
}
until_true "$patience" has_auth
until_true "$patience" ctl status >/dev/null
fds_before=$(settled_fds)
step "nothing runs for a connection too many" py nothing_runs "$port" "$web" "$keyed" \
    "$dir/three.token" "$dir/traced"
step "strangers of one source" py strangers "$proxied"
step "handshakes of one source hold over three workers" py handshakes "$sealed"
step "refusals are counted" test "$(limited)" -ge 8
why_names_limits() {
	ctl why ping login:hourly | grep -qF "Limits: 5/h by role 'hourly'." &&
	    ctl why ping login:two | grep -qF "Limits: 2 calls at a time by role 'two'." &&
	    ctl why ping login:three | grep -qF "Limits: 3 connections by role 'three'." &&
	    ! ctl why ping login:plain | grep -q Limits
}
step "reqctl why names the limits" why_names_limits
refusals_are_logged() {
	grep -q "caller=login:hourly .*outcome=busy .*role 'hourly' allows, 5/h" "$log" &&
	    grep -q "refused 127.0.0.1:[0-9]* on tcp://.*: a role of the caller allows no more connections" "$log" &&
	    grep -q "refused 198.51.100.7:[0-9]* on tcp://.*: source-strangers of the listener is reached" "$log"
}
step "refusals are in the log" until_true "$patience" refusals_are_logged

# The account of reqd and root have no limits; others on the socket have.
if [ $is_root = yes ]; then
	admin_is_free() {
		for _ in 1 2 3 4 5; do
			"$reqctl" -s "$dir/reqd.sock" call ping || return 1
		done
	}
	step "root has no limits" admin_is_free
	# An account on the unix socket: three calls an hour, by a role of its place.
	one() {
		setpriv --reuid=nobody --clear-groups "$reqctl" -s "$dir/reqd.sock" call socket >/dev/null 2>"$dir/err"
	}
	account_is_limited() {
		one && one && one || return 1
		! one && grep -q "role 'here' allows, 3/h" "$dir/err"
	}
	if command -v setpriv >/dev/null && chmod 755 "$dir" &&
	    setpriv --reuid=nobody --clear-groups "$reqctl" -s "$dir/reqd.sock" ping >/dev/null 2>&1; then
		step "an account has those of its role" account_is_limited
	fi
fi

# Waiting requests of a login that a reload takes away do not start any more.
step "a revoked login starts nothing that waits" py revoke "$port" "$dir/leaver.token" \
    "$dir/plain.token" "$dir/logins" "$reqctl" --control "$control"

# A reload changes limits for callers who are connected.
reloaded() {
	sed -i 's|rate = 5/h|rate = 9/h|' "$conf"
	ctl reload | grep -qF 'role hourly: rate 5/h -> 9/h' || return 1
	py more "$port" "$dir/hourly.token"
}
step "a reload raises a rate" reloaded

# Each kind of refusal is an event of the log.
events() {
	sed -i 's|^  level = info|&\n  format = json|' "$conf"
	ctl reload >/dev/null || return 1
	py strangers "$proxied"
	py handshakes "$sealed" 198.51.100.20
	py wrong "$proxied" "$sealed"
	py connections "$port" "$dir/three.token" "$dir/plain.token"
	for event in strangers-limited source-limited handshakes-limited proxy-refused \
	    handshake-failed caller-limited; do
		until_true "$patience" grep -q "\"message\":\"refused .*\"event\":\"$event\"" "$log" ||
		    fail "no event $event"
	done
}
step "refusals are events" events
finish
