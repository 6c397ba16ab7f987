#!/bin/sh
# SPDX-License-Identifier: ISC
# Services are called by HTTP clients as they come: curl, wget, Python, node, ab; a page of
# another origin starts nothing; hostile bytes are refused and nothing runs.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 curl
need_localhost

py() {
	timeout 120 python3 "$top_srcdir/tests/integration/web-client.py" "$@"
}

umask 077
timeout 120 python3 "$top_srcdir/tests/integration/logins.py" line alice "$dir/alice.token" \
    label=laptop >"$dir/logins"
mkdir "$dir/home"
echo "carol:$(HOME=$dir/home "$reqctl" keygen)" >>"$dir/logins"
umask 022
web=$("$helpers/free-port")
web_tls=$("$helpers/free-port")
"$reqctl" keygen --server "$dir/tls" >/dev/null
setting "listen \"http://127.0.0.1:$web\" { hosts = {\"reqd.example\"}  origins = {\"https://dash.example\"}"
setting "  request-limit = 128K  argument-limit = 64K }"
setting "listen \"unix://$dir/web.sock\" { protocol = http  mode = 0666 }"
setting "listen \"https://127.0.0.1:$web_tls\" { certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
setting "logins = \"logins\""
setting 'role "people" { login = {"alice"} }'
service echo '"/bin/echo", "{text}"' 'effects = none  argument "text" { type = text  optional = yes }'
service cat '"/bin/cat"' 'input = optional'
service count '"/usr/bin/wc", "-c"' 'input = required'
service fail '"/bin/sh", "-c", "echo out; echo went wrong >&2; exit 3"'
service ticks '"/bin/sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.05; done"'
service note '"/bin/sh", "-c", "echo ran >>'"$dir"'/ran"'
service names '"/bin/sh", "-c", "env | grep REQD_META | sort"'
service who '"/bin/sh", "-c", "echo $REQD_CALLER"' 'deny = {"none"}'
service copy '"/bin/sh", "-c", "cat >'"$dir"'/copied && echo whole >>'"$dir"'/copied"' 'input = optional'
service sleep '"/bin/sleep", "60"'
setting 'role "none" { login = {"nobody"} }'
sed '/service "who"/,/^}/s/allow = .*/allow = {"people"}/' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
: >"$dir/ran"
: >"$dir/copied"
chmod 666 "$dir/ran" "$dir/copied"
start_reqd
at=http://127.0.0.1:$web

# The status of an answer.
status_of() { # CURL-WORD...
	curl -s -o "$dir/body" -w '%{http_code}' "$@"
}

uses_curl() {
	assert_eq "$(curl -s "$at/call/echo?text=a%20b")" "a b"
	assert_eq "$(curl -s -d text=a+b "$at/call/echo")" "a b"
	assert_eq "$(curl -s -H 'Content-Type: application/json' -d '{"text":"a b"}' "$at/call/echo")" "a b"
	assert_match "$(curl -s --json '{"text":"x"}' "$at/call/echo")" '{"status":0,*"stdout":"x\\u000a",*'
	assert_eq "$(curl -s --unix-socket "$dir/web.sock" "http://any/call/echo?text=x")" x
	assert_eq "$(curl -sk "https://127.0.0.1:$web_tls/call/echo?text=x")" x
	assert_eq "$(curl -s --http1.0 "$at/call/echo?text=x")" x
	assert_eq "$(curl -s -H 'Host: reqd.example' "$at/call/echo?text=x")" x
	assert_eq "$(status_of -X POST "$at/call/fail")" 500
	assert_match "$(cat "$dir/body")" '*"code":"EXIT","detail":"went wrong","ran":"yes"*'
	assert_eq "$(status_of -I "$at/call/echo")" 200
	assert_eq "$(status_of "$at/call/fail")" 405
}

uses_input() {
	head -c 3000000 /dev/urandom >"$dir/big"
	assert_eq "$(curl -s -X POST -T "$dir/big" "$at/call/count")" 3000000
	assert_eq "$(curl -s -X POST -T - "$at/call/count" <"$dir/big")" 3000000
	assert_eq "$(curl -s -X POST -H 'Expect:' -T "$dir/big" "$at/call/count")" 3000000
	curl -s -X POST -T "$dir/big" "$at/call/cat" | cmp - "$dir/big"
	assert_eq "$(curl -s -X POST "$at/call/count")" 0
	assert_eq "$(status_of -T "$dir/big" "$at/call/count")" 405
}

# A program that copies its input must not take a half for the whole.
cuts_input() {
	py cut "$web" "$dir/copied"
	until_true "$patience" no_programs
	assert_eq "$(cat "$dir/copied")" begin
}

uses_streams() {
	assert_eq "$(curl -sN -X POST -H 'Reqd-Stream: raw' "$at/call/ticks")" "1
2
3"
	curl -sN -X POST -H 'Accept: text/event-stream' "$at/call/ticks" >"$dir/events"
	assert_eq "$(grep -c '^event: stdout$' "$dir/events")" 3
	assert_eq "$(grep -c '^event: end$' "$dir/events")" 1
	curl -sN -X POST -H 'Accept: application/x-ndjson' "$at/call/ticks" >"$dir/lines"
	assert_eq "$(wc -l <"$dir/lines")" 4
}

uses_names() {
	assert_eq "$(curl -s -X POST -H 'Reqd-Meta-Ticket-No: 7' -H 'X-Request-Id: abc' \
	    -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' "$at/call/names")" \
	    "REQD_META_REQUEST_ID=abc
REQD_META_TICKET_NO=7
REQD_META_TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	assert_eq "$(curl -s -X POST -H 'traceparent: 00-0-0-01' "$at/call/names")" ""
}

# The token works here, over TLS and on a unix socket; each request stands for itself.
uses_tokens() {
	token=$(cat "$dir/alice.token")
	assert_eq "$(curl -s -X POST -H "Authorization: Bearer $token" "$at/call/who")" login:alice
	assert_eq "$(curl -sk -X POST -H "Authorization: Bearer $token" "https://127.0.0.1:$web_tls/call/who")" \
	    login:alice
	assert_eq "$(status_of -X POST "$at/call/who")" 401
	assert_eq "$(status_of -X POST -H "Authorization: Bearer ${token}x" "$at/call/who")" 401
	grep -q 'login failed for "default" from 127.0.0.1 on http://127.0.0.1' "$log"
	! grep -q "$token" "$log"
	py requests "$web" "$dir/alice.token"
}

# Every line is one that Prometheus reads; the figures are those of all workers.
shows_figures() {
	curl -s "$at/metrics" >"$dir/metrics"
	grep -qx 'reqd_requests_total{service="fail",outcome="exit"} 1' "$dir/metrics"
	grep -qx 'reqd_requests_failed_total{service="fail"} 1' "$dir/metrics"
	grep -qx 'reqd_request_duration_seconds_bucket{service="fail",le="+Inf"} 1' "$dir/metrics"
	grep -q '^reqd_connections{listener="http://127.0.0.1:[0-9]*"} 1$' "$dir/metrics"
	! grep -q 'service="who"' "$dir/metrics"
	! grep -vE '^(# (HELP|TYPE) reqd_[a-z_]+ .*|reqd_[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? [0-9.]+)$' \
	    "$dir/metrics"
	assert_eq "$(status_of -I "$at/metrics")" 200
}

# One id, one run.
uses_ids() {
	: >"$dir/ran"
	for _ in 1 2 3; do
		curl -s -X POST -H 'Idempotency-Key: "once"' "$at/call/note"
	done
	assert_eq "$(wc -l <"$dir/ran")" 1
}

pages_start_nothing() {
	: >"$dir/ran"
	assert_eq "$(status_of -X POST -H 'Origin: https://evil.example' "$at/call/note")" 403
	assert_eq "$(status_of -X POST -H 'Origin: null' "$at/call/note")" 403
	assert_eq "$(status_of -X POST -H 'Sec-Fetch-Site: cross-site' "$at/call/note")" 403
	assert_eq "$(status_of -X POST -H 'Host: evil.example' "$at/call/note")" 421
	assert_eq "$(status_of -X POST -H 'Host: evil.example' -H 'Origin: http://evil.example' \
	    "$at/call/note")" 403
	assert_eq "$(status_of -X POST -H 'Origin: https://evil.example' -H 'Content-Type: text/plain' \
	    -d x "$at/call/note")" 403
	assert_eq "$(wc -l <"$dir/ran")" 0
	assert_eq "$(status_of -X POST -H 'Origin: https://dash.example' "$at/call/note")" 200
	assert_eq "$(wc -l <"$dir/ran")" 1
}

uses_others() {
	assert_eq "$(wget -qO- "$at/call/echo?text=x")" x
	assert_eq "$(wget -qO- --post-data=text=x "$at/call/echo")" x
}

uses_node() {
	cat >"$dir/fetch.mjs" <<-'END'
	const [at] = process.argv.slice(2);
	const answer = await fetch(at + "/call/echo", { method: "POST",
	    headers: { "content-type": "application/json", accept: "application/json" },
	    body: JSON.stringify({ text: "x" }) });
	const map = await answer.json();
	const stop = new AbortController();
	const late = fetch(at + "/call/sleep", { method: "POST", signal: stop.signal });
	setTimeout(() => stop.abort(), 200);
	const end = await late.then(() => "answered", e => e.name);
	console.log(answer.status, map.stdout.trim(), end);
	END
	assert_eq "$(timeout 60 node "$dir/fetch.mjs" "$at")" "200 x AbortError"
	until_true "$patience" no_programs
}

uses_ab() {
	ab -q -k -n 2000 -c 8 "$at/healthz" >"$dir/ab" 2>&1
	assert_eq "$(awk '/^Failed requests/ { print $3 } /^Keep-Alive requests/ { print $3 }' "$dir/ab" | sort -n | tr '\n' ' ')" \
	    "0 2000 "
	assert_eq "$(grep -c 'Non-2xx' "$dir/ab")" 0
}

step "curl calls services" uses_curl
step "Prometheus gets figures" shows_figures
step "the body is input" uses_input
step "half an input does not look whole" cuts_input
step "output comes as it is made" uses_streams
step "names of other systems go to the program" uses_names
step "a token says who calls" uses_tokens
step "a key says who calls, until it goes" py key "$web_tls" "$dir/home/.config/reqctl/id.pem" \
    "$dir/alice.token" "sed -i /^carol:/d $dir/logins; $reqctl --control $dir/control.sock reload"
step "one id runs once" uses_ids
step "a page of another origin starts nothing" pages_start_nothing
step "Python's urllib and requests" py clients "$web"
step "hostile bytes start nothing" py hostile "$web" "$dir/ran"
step "connections that are kept go on over a reload" py reload "$web" "$reqctl" "$dir/control.sock"
if command -v wget >/dev/null; then
	step "wget" uses_others
fi
if command -v node >/dev/null; then
	step "node's fetch, and its abort ends the program" uses_node
fi
if command -v ab >/dev/null; then
	step "ab keeps its connections" uses_ab
fi
finish
