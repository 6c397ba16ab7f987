#!/bin/sh
# SPDX-License-Identifier: ISC
# Callers who show a key or a certificate over TLS: keys of logins, names that an authority
# vouches for, and every reason to be a stranger; revocation reaches living connections.
. "${srcdir:-.}/tests/integration/lib.sh"
need openssl python3 stat
. "$top_srcdir/tests/integration/make-pki.sh"

pki_root root
pki_sub middle root
pki_root other
client=extendedKeyUsage=clientAuth
web=subjectAltName=URI:spiffe://prod/web/7,DNS:web7.example.org,email:web@example.org
pki_leaf web middle "$client" "$web"
pki_leaf plain middle "$web"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$pki/rsa.key" 2>/dev/null
openssl genpkey -algorithm ED25519 -out "$pki/edwards.key" 2>/dev/null
pki_leaf rsa middle "$client" "$web"
pki_leaf edwards middle "$client" "$web"
pki_leaf name middle "$client" subjectAltName=DNS:ops.example.org
pki_leaf foreign other "$client" "$web"
pki_leaf common root "$client"
pki_leaf serving middle extendedKeyUsage=serverAuth "$web"
pki_from=20200101000000Z
pki_to=20210101000000Z
pki_leaf expired middle "$client" "$web"
pki_from=20980101000000Z
pki_to=20990101000000Z
pki_leaf early middle "$client" "$web"
pki_from=
pki_to=
pki_sub authority middle "$client" "$web"
cat "$pki/authority.key" "$pki/authority.crt" "$pki/middle.chain" >"$pki/authority.pem"
chmod 600 "$pki/authority.pem"
# The same key, in a certificate of nobody.
openssl req -x509 -key "$pki/web.key" -subj /CN=mallory -days 1 -out "$pki/mallory.crt" \
    -addext "$web" 2>/dev/null
cat "$pki/web.key" "$pki/mallory.crt" >"$pki/mallory.pem"
chmod 600 "$pki/mallory.pem"
pki_crl root middle >"$dir/crl.pem"

tls_port=$("$helpers/free-port")
must_port=$("$helpers/free-port")
old_port=$("$helpers/free-port")
pin=$("$reqctl" keygen --server "$dir/tls")
server="certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\"  client-ca = \"$dir/ca.pem\""
cp "$pki/root.crt" "$dir/ca.pem"
setting "logins = \"logins\""
setting "listen \"tls://127.0.0.1:$tls_port\" { $server  client-crl = \"$dir/crl.pem\" }"
setting "listen \"tls://127.0.0.1:$must_port\" { $server  client-certificate = required }"
setting "listen \"tls://127.0.0.1:$old_port\" { $server  minimum = 1.2 }"
setting 'role "mesh" { cert = {"URI:spiffe://prod/web/*", "DNS:ops.example.org"} }'
setting 'role "people" { login = {"alice", "bob"} }'
service who '"/bin/sh", "-c", "echo $REQD_CALLER $REQD_LOGIN"'
sed 's/allow = {"local"}/allow = {"mesh", "people"}/; /^role "local"/d' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
HOME=$dir/home
export HOME
unset XDG_CONFIG_HOME REQD_SERVER
mkdir "$HOME"
start_reqd

url=tls://127.0.0.1:$tls_port#$pin
must=tls://127.0.0.1:$must_port#$pin

# reqctl without a server of its own.
bare() {
	timeout 60 "$reqctl" --control "$control" "$@"
}

as() { # IDENTITY WORD...
	identity=$1
	shift
	bare -s "$url" --identity "$identity" "$@"
}

# status STATUS COMMAND...
status() {
	want=$1
	shift
	got=0
	"$@" >"$dir/out" 2>"$dir/err" || got=$?
	[ $got -eq "$want" ] || {
		cat "$dir/out" "$dir/err"
		fail "${step_text:-} status $got, not $want"
	}
}

says() { # TEXT
	grep -qF -- "$1" "$dir/out" "$dir/err" || {
		cat "$dir/out" "$dir/err"
		return 1
	}
}

log_says() {
	grep -qF -- "$1" "$log"
}

# A stranger learns little, and the log says more.
is_stranger() { # IDENTITY REASON
	status 251 as "$1" call who
	says "wants to know who is calling" || return 1
	status 0 as "$1" whoami
	says "$2" || return 1
	status 0 as "$1" ping
	until_true "$patience" log_says "certificate refused from 127.0.0.1"
	log_says "$2"
}

# ------------------------------------------------------------- authorities ---
no_certificate() {
	status 251 bare -s "$url" call who
	says "wants to know who is calling"
}
step "who shows nothing is a stranger" no_certificate
step "a certificate's first URI is the caller" assert_eq "$(as "$pki/web.pem" call who)" \
    "cert:URI:spiffe://prod/web/7"
whoami_tells() {
	status 0 as "$pki/web.pem" whoami
	says "caller    cert:URI:spiffe://prod/web/7" &&
	    says " URI:spiffe://prod/web/7 DNS:web7.example.org EMAIL:web@example.org" &&
	    says "certificate_problem -" && says "tls       TLSv1.3 TLS_" && says "roles     mesh"
}
step "whoami has all names" whoami_tells
step "without a purpose it is for any" assert_eq "$(as "$pki/plain.pem" call who)" \
    "cert:URI:spiffe://prod/web/7"
step "a name alone will do" assert_eq "$(as "$pki/name.pem" call who)" "cert:DNS:ops.example.org"
step "RSA serves as well" assert_eq "$(as "$pki/rsa.pem" call who)" "cert:URI:spiffe://prod/web/7"
step "and Ed25519" assert_eq "$(as "$pki/edwards.pem" call who)" "cert:URI:spiffe://prod/web/7"
old_client() { # IDENTITY
	printf 'CALL who\r\nQUIT\r\n' | timeout 20 openssl s_client -tls1_2 -quiet -cert "$1" \
	    -cert_chain "$1" -key "$1" -connect "127.0.0.1:$old_port" 2>/dev/null
}
old_clients() {
	assert_match "$(old_client "$pki/web.pem")" "*cert:URI:spiffe://prod/web/7*"
	assert_match "$(old_client "$pki/rsa.pem")" "*cert:URI:spiffe://prod/web/7*"
	assert_match "$(old_client "$pki/foreign.pem")" "*-NOAUTH*"
}
step "TLS 1.2 serves as well" old_clients
step "another authority is not trusted" is_stranger "$pki/foreign.pem" "is of no authority in client-ca"
step "nor is a certificate of its own" is_stranger "$pki/mallory.pem" "is that of an authority"
step "a common name is none" is_stranger "$pki/common.pem" "has no name of a kind that is used"
step "a server's certificate is not a client's" is_stranger "$pki/serving.pem" "certificate is not for clients"
step "an expired one is refused" is_stranger "$pki/expired.pem" "certificate has expired"
step "and one of the future" is_stranger "$pki/early.pem" "certificate is not yet valid"
step "an authority is no caller" is_stranger "$pki/authority.pem" "is that of an authority"
middle_missing() {
	cat "$pki/web.key" "$pki/web.crt" >"$dir/short.pem"
	chmod 600 "$dir/short.pem"
	is_stranger "$dir/short.pem" "is of no authority in client-ca"
}
step "a chain with a hole is refused" middle_missing

# ---------------------------------------------------------------- required ---
required_is_required() {
	assert_eq "$(bare -s "$must" --identity "$pki/web.pem" call who)" "cert:URI:spiffe://prod/web/7"
	status 251 bare -s "$must" call who
	says "lets in only clients that show a certificate" || return 1
	status 251 bare -s "$must" --identity "$pki/foreign.pem" call who
	says "does not know the key and the certificate" || return 1
	until_true "$patience" log_says "TLS handshake failed: certificate is of no authority in client-ca"
	log_says "peer did not return a certificate"
}
step "required means required" required_is_required

# -------------------------------------------------------------------- keys ---
step "keygen makes a key" status 0 bare keygen
key=$(cat "$dir/out")
id=$HOME/.config/reqctl/id.pem
key_is_right() {
	assert_match "$key" 'key$???????????????????????????????????????????'
	assert_eq "$(stat -c %a "$id")" 600
	assert_eq "key\$$("$reqctl" pin "$id" | sed 's/^sha256://')" "$key"
	status 252 bare keygen
	says "is there already; nothing was changed"
}
step "... which is private and is not made twice" key_is_right
unknown_key() {
	status 251 bare join "$url"
	says "does not know the key" && [ ! -e "$HOME/.config/reqctl/servers/127.0.0.1" ]
}
step "a server that does not know it is not joined" unknown_key
step "grant makes it a login" status 0 bare grant alice --key "$key" --label laptop
grant_line() {
	assert_eq "$(cat "$dir/out")" "tls://127.0.0.1:$tls_port#$pin"
}
step "... and prints an address without a secret" grant_line
step "join takes it from the command line" status 0 bare join "$url"
step "... and says so" says "127.0.0.1 is known now; you are alice and may call: who"
step "the entry names the key" grep -qxF "key = $id" "$HOME/.config/reqctl/servers/127.0.0.1"
step "the key is the login" assert_eq "$(bare -s 127.0.0.1 call who)" "login:alice alice"
step "... at a listener that requires one, too" assert_eq \
    "$(bare -s "$must" --identity "$id" call who)" "login:alice alice"
credential_shown() {
	status 0 bare -s 127.0.0.1 whoami
	says "credential laptop" && says "certificate sha256:${key#key$}"
}
step "whoami names the credential" credential_shown
# The certificate is not looked at, so its end does not matter; that of the credential does.
hash=$("$reqctl" pin "$pki/expired.crt" | sed 's/^sha256:/key$/')
foreign=$("$reqctl" pin "$pki/foreign.crt" | sed 's/^sha256:/key$/')
printf '%s\n' "bob:$hash" "bob:$foreign:off" >>"$dir/logins"
step "logins are read" status 0 bare reload
step "a pinned key needs no valid certificate" assert_eq "$(as "$pki/expired.pem" call who)" "login:bob bob"
step "a key that is off is good for nothing" is_stranger "$pki/foreign.pem" "the key of the certificate is off"
readable_key() {
	cp "$id" "$dir/open.pem"
	chmod 644 "$dir/open.pem"
	status 252 as "$dir/open.pem" ping
	says "others may read it; chmod 600"
}
step "a key that others can read is not used" readable_key
step "a key is for TLS only" status 255 bare -s "tcp://127.0.0.1:$port" --identity "$id" ping
if command -v redis-cli >/dev/null && redis-cli --help 2>&1 | grep -q -- --tls; then
	redis() { # WORD...
		timeout 60 redis-cli --tls --insecure -h 127.0.0.1 -p "$tls_port" "$@"
	}
	step "redis-cli shows a certificate" assert_eq \
	    "$(redis --cert "$pki/web.pem" --key "$pki/web.key" CALL who | head -n 1)" "cert:URI:spiffe://prod/web/7"
	step "... or a key" assert_eq "$(redis --cert "$id" --key "$id" CALL who | head -n 1)" "login:alice alice"
fi

# --------------------------------------------------------------------- why ---
why_tells() {
	status 0 bare why who cert:URI:spiffe://prod/web/9
	says "Role 'mesh' (as certificate URI:spiffe://prod/web/* or certificate DNS:ops.example.org) includes the caller." || return 1
	status 247 bare why who cert:URI:spiffe://prod/web/../db
	says "whose certificate has other names" || return 1
	status 0 bare why who cert:DNS:ops.example.org addr:10.1.2.3
	status 246 bare why who cert:CN=ops
}
step "why knows certificates" why_tells

# ------------------------------------------------------------------ reload ---
steps() { # PORT IDENTITY STEP...
	timeout 120 python3 "$top_srcdir/tests/integration/client-certificates.py" "$@" | tr '\n' ' '
}
live() { # PORT IDENTITY COMMAND
	steps "$1" "$2" who "$3" who
}
reload="$reqctl --control $control reload"
calm=cert:URI:spiffe://prod/web/7
step "a reload that changes nothing disturbs nobody" assert_eq \
    "$(live "$tls_port" "$pki/web.pem" "$reload")" "$calm $calm "
# Another login takes the place of a key or a certificate, until it is dropped.
bare grant bob >"$dir/out" 2>"$dir/err" || fail "$(cat "$dir/err")"
token=$(sed 's|^tls://bob:\(.*\)@.*|\1|' "$dir/out")
step "a token takes the place of a certificate" assert_eq \
    "$(steps "$tls_port" "$pki/web.pem" who ":AUTH $token" who :RESET who)" "$calm login:bob $calm "
step "... and of a key" assert_eq \
    "$(steps "$tls_port" "$id" who ":AUTH $token" who ":AUTH wrong" who :RESET who)" \
    "login:alice login:bob login:bob login:alice "
pki_revoke web middle
pki_crl root middle >"$dir/revoked.pem"
# With fewer workers, too: one that retires keeps its connections, but no old rules.
step "a revoked certificate ends in living connections" assert_eq \
    "$(live "$tls_port" "$pki/web.pem" \
    "cp $dir/revoked.pem $dir/crl.pem; sed -i 's/^workers = .*/workers = 1/' $conf; $reload")" "$calm -NOAUTH "
step "... and for new ones" is_stranger "$pki/web.pem" "certificate has been revoked"
step "... but not for others" assert_eq "$(as "$pki/name.pem" call who)" "cert:DNS:ops.example.org"
pki_crl middle >"$dir/crl.pem"
step "a list is missing" status 0 bare reload
step "... which is a no" is_stranger "$pki/name.pem" "client-crl has no list of the authority"
list_is_old() {
	# A list of 1 second ends while the next one is made.
	pki_crl_days="-crlsec 1"
	pki_crl root middle >"$dir/old.pem"
	pki_crl_days=
	until_true "$patience" is_over "$dir/old.pem"
	cp "$dir/old.pem" "$dir/crl.pem"
	status 0 bare reload
	is_stranger "$pki/name.pem" "a list of revoked certificates is out of date"
	status 0 "$reqd" -c "$conf" -t
	says "crl.pem is out of date since"
}
is_over() { # FILE
	[ "$(date -u -d "$(openssl crl -in "$1" -noout -nextupdate | sed 's/.*=//')" +%s)" -lt "$(date +%s)" ]
}
step "a list that is out of date is a no" list_is_old
pki_revoke middle root
pki_crl root middle >"$dir/crl.pem"
step "an authority is revoked" status 0 bare reload
step "... and all that it has signed" is_stranger "$pki/name.pem" "certificate has been revoked"
step "another authority takes the place" assert_eq \
    "$(live "$must_port" "$pki/name.pem" "cp $pki/other.crt $dir/ca.pem; : >$dir/crl.pem; sed -i 's/  client-crl = [^ ]*//' $conf; $reload")" \
    "cert:DNS:ops.example.org -NOAUTH "
changes_are_told() {
	cp "$pki/root.crt" "$dir/ca.pem"
	sed -i 's/^workers = .*/workers = 2/' "$conf"
	status 0 bare reload
	says authorities
}
step "a reload says that authorities have changed" changes_are_told
step "a key that goes ends in living connections" assert_eq \
    "$(live "$tls_port" "$id" "sed -i '/^alice:/d' $dir/logins; $reload")" "login:alice -NOAUTH " 
step "a key that comes is known in living connections" assert_eq \
    "$(live "$tls_port" "$id" "echo 'alice:$key' >>$dir/logins; $reload")" "-NOAUTH login:alice "

step "nobody is asked any more" assert_eq \
    "$(live "$must_port" "$id" "sed -i 's/client-certificate = required/client-certificate = none/' $conf; $reload")" \
    "login:alice -NOAUTH "

# ------------------------------------------------------------------- files ---
refused() { # FILE REASON
	cp "$1" "$dir/ca.pem"
	status 251 bare reload
	says "$2"
}
step "a leaf is no authority" refused "$pki/web.crt" "is not that of an authority"
step "an authority below another one is no root" refused "$pki/middle.crt" "none of its certificates is a root"
step "a file without a certificate is refused" refused "$pki/root.key" "it has no certificate in PEM"
head -c 300 "$pki/root.crt" >"$dir/half.pem"
step "half a certificate is refused" refused "$dir/half.pem" "a certificate of it is damaged"
finish
