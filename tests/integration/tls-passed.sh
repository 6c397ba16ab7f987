#!/bin/sh
# SPDX-License-Identifier: ISC
# A socket that systemd passes by name speaks TLS where the listener says so.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 nc
tls_port=$("$helpers/free-port")
pin=$("$reqctl" keygen --server "$dir/tls")
client_services
setting 'logins = "logins"'
setting "listen \"fd://secure\" { tls = yes  certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
start_reqd python3 "$top_srcdir/tests/integration/pass-sockets.py" "secure=tcp:127.0.0.1:$tls_port" --
step "it answers over TLS" assert_eq "$(timeout 20 "$reqctl" -s "tls://127.0.0.1:$tls_port#$pin" call echo hi)" hi
step "and tells who forgot TLS" assert_match "$(printf 'PING\r\n' | timeout 20 nc -N 127.0.0.1 "$tls_port")" \
    '-ERR this port speaks TLS*'

# The address of such a socket is not known to reqd, its key is.
grant() { # WORD...
	timeout 20 "$reqctl" --control "$control" grant alice "$@"
}
grant_asks() {
	grant >"$dir/out" 2>"$dir/err" && return 1
	grep -qF "the address of the listener fd://secure is not known" "$dir/err"
}
grant_knows() {
	grant --url "tls://127.0.0.1:$tls_port" >"$dir/out" && grep -qE \
	    "^tls://alice:reqd_[A-Za-z0-9_-]{47}@127\.0\.0\.1:$tls_port#$pin\$" "$dir/out"
}
step "grant asks how the socket is reached" grant_asks
step "... before anything is written" eval '! test -e "$dir/logins"'
step "... and knows the pin" grant_knows
finish
