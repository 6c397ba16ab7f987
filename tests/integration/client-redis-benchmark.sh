#!/bin/sh
# SPDX-License-Identifier: ISC
# redis-benchmark runs to its end, pipelined, and nothing it got was an error
# (it stops at the first one).
. "${srcdir:-.}/tests/integration/lib.sh"
need redis-benchmark
client_services
start_reqd

bench() {
	assert_status 0 timeout 120 redis-benchmark -p "$port" --csv "$@"
	assert_match "$(cat "$dir/out" "$dir/err")" '*"rps"*'
	! grep -i -E 'error|warning' "$dir/out" "$dir/err"
}

step "10000 PINGs, 16 at a time, both forms" bench -n 10000 -P 16 -t ping
step "10000 ECHOs of 1000 bytes" bench -n 10000 -P 16 -c 20 ECHO "$(head -c 1000 /dev/zero | tr '\0' x)"
step "1000 commands, 4 at a time on 10 connections" bench -n 1000 -c 10 -P 4 CALL echo hi
step "the same over a unix socket" bench -n 1000 -c 10 -s "$dir/reqd.sock" CALL echo hi
step "in RESP3" bench -n 10000 -P 16 -3 PING
finish
