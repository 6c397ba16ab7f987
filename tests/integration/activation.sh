#!/bin/sh
# SPDX-License-Identifier: ISC
# activation: sockets passed by a service manager are used by their address or
# by their name, and stay open for it.
. "${srcdir:-.}/tests/integration/lib.sh"

need nc python3
pass="$top_srcdir/tests/integration/pass-sockets.py"
other_port=$("$helpers/free-port")
passed_unix=$dir/passed.sock

service echo '"/bin/echo", "{text}"' 'argument "text" {}'
cp "$conf" "$dir/base.conf"
{
	echo "listen \"unix://$passed_unix\" {}"
	echo 'listen "fd://web" {}'
} >>"$conf"

answers_at() { # URL
	assert_eq "$(timeout 20 "$reqctl" -s "$1" call echo hi)" hi
}

# Pass more sockets than there were, in another order, and two that nobody
# wants.
start_reqd python3 "$pass" surplus=tcp:127.0.0.1:0 "web=tcp:127.0.0.1:$other_port" \
    dgram=udp:127.0.0.1:0 "x=unix:$passed_unix" "y=tcp:127.0.0.1:$port" --

step "a TCP socket by its address" answers_at "$server"
step "a unix socket by its path" answers_at "unix://$passed_unix"
step "one by its name" answers_at "tcp://127.0.0.1:$other_port"
step "what is not passed is opened" answers_at "unix://$dir/reqd.sock"

are_named() {
	grep -q "no listener uses the passed socket 'surplus'" "$log" || return 1
	grep -q "no listener uses the passed socket 'dgram'" "$log" || return 1
	[ "$(grep -c 'no listener uses' "$log")" -eq 2 ]
}
step "those that nobody uses are named" until_true "$patience" are_named

# A worker that another one was faster than must not wait in accept().
many_connect() {
	"$load" -s "$server" -c 20 -d 1 -x PING >"$dir/load" || fail "$(cat "$dir/load")"
	kill -HUP "$reqd_pid"
	ctl status >/dev/null
	assert_eq "$(call echo hi)" hi
}
step "workers race for connections and none is stuck" many_connect

# A listener goes and comes back: its socket was kept for it. An aborted
# reload in between takes nothing away.
goes_and_comes() {
	cp "$conf" "$dir/all.conf"
	cp "$dir/base.conf" "$conf"
	ctl reload >/dev/null || return 1
	test -S "$passed_unix" || fail "somebody else's socket file was removed"
	cp "$dir/all.conf" "$conf"
	echo "listen \"unix://$dir/not/there\" {}" >>"$conf"
	! ctl reload >/dev/null 2>&1 || return 1
	cp "$dir/all.conf" "$conf"
	ctl reload >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
	answers_at "unix://$passed_unix" && answers_at "tcp://127.0.0.1:$other_port" &&
	    answers_at "$server"
}
step "a listener with a passed socket can go and come back" goes_and_comes

step "stops" stop_reqd
step "the socket file of the service manager stays" test -S "$passed_unix"
rm "$passed_unix"

# refused TEXT WORD...: does not start with these words in front.
refused() {
	text=$1
	shift
	assert_status 71 timeout 20 python3 "$pass" "$@" -- "$reqd" -c "$conf"
	assert_match "$(cat "$dir/err")" "*$text*"
}
step "a name that is not passed" refused "no stream socket named 'web'" \
    "other=tcp:127.0.0.1:$other_port"
step "a name with the wrong type of socket" refused "no stream socket named 'web'" \
    "web=udp:127.0.0.1:$other_port"
step "sockets passed to another process are not ours" refused "no stream socket named 'web'" \
    -p 1 "web=tcp:127.0.0.1:$other_port"
rm -f "$passed_unix"

# A worker serves when the runner does, which waits for handlers to come up.
# Who connects before finds nobody unable to answer.
cp "$top_srcdir/examples/upper.sh" "$dir/upper.sh"
handler upper "\"/bin/sh\", \"-c\", \"sleep 0.3; exec /bin/sh $dir/upper.sh\"" \
    'argument "text" {}' 'ready = ping' 'processes { min = 1 }'
sed '/listen "fd:/d; /passed.sock/d' "$conf" >"$dir/handler.conf"
answered_first() {
	printf 'CALL echo hi\r\nQUIT\r\n' | timeout 10 nc -N 127.0.0.1 "$port" >"$dir/first" 2>/dev/null
}
before_it_is_ready() {
	cp "$dir/handler.conf" "$conf"
	until_true "$patience" answered_first &
	client=$!
	start_reqd python3 "$pass" "y=tcp:127.0.0.1:$port" --
	wait $client || fail "nobody answered who came first"
	assert_match "$(tr -d '\r\n' <"$dir/first")" '$3hi*'
	stop_reqd
}
step "who comes before the handlers are up is served when they are" before_it_is_ready

# A socket that systemd keeps between two lives of reqd: taken back by its
# address, or let go.
told() { # PATTERN
	grep -qE "$1" "$dir/notify"
}
kept_sockets() {
	cp "$dir/base.conf" "$conf"
	: >"$dir/notify"
	start_reqd env FDSTORE=64 python3 "$pass" "kept-0123456789abcdef-0-0=tcp:127.0.0.1:$port" \
	    "kept-0123456789abcdef-1-1=tcp:127.0.0.1:$other_port" --
	answers_at "$server" || return 1
	told '^FDNAME=kept-0123456789abcdef-1-1$' && told '^FDSTOREREMOVE=1$' || return 1
	! told '^FDNAME=kept-0123456789abcdef-0-0$' || fail "stored again"
	[ "$(grep -c '^FDSTORE=1$' "$dir/notify")" -eq 1 ] || fail "not the unix socket alone"
	! "$reqctl" -s "tcp://127.0.0.1:$other_port" ping 2>/dev/null || return 1
	stop_reqd && test -S "$dir/reqd.sock"
}
step "kept sockets are used again, others let go" kept_sockets

only_passed() {
	cp "$dir/base.conf" "$conf"
	start_reqd python3 "$pass" "y=tcp:127.0.0.1:$port" --
	answers_at "$server"
}
step "starts again" only_passed
finish
