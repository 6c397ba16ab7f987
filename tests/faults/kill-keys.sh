#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-keys: kill -9 of the process with the private keys. Connections go on, over TLS
# too; of the handshakes only those of that moment fail.
. "${srcdir:-.}/tests/faults/faults.sh"
need_localhost
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed"

rounds=${REQD_FAULT_ROUNDS:-4}
tls_port=$("$helpers/free-port")
pin=$("$reqctl" keygen --server "$dir/tls")
setting "listen \"tls://localhost:$tls_port\" { certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
fault_services
start_reqd

tls_ping() {
	timeout 60 "$reqctl" -s "tls://localhost:$tls_port" --pin "$pin" ping >/dev/null
}

# OpenSSL fetches what it needs at the first handshakes: they are no growth.
for _ in $(seq 40); do
	tls_ping || fail "no handshake"
done
invariants_before
start_load

python() { # ACTION [WORDS]...
	timeout 120 /usr/bin/python3 "$top_srcdir/tests/integration/tls-client.py" "$tls_port" \
	    "$dir/tls/server.crt" "$@"
}

is_rested() {
	load_runs
	[ "$(awk -v since=$(($(now_ms) - 10200)) '$1 > since' "$faults" | wc -l)" -lt 2 ]
}

kill_keys() {
	pid=$(serving keys 0)
	[ -n "$pid" ] || return 1
	note_fault keys 0 "$pid"
	python killed "$pid" || return 1
	until_true 60 is_succeeded keys 0 "$pid" || fail "no new keys"
	tls_ping
}

for _ in $(seq "$rounds"); do
	until_true 60 is_rested || fail "keys gets no rest"
	kill_keys || fail "handshakes do not go on"
	any_moment
done
stop_load

time_to_serve >"$dir/test/serve"
served=$(percentiles "$dir/test/serve")
note "$rounds times keys was killed; a new one serves after (ms): $served"
step "no connection is lost" no_events lost
step "nobody has got an error" no_events error
step "no connection was refused" no_events refused
step "a new one serves in time" bound "new keys" "$(word worst "$served")" 200
invariants_after
finish
