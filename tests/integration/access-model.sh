#!/bin/sh
# SPDX-License-Identifier: ISC
# access-model: the answers of reqd under random configurations of roles, services and
# logins are those of a model written from reqd.conf(5): over unix sockets, TCP, TLS and
# behind a proxy, by account, token, password, key and certificate, before and after each
# reload, on old and new connections.
# REQD_ACCESS_ROUNDS says how many configurations, REQD_ACCESS_SEED repeats a run.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 openssl
. "$top_srcdir/tests/integration/make-pki.sh"

client=extendedKeyUsage=clientAuth
web=URI:spiffe://prod/web/7
ops=DNS:ops.example.org
ann=email:ann@example.org
pki_root root
pki_root other
pki_leaf uri root "$client" "subjectAltName=$web"
pki_leaf dns root "$client" "subjectAltName=$ops"
pki_leaf email root "$client" "subjectAltName=$ann"
pki_leaf many root "$client" "subjectAltName=$ann,URI:spiffe://prod/db/1,$ops"
pki_leaf star root "$client" "subjectAltName=DNS:*.example.org"
pki_leaf dots root "$client" "subjectAltName=URI:spiffe://prod/web/../db/1"
pki_leaf foreign other "$client" "subjectAltName=$web,$ops"
pki_crl root other >"$pki/short.crl"
for name in uri dns email; do
	pki_revoke $name root
done
pki_crl root other >"$pki/long.crl"
for name in id0 id1; do
	"$reqctl" --identity "$pki/$name.pem" keygen >"$dir/key" || fail "no key of a client"
	echo "$name $(cat "$dir/key")"
done >"$dir/keys"
# The key of a certificate may be that of a login, too.
echo "uri key\$$("$reqctl" pin "$pki/uri.pem" | sed 's/^sha256://')" >>"$dir/keys"
cp "$pki/root.crt" "$dir/ca.pem"
cp "$pki/short.crl" "$dir/crl.pem"

tls_port=$("$helpers/free-port")
behind_port=$("$helpers/free-port")
behind_tls_port=$("$helpers/free-port")
must_port=$("$helpers/free-port")
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
	  client-ca = "$dir/ca.pem"
	  client-crl = "$dir/crl.pem"
	}
	listen "tls://127.0.0.1:$must_port" {
	  name = "must"
	  certificate = "$dir/tls/server.crt"
	  key = "$dir/tls/server.key"
	  client-ca = "$dir/ca.pem"
	  client-crl = "$dir/crl.pem"
	  client-certificate = required
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
	    "$port" "$tls_port" "$behind_port" "$behind_tls_port" "$must_port" "$worker_user" \
	    "${REQD_ACCESS_ROUNDS:-40}" "${REQD_ACCESS_SEED:-}"
}
step "the answers are those of the model" equal
finish
