#!/bin/sh
# SPDX-License-Identifier: ISC
# tls-load: clients that cost TLS as much as they can, beside a good one: abandoned
# handshakes, 500 handshakes at once, a ClientHello byte by byte, headers that announce
# 16 KiB, KeyUpdates. The good client goes on, and memory stays within its limits.
# REQD_TLS_LOAD=full takes 5000 idle connections and 10000 attacks; the figures of each
# step are printed.
workers=2
. "${srcdir:-.}/tests/integration/lib.sh"
need python3
need openssl
is_sanitized && skip "a sanitizer takes memory and time of its own"

sealed=$("$helpers/free-port")
"$reqctl" keygen --server "$dir/tls" >/dev/null
setting "listen \"tls://127.0.0.1:$sealed\" { certificate = \"$dir/tls/server.crt\"
  key = \"$dir/tls/server.key\"  max-connections = 19000 }"
start_reqd

py() {
	# shellcheck disable=SC2046
	timeout 500 python3 "$top_srcdir/tests/integration/tls-load.py" "$1" "$sealed" $(role_pids worker)
}

for name in idle headers abandoned crowd bytewise updates; do
	step "$name" py $name
done
finish
