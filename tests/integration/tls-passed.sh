#!/bin/sh
# SPDX-License-Identifier: ISC
# A socket that systemd passes by name speaks TLS where the listener says so.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 nc
tls_port=$("$helpers/free-port")
pin=$("$reqctl" keygen --server "$dir/tls")
client_services
setting "listen \"fd://secure\" { tls = yes  certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
start_reqd python3 "$top_srcdir/tests/integration/pass-sockets.py" "secure=tcp:127.0.0.1:$tls_port" --
step "it answers over TLS" assert_eq "$(timeout 20 "$reqctl" -s "tls://127.0.0.1:$tls_port#$pin" call echo hi)" hi
step "and tells who forgot TLS" assert_match "$(printf 'PING\r\n' | timeout 20 nc -N 127.0.0.1 "$tls_port")" \
    '-ERR this port speaks TLS*'
finish
