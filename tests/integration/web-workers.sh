#!/bin/sh
# SPDX-License-Identifier: ISC
# Each protocol has workers of its own: listeners, services and deaths of one are none of
# the other's; a protocol without listeners has no workers.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 curl
need_localhost
kills=yes

web=$("$helpers/free-port")
cat >"$dir/handler.py" <<'END'
import sys
for line in sys.stdin.buffer:
    if line.startswith(b"*"):
        for _ in range(2 * int(line[1:])):
            sys.stdin.buffer.readline()
        sys.stdout.buffer.write(b"+warm\r\n")
        sys.stdout.buffer.flush()
END
chmod 755 "$dir/handler.py"
setting "listen \"http://127.0.0.1:$web\" {}"
setting "web-workers = 1"
client_services
service resp-only '"/bin/echo", "r"' 'doors = {"resp"}'
service web-only '"/bin/echo", "w"' 'doors = {"http"}'
service sleep '"/bin/sleep", "60"'
handler warm "\"/usr/bin/python3\", \"$dir/handler.py\"" \
    'processes { min = 0  idle = 1s }'
handler warm-web "\"/usr/bin/python3\", \"$dir/handler.py\"" 'doors = {"http"}' \
    'processes { min = 0  idle = 1s }'
start_reqd
at=http://127.0.0.1:$web
cp "$conf" "$dir/all.conf"

# Prints the number of workers that serve a protocol.
serving() { # KEY
	ctl --json status | python3 -c 'import json, sys
print(sum(w["state"] == "serving" for w in json.load(sys.stdin).get(sys.argv[1], [])))' "$1"
}

serve() { # WORKERS WEB
	[ "$(serving workers) $(serving web)" = "$1 $2" ]
}

status_of() { # CURL-WORD...
	curl -s -o /dev/null -w '%{http_code}' "$@"
}

# Lines of /proc/PID/fd that are sockets which listen at a port.
listens_at() { # PID PORT
	inode=$(awk -v port=":$(printf %04X "$2")" \
	    '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }' /proc/net/tcp)
	find "/proc/$1/fd" -lname "socket:\[$inode\]" | wc -l
}

have_their_own() {
	assert_eq "$(serving workers) $(serving web)" "2 1"
	for one_pid in $(role_pids worker); do
		assert_eq "$(listens_at "$one_pid" "$port") $(listens_at "$one_pid" "$web")" "1 0"
	done
	for one_pid in $(role_pids web); do
		assert_eq "$(listens_at "$one_pid" "$port") $(listens_at "$one_pid" "$web")" "0 1"
	done
	assert_match "$(ctl status)" '*WEB *PID STATE *'
}

are_offered() {
	assert_eq "$(call resp-only) $(curl -s -X POST "$at/call/web-only")" "r w"
	assert_status 247 call web-only
	assert_eq "$(status_of -X POST "$at/call/resp-only")" 404
	assert_eq "$(call warm) $(curl -s -X POST "$at/call/warm") $(curl -s -X POST "$at/call/warm-web")" \
	    "warm warm warm"
	assert_status 247 call warm-web
	! curl -s "$at/services" | grep -q resp-only
	! ctl list | grep -q web-only
}

shows_the_call() {
	[ "$(ctl --json ps | python3 -c 'import json, sys
print([(c["worker"], c["web"]) for c in json.load(sys.stdin)])')" = "[(0, True)]" ]
}

# reqctl ps shows the worker, reqctl kill reaches it.
is_seen_and_killed() {
	curl -s -X POST -o "$dir/killed" "$at/call/sleep" &
	client=$!
	until_true "$patience" shows_the_call
	ctl kill "$(ctl --json ps | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')" \
	    >/dev/null
	wait $client
	assert_match "$(cat "$dir/killed")" '*"code":"CANCELLED"*'
}

# A client of the other protocol notices nothing.
dies_alone() { # ROLE
	victim=$(role_pids "$1" | head -n 1)
	call echo before >/dev/null
	kill -KILL "$victim"
	[ "$1" != web ] || assert_eq "$(call echo x)" x
	[ "$1" != worker ] || assert_eq "$(curl -s -d text=x "$at/call/echo")" x
	until_true "$patience" serve 2 1
	assert_eq "$(curl -s -d text=x "$at/call/echo")" x
}

goes_and_comes() {
	grep -v http:// "$dir/all.conf" >"$conf"
	ctl reload >/dev/null
	until_true "$patience" serve 2 0
	assert_eq "$(role_pids web)" ""
	assert_eq "$(call echo x)" x
	sed "s#^listen \"tcp:.*##; s#^listen \"unix:.*##" "$dir/all.conf" >"$conf"
	ctl reload >/dev/null
	until_true "$patience" serve 0 1
	assert_eq "$(curl -s -d text=x "$at/call/echo")" x
	sed 's/^web-workers = .*/web-workers = 3/' "$dir/all.conf" >"$conf"
	ctl reload >/dev/null
	until_true "$patience" serve 2 3
	assert_eq "$(call echo x)" x
	cp "$dir/all.conf" "$conf"
	ctl reload >/dev/null
	until_true "$patience" serve 2 1
}

# A listener that changes its protocol goes to the other workers; who is connected stays.
changes_its_protocol() {
	sed "s#^listen \"unix:.*#listen \"unix://$dir/reqd.sock\" { mode = 0666  protocol = http }#" \
	    "$dir/all.conf" >"$conf"
	ctl reload >/dev/null
	until_true "$patience" test "$(curl -s --unix-socket "$dir/reqd.sock" -d text=x http://x/call/echo)" = x
	cp "$dir/all.conf" "$conf"
	ctl reload >/dev/null
	assert_eq "$("$reqctl" -s "$dir/reqd.sock" call echo x)" x
}

step "each protocol has its workers and its sockets" have_their_own
step "a service is offered where its doors are" are_offered
step "ps and kill know workers of HTTP" is_seen_and_killed
step "a web worker that is killed costs RESP nothing" dies_alone web
step "a worker that is killed costs HTTP nothing" dies_alone worker
step "workers go and come with the listeners of their protocol" goes_and_comes
step "a listener changes its protocol" changes_its_protocol
# Two workers were killed, so their descriptors are not the first ones.
fds_before=$(settled_fds)
finish
