#!/bin/sh
# SPDX-License-Identifier: ISC
# refused-early: input that is refused before it is a request leaves a line in the
# log and is counted: a plain line, broken bytes, another protocol, a connection too many.
workers=1
. "${srcdir:-.}/tests/integration/lib.sh"
need /usr/bin/python3
begin_config
sed -i "s|^listen \"tcp.*|listen \"tcp://127.0.0.1:$port\" { inline = no  max-connections = 2 }|" "$conf"
service true '"/bin/true"'
start_reqd

# send BYTES: the answer of a connection of its own
send() {
	/usr/bin/python3 -c '
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as s:
    s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
    try:
        print(s.recv(1000).decode())
    except ConnectionResetError:
        pass' "$port" "$1"
}
logged() { # REASON
	grep -qE "notice: refused 127\.0\.0\.1:[0-9]+ on tcp://127\.0\.0\.1:$port: $1\$" "$dir/log"
}
is_logged() { # REASON
	until_true "$patience" logged "$1" || fail "no line in the log: $1"
}

bytes() {
	assert_match "$(send 'PING\r\n')" '-ERR Protocol error: inline requests are not allowed here*'
	is_logged 'inline requests are not allowed here'
	assert_match "$(send '*1\r\n$4\r\nPINGxx')" '-ERR Protocol error: expected CRLF*'
	is_logged 'expected CRLF.*'
	assert_match "$(send 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')" 'HTTP/1.1 400 Bad Request*reqd speaks RESP*'
	is_logged 'it speaks another protocol, such as HTTP or TLS'
}
step "bytes that are no request" bytes

# Only the first line of a connection is answered, and only one of HTTP; nothing of it is run.
n_errors=7
http() {
	if command -v curl >/dev/null; then
		curl -sS -m 20 -o "$dir/body" -w '%{http_code}' "http://127.0.0.1:$port/x?y" >"$dir/out" ||
		    return 1
		n_errors=$((n_errors + 1))
		assert_eq "$(cat "$dir/out")" 400
		assert_eq "$(cat "$dir/body")" \
		    'reqd speaks RESP, the protocol of Redis, and not HTTP: use reqctl or redis-cli'
	fi
	assert_match "$(send 'POST / HTTP/1.1\r\n\r\n*1\r\n$4\r\nPING\r\n')" 'HTTP/1.1 400 *redis-cli'
	assert_eq "$(send '*1\r\n$4\r\nPING\r\nGET / HTTP/1.1\r\n\r\n' | tr -d '\r')" '+PONG'
	assert_eq "$(send 'POST /x\r\n')" ''
	assert_eq "$(send 'SSH-2.0-x\r\n')" ''
}
step "a request of HTTP is told what this is" http

too_many() {
	/usr/bin/python3 - "$port" <<-'END'
	import socket, sys
	have = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) for _ in range(2)]
	for s in have:
	    s.sendall(b"*1\r\n$4\r\nPING\r\n")
	    assert s.recv(100) == b"+PONG\r\n"
	with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as s:
	    assert s.recv(100).startswith(b"-ERR max number of clients"), "not refused"
	END
	is_logged 'max-connections of the listener is reached'
}
step "a connection too many" too_many

counted() {
	info=$("$reqctl" --json --control "$control" status)
	assert_match "$info" "*\"protocol_errors\":*$n_errors,*"
	assert_match "$info" '*refused":*1*'
}
step "status counts them" counted

# As many lines as strangers like would fill the log of an operator.
flood() {
	before=$(grep -c 'notice: refused' "$dir/log")
	/usr/bin/python3 - "$port" <<-'END'
	import socket, sys
	for _ in range(500):
	    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20) as s:
	        s.sendall(b"PING\r\n")
	        s.recv(100)
	END
	lines=$(($(grep -c 'notice: refused' "$dir/log") - before))
	seconds=$(($(date +%s) - $(date -d "$(sed -n '1s/ .*//p' "$dir/log")" +%s) + 1))
	[ $lines -le $((20 * (seconds + 1))) ] || fail "$lines lines in $seconds seconds"
	[ $lines -ge 5 ] || fail "only $lines lines"
}
step "a flood of them is held to 20 lines a second" flood
finish
