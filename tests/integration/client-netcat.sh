#!/bin/sh
# SPDX-License-Identifier: ISC
# Requests typed by hand into netcat are answered, in order.
. "${srcdir:-.}/tests/integration/lib.sh"
need nc
client_services
start_reqd

# Requests in, replies out, CR made visible.
talk() {
	by_hand "$@" | sed 's/\r$/~/'
}

by_lines() {
	assert_eq "$(printf 'ping\r\nCALL echo "a b" c\r\n\r\nQUIT\r\n' | talk)" \
	    "$(printf '+PONG~\n$6~\na b c\n~\n+OK~')"
}

by_arrays() {
	assert_eq "$(printf '*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\n*0\r\n*1\r\n$4\r\nQUIT\r\n' | talk)" \
	    "$(printf '$4~\na~\nb~\n+OK~')"
}

half_closed() {
	assert_eq "$(printf 'CALL echo late\r\n' | talk -N)" "$(printf '$5~\nlate\n~')"
}

in_order() {
	replies=$(
		{
			for i in 1 2 3 4 5 6 7 8 9; do
				printf 'CALL echo %s\r\nPING %s\r\n' $i $i
			done
			printf 'QUIT\r\n'
		} | talk | grep -v '^[$+~]' | tr -d '~\n'
	)
	assert_eq "$replies" 112233445566778899
}

errors() {
	assert_eq "$(printf 'CALL fail\r\nQUIT\r\n' | talk)" "$(printf -- '-EXIT 3 broken~\n+OK~')"
	assert_match "$(printf 'CALL nothing\r\nQUIT\r\n' | talk)" '-NOSERVICE *OK~'
	assert_match "$(printf 'SET a b\r\nQUIT\r\n' | talk)" "-ERR unknown command 'SET'*OK~"
}

nothing_after_nonsense() {
	assert_match "$(printf '*1\r\n$x\r\nPING\r\n' | talk)" '-ERR Protocol error: *'
	assert_eq "$(printf '*1\r\n$x\r\nPING\r\n' | talk | wc -l)" 1
}

no_http() {
	assert_match "$(printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n' | talk)" \
	    'HTTP/1.1 400 Bad Request*use reqctl or redis-cli'
}

step "lines" by_lines
step "arrays" by_arrays
step "a half-closed client gets its reply" half_closed
step "replies come in the order of requests" in_order
step "errors are one line with a code" errors
step "nothing is executed after a protocol error" nothing_after_nonsense
step "a browser learns what the port is, and nothing is executed" no_http
finish
