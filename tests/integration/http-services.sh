#!/bin/sh
# SPDX-License-Identifier: ISC
# Services have paths, types and statuses of HTTP; calls go on without their clients and are
# asked for later, at any worker; passwords and the word of a proxy say who calls; before a
# stop readiness goes.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 curl
need_localhost
kills=yes

web=$("$helpers/free-port")
setting "listen \"http://127.0.0.1:$web\" {}"
setting "listen \"unix://$dir/front.sock\" { protocol = http  mode = 0660"
setting '  proxy { from = {"unix"}  user = "X-Remote-User"  address = "X-Forwarded-For" } }'
setting "web-workers = 2"
setting "drain-delay = 20s"
setting "logins = \"$dir/logins\""
setting 'watch = {"monitoring"}'
setting 'role "people" { login = {"alice", "zoe"} }'
setting 'role "monitoring" { login = {"mo"} }'
setting 'role "place" { net = {"203.0.113.0/24"} }'
service deploy '"/bin/sh", "-c", "echo \"$1\"; test \"$1\" != bad || exit 3", "sh", "{app}"' \
    'argument "app" {}  http { path = "/deploy/{app}"  status = {"3=409"}  type = "text/csv" }'
service ticks '"/bin/sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.05; done"' 'http { stream = yes }'
service slow '"/bin/sh", "-c", "read -r go <'"$dir"'/go; echo ran >>'"$dir"'/ran; echo done"'
service sleep '"/bin/sleep", "60"'
service who '"/bin/sh", "-c", "echo $REQD_CALLER"'
service far '"/bin/sh", "-c", "echo $REQD_CALLER"'
sed -e '/service "who"/,/^}/s/allow = .*/allow = {"people"}/' \
    -e '/service "far"/,/^}/s/allow = .*/allow = {"place"}/' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
umask 077
: >"$dir/logins"
umask 022
: >"$dir/ran"
mkfifo -m 666 "$dir/go"
chmod 666 "$dir/ran"
start_reqd
at=http://127.0.0.1:$web

status_of() { # CURL-WORD...
	curl -s -m 20 -o "$dir/body" -w '%{http_code}' "$@"
}

has_paths() {
	assert_eq "$(curl -s -X POST "$at/deploy/shop%20a")" "shop a"
	assert_match "$(curl -s -i -X POST "$at/deploy/shop")" '*Content-Type: text/csv*'
	assert_eq "$(status_of -X POST "$at/deploy/bad")" 409
	assert_match "$(cat "$dir/body")" '*"status":409,*"ran":"yes"*'
	assert_eq "$(status_of -X POST "$at/deploy/shop/x") $(status_of "$at/deploy/shop")" "404 405"
	assert_eq "$(curl -sN -X POST "$at/call/ticks" | tr '\n' ' ')" "1 2 3 "
	assert_match "$(curl -s -i -X POST "$at/call/ticks")" '*Transfer-Encoding: chunked*'
}

explains() {
	assert_match "$(curl -s "$at/why/slow")" '{"outcome":null,"why":"You may call slow: *'
	assert_match "$(curl -s "$at/why/nothing")" '{"outcome":"denied",*'
	assert_match "$(curl -s "$at/status")" '*"name":"slow"*'
	! curl -s "$at/status" | grep -q '"who"\|"workers"'
}

# The result of a call that may go on; empty while it does.
result_of() { # PLACE
	[ "$(status_of "$at$1")" = 200 ] && cat "$dir/body"
}

has_result() {
	[ -n "$(result_of "$1")" ]
}

goes_on_alone() {
	place=$(curl -s -i -X POST -H 'Prefer: respond-async' "$at/call/slow" |
	    tr -d '\r' | sed -n 's/^Location: //p')
	assert_match "$place" "/calls/slow:*"
	# Each connection may come to another worker.
	for _ in 1 2 3 4 5 6; do
		assert_eq "$(status_of "$at$place")" 202
	done
	echo go >"$dir/go"
	until_true "$patience" has_result "$place"
	for _ in 1 2 3 4 5 6; do
		assert_eq "$(result_of "$place")" "done"
	done
	assert_match "$(curl -s -H 'Accept: application/json' "$at$place")" '{"status":0,*"stdout":"done\\u000a"*'
	assert_eq "$(wc -l <"$dir/ran")" 1
	# The token is the caller's own.
	assert_eq "$(status_of "$at/calls/deploy:none")" 404
	assert_eq "$(curl -s --unix-socket "$dir/front.sock" -H 'X-Remote-User: zoe' \
	    -H 'X-Forwarded-For: 127.0.0.1' -o "$dir/body" -w '%{http_code}' "http://x$place")" 404
}

waits_a_little() {
	assert_eq "$(curl -s -X POST -H 'Prefer: respond-async, wait=10' "$at/deploy/x")" x
	assert_eq "$(status_of -X POST -H 'Prefer: respond-async, wait=1' \
	    -H 'Idempotency-Key: "nap"' "$at/call/sleep")" 202
	assert_eq "$(status_of "$at/calls/sleep:nap")" 202
	assert_eq "$(status_of -X DELETE "$at/calls/sleep:nap")" 204
	until_true "$patience" is_cancelled
	assert_eq "$(status_of -X DELETE "$at/calls/sleep:nap")" 404
	until_true "$patience" no_programs
}

is_cancelled() {
	[ "$(status_of "$at/calls/sleep:nap")" = 500 ] && grep -q CANCELLED "$dir/body"
}

# A worker ends with its calls.
ends_with_its_worker() {
	assert_eq "$(status_of -X POST -H 'Prefer: respond-async' -H 'Idempotency-Key: "lost"' \
	    "$at/call/sleep")" 202
	for one_pid in $(role_pids web); do
		kill -KILL "$one_pid"
	done
	until_true "$patience" no_programs
	until_true "$patience" is_unknown
}

is_unknown() {
	[ "$(status_of "$at/calls/sleep:lost")" = 404 ]
}

takes_passwords() {
	echo "correct horse" >"$dir/password"
	ctl passwd alice <"$dir/password" >/dev/null
	ctl passwd mo <"$dir/password" >/dev/null
	assert_eq "$(status_of -X POST "$at/call/who")" 401
	for _ in 1 2 3 4 5 6 7 8; do
		assert_eq "$(curl -s -u 'alice:correct horse' -X POST "$at/call/who")" login:alice
	done
	assert_eq "$(status_of -u 'alice:wrong' -X POST "$at/call/who")" 401
	assert_eq "$(status_of -X POST "$at/call/who")" 401
	grep -q 'login failed for "alice" from 127.0.0.1 on http://127.0.0.1' "$log"
	! grep -q "correct horse" "$log"
	assert_match "$(curl -s -u 'mo:correct horse' "$at/status")" '*"workers":*"name":"who"*'
	curl -s -u 'mo:correct horse' "$at/metrics" | grep -q '^reqd_requests_total{service="who"'
	assert_eq "$(status_of -u 'mo:correct horse' -X POST "$at/call/who")" 404
}

front() { # USER ADDRESS PATH
	curl -s -m 20 --unix-socket "$dir/front.sock" -H "X-Remote-User: $1" \
	    -H "X-Forwarded-For: 198.51.100.7, $2" -X POST "http://x$3"
}

believes_a_proxy() {
	assert_eq "$(front zoe 203.0.113.9 /call/who)" login:zoe
	assert_eq "$(curl -s --unix-socket "$dir/front.sock" -H "X-Remote-User;" \
	    -H "X-Forwarded-For: 203.0.113.9" -X POST http://x/call/far)" addr:203.0.113.9
	assert_eq "$(curl -s --unix-socket "$dir/front.sock" -X POST -o "$dir/body" -w '%{http_code}' \
	    http://x/call/far)" 400
	# Clients of other listeners are not believed.
	assert_eq "$(status_of -H 'X-Remote-User: zoe' -H 'X-Forwarded-For: 203.0.113.9' \
	    -X POST "$at/call/far")" 401
}

is_unready() {
	[ "$(status_of "$at/readyz")" = 503 ]
}

leaves_slowly() {
	assert_eq "$(status_of "$at/readyz")" 200
	kill -TERM "$reqd_pid"
	until_true "$patience" is_unready
	assert_eq "$(status_of "$at/healthz") $(curl -s -X POST "$at/deploy/x")" "200 x"
	assert_match "$(ctl --json status)" '*"state": *"stopping"*'
}

step "services have paths, types and statuses" has_paths
step "the server explains" explains
step "a call goes on without its client" goes_on_alone
step "a client may wait a little, and cancel" waits_a_little
step "passwords say who calls" takes_passwords
step "a proxy says who calls" believes_a_proxy
step "a call without a client ends with its worker" ends_with_its_worker
fds_before=$(settled_fds)
step "before a stop readiness goes" leaves_slowly
finish
