#!/bin/sh
# SPDX-License-Identifier: ISC
# access-model: the answers of reqd under random configurations of roles, services and
# logins are those of a model written from reqd.conf(5): over unix sockets, TCP, TLS and
# behind a proxy, before and after each reload, on old and new connections.
# REQD_ACCESS_ROUNDS says how many configurations, REQD_ACCESS_SEED repeats a run.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

tls_port=$("$helpers/free-port")
behind_port=$("$helpers/free-port")
behind_tls_port=$("$helpers/free-port")
"$reqctl" keygen --server "$dir/tls" >/dev/null || fail "no key"
sed '/^listen /d; /^role /d' "$conf" >"$dir/base.conf"
cat >>"$dir/base.conf" <<-END
	logins = "logins"
	listen "tcp://127.0.0.1:$port" { name = "plain" }
	listen "unix://$dir/reqd.sock" { name = "sock"  mode = 0666 }
	listen "tls://127.0.0.1:$tls_port" {
	  name = "tls"
	  certificate = "$dir/tls/server.crt"
	  key = "$dir/tls/server.key"
	}
	listen "tcp://127.0.0.1:$behind_port" {
	  name = "behind"
	  proxy-from = {"127.0.0.77"}
	  login-timeout = 0
	  source-connections = 0
	}
	listen "tls://127.0.0.1:$behind_tls_port" {
	  name = "behind-tls"
	  proxy-from = {"127.0.0.77"}
	  login-timeout = 0
	  source-connections = 0
	  source-handshakes = 0
	  certificate = "$dir/tls/server.crt"
	  key = "$dir/tls/server.key"
	}
END
umask 077
: >"$dir/logins"
umask 022
cp "$dir/base.conf" "$conf"
start_reqd

equal() {
	timeout 1100 python3 "$top_srcdir/tests/integration/access-model.py" "$dir" "$reqctl" \
	    "$port" "$tls_port" "$behind_port" "$behind_tls_port" "$worker_user" \
	    "${REQD_ACCESS_ROUNDS:-60}" "${REQD_ACCESS_SEED:-}"
}
step "the answers are those of the model" equal
finish
