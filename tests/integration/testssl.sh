#!/bin/sh
# SPDX-License-Identifier: ISC
# testssl: testssl.sh and sslscan look at listeners with TLS and find nothing above "low".
# Without either program the test is skipped. REQD_TESTSSL=full asks more, on four listeners,
# which takes several minutes.
workers=1
. "${srcdir:-.}/tests/integration/lib.sh"
need openssl
need_localhost
[ -x /usr/bin/python3 ] || skip "/usr/bin/python3 is not installed"
testssl=$(command -v testssl || command -v testssl.sh) || testssl=
sslscan=$(command -v sslscan) || sslscan=
[ -n "$testssl$sslscan" ] || skip "neither testssl.sh nor sslscan is installed"

# The findings about a self-signed certificate for ten years are known: the certificate
# here is one of an authority. Nobody looks at the list that it names.
. "$top_srcdir/tests/integration/make-pki.sh"
pki_root ca
pki_to=$(date -u -d '+90 days' +%Y%m%d%H%M%SZ)
pki_leaf server ca subjectAltName=DNS:localhost,IP:127.0.0.1 extendedKeyUsage=serverAuth \
    keyUsage=critical,digitalSignature crlDistributionPoints=URI:http://127.0.0.1/ca.crl
files="certificate = \"$pki/server.crt\"  key = \"$pki/server.key\""
listener() { # URL [KEY]
	setting "listen \"$1\" { $files  ${2:-} }"
}
new=$("$helpers/free-port")
old=$("$helpers/free-port")
web=$("$helpers/free-port")
old_web=$("$helpers/free-port")
listener "tls://127.0.0.1:$new"
listener "tls://127.0.0.1:$old" "minimum = 1.2"
listener "https://127.0.0.1:$web" 'hosts = {"localhost"}'
listener "https://127.0.0.1:$old_web" 'hosts = {"localhost"}  minimum = 1.2'
start_reqd

# A finding above "low" fails, and so does a look that has not come to its end.
judge() {
	/usr/bin/python3 - "$@" <<-'END'
	import collections, json, sys
	found = json.load(open(sys.argv[1]))
	if not any(f["id"] == "scanTime" for f in found):
	    sys.exit("not finished")
	by_id = {f["id"]: f for f in found}
	for name, wanted in (("TLS1_3", "OK"), ("cert_chain_of_trust", "OK"), ("cert_trust", "OK"),
	                     ("heartbleed", "OK"), ("CCS", "OK"), ("cert_expirationStatus", "OK")):
	    if by_id[name]["severity"] != wanted:
	        sys.exit("%s: %s" % (name, by_id[name]))
	def is_known(f):
	    # The first is about the openssl of testssl.sh. The last is meant: a client of tls://
	    # that offers protocols has to offer reqd/1, which keeps browsers out.
	    return f["id"] in ("engine_problem", "scanTime") or (
	        sys.argv[2] == "tls" and f["id"] == "GREASE" and
	        "contains an application_layer_protocol_negotiation extension" in f["finding"])
	bad = [f for f in found if f["severity"] not in ("OK", "INFO", "LOW", "DEBUG") and
	       not is_known(f)]
	for f in bad:
	    print(f["severity"], f["id"], f["finding"])
	n = collections.Counter(f["severity"] for f in found)
	print("  " + ", ".join("%d %s" % (n[s], s) for s in sorted(n)))
	print("  low: " + ", ".join(f["id"] for f in found if f["severity"] == "LOW"))
	sys.exit(len(bad) > 0)
	END
}

looks=
look() { # PORT [OPTION]...
	one=$1
	shift
	timeout 900 "$testssl" --quiet --color 0 --warnings off --ip 127.0.0.1 \
	    --add-ca "$pki/ca.crt" --jsonfile "$dir/$one.json" "$@" "localhost:$one" \
	    >"$dir/$one.out" 2>&1 </dev/null &
	looks="$looks $!"
	background="$background $!"
}
looked() { # PORT SCHEME
	judge "$dir/$1.json" "$2" || {
		tail -n 60 "$dir/$1.out"
		return 1
	}
}

# Protocols, ciphers, preferences, certificate, vulnerabilities; for HTTP the fields, too.
if [ -n "$testssl" ]; then
	some="-p -s -f -P -S -U"
	if [ "${REQD_TESTSSL:-}" = full ]; then
		some="$some -g"
		# shellcheck disable=SC2086
		look "$new" $some
		# shellcheck disable=SC2086
		look "$old_web" $some -h
	fi
	# shellcheck disable=SC2086
	look "$old" $some
	# shellcheck disable=SC2086
	look "$web" $some -h
	for one in $looks; do
		wait "$one"
	done
	step "testssl.sh: tls:// from 1.2 on, nothing above low" looked "$old" tls
	step "testssl.sh: https://" looked "$web" https
	if [ "${REQD_TESTSSL:-}" = full ]; then
		step "testssl.sh: tls://" looked "$new" tls
		step "testssl.sh: https:// from 1.2 on" looked "$old_web" https
	fi
else
	note "testssl.sh is not installed, and left out"
fi

# scanned PORT PROTOCOLS: no others are there, and every cipher is an authenticated one.
scanned() {
	timeout 300 "$sslscan" --no-colour "127.0.0.1:$1" >"$dir/scan" || return 1
	assert_eq "$(sed -n 's/^\(SSL\|TLS\)\(v[0-9.]*\)  *enabled$/\1\2/p' "$dir/scan" | tr '\n' ' ')" "$2"
	awk '/^(Accepted|Preferred) / {
		n++
		if (!($2 == "TLSv1.3" && $5 ~ /^TLS_(AES|CHACHA20)/) &&
		    !($2 == "TLSv1.2" && $5 ~ /^ECDHE-ECDSA-.*(GCM|POLY1305)/))
			bad = bad "\n" $0
	}
	/^TLSv.* vulnerable to heartbleed/ && !/ not vulnerable/ || /Insecure|Compression enabled/ {
		bad = bad "\n" $0
	}
	END { if (bad != "") print bad; print "  " n " ciphers"; exit n < 3 || bad != "" }' "$dir/scan"
}
if [ -n "$sslscan" ]; then
	step "sslscan: tls://" scanned "$new" "TLSv1.3 "
	step "sslscan: tls:// from 1.2 on" scanned "$old" "TLSv1.2 TLSv1.3 "
	step "sslscan: https://" scanned "$web" "TLSv1.3 "
	step "sslscan: https:// from 1.2 on" scanned "$old_web" "TLSv1.2 TLSv1.3 "
else
	note "sslscan is not installed, and left out"
fi
finish
