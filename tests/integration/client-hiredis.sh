#!/bin/sh
# SPDX-License-Identifier: ISC
# A C program with hiredis works (hiredis-client.c has its requests).
. "${srcdir:-.}/tests/integration/lib.sh"
need cc pkg-config
pkg-config --exists hiredis || skip "libhiredis-dev is not installed"
client_services
start_reqd

# shellcheck disable=SC2046
step "it compiles" cc -D_GNU_SOURCE -o "$dir/hiredis-client" \
    "$top_srcdir/tests/integration/hiredis-client.c" $(pkg-config --cflags --libs hiredis)
step "over TCP" timeout 60 "$dir/hiredis-client" 127.0.0.1 "$port"
step "over a unix socket" timeout 60 "$dir/hiredis-client" "$dir/reqd.sock"
finish
