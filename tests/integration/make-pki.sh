# shellcheck shell=sh
# SPDX-License-Identifier: ISC
# make-pki: authorities and certificates of openssl(1), for tests; sourced.
#
#	pki_root NAME                    $pki/NAME.crt, .key: an authority of its own
#	pki_sub NAME ISSUER [EXTENSION]... an authority below another one
#	pki_leaf NAME ISSUER [EXTENSION]...  $pki/NAME.pem: key, certificate, chain
#	pki_revoke NAME ISSUER           revokes a certificate
#	pki_crl ISSUER...                prints the lists of revoked certificates
#
# pki_from and pki_to set other dates, as YYYYMMDDHHMMSSZ; pki_crl_days are options about
# the end of a list.

pki=$dir/pki
pki_from=
pki_to=

pki_config() { # ISSUER [EXTENSION]...
	pki_issuer=$1
	shift
	cat <<END
[ca]
default_ca = it
[it]
dir = $pki
database = $pki/$pki_issuer.txt
new_certs_dir = $pki
rand_serial = yes
certificate = $pki/$pki_issuer.crt
private_key = $pki/$pki_issuer.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = none
unique_subject = no
x509_extensions = these
[any]
commonName = supplied
[these]
END
	printf '%s\n' "$@"
}

pki_key() { # NAME
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/$1.key" 2>/dev/null
}

pki_root() { # NAME
	mkdir -p "$pki"
	pki_key "$1"
	: >"$pki/$1.txt"
	openssl req -x509 -new -key "$pki/$1.key" -subj "/CN=$1" -days 30 -out "$pki/$1.crt" \
	    -addext keyUsage=critical,keyCertSign,cRLSign 2>"$pki/err" || fail "$(cat "$pki/err")"
	: >"$pki/$1.chain"
}

pki_sign() { # NAME ISSUER [EXTENSION]...
	pki_name=$1
	pki_by=$2
	shift 2
	[ -e "$pki/$pki_name.key" ] || pki_key "$pki_name"
	pki_config "$pki_by" "$@" >"$pki/config"
	# shellcheck disable=SC2086
	openssl req -new -key "$pki/$pki_name.key" -subj "/CN=$pki_name" -out "$pki/$pki_name.csr" 2>"$pki/err" &&
	    openssl ca -batch -notext -config "$pki/config" -in "$pki/$pki_name.csr" \
	    ${pki_from:+-startdate $pki_from} ${pki_to:+-enddate $pki_to} \
	    -out "$pki/$pki_name.crt" 2>"$pki/err" || fail "$(cat "$pki/err")"
	cat "$pki/$pki_by.chain" >"$pki/$pki_name.chain"
}

pki_sub() { # NAME ISSUER [EXTENSION]...
	pki_sign "$@" basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign \
	    subjectKeyIdentifier=hash authorityKeyIdentifier=keyid
	: >"$pki/$1.txt"
	cat "$pki/$1.crt" "$pki/$2.chain" >"$pki/$1.chain"
}

pki_leaf() { # NAME ISSUER [EXTENSION]...
	pki_sign "$@" basicConstraints=critical,CA:FALSE authorityKeyIdentifier=keyid
	cat "$pki/$1.key" "$pki/$1.crt" "$pki/$1.chain" >"$pki/$1.pem"
	chmod 600 "$pki/$1.pem"
}

pki_revoke() { # NAME ISSUER
	pki_config "$2" >"$pki/config"
	openssl ca -config "$pki/config" -revoke "$pki/$1.crt" 2>"$pki/err" || fail "$(cat "$pki/err")"
}

pki_crl() { # ISSUER...
	for pki_by in "$@"; do
		pki_config "$pki_by" >"$pki/config"
		# shellcheck disable=SC2086
		openssl ca -config "$pki/config" -gencrl ${pki_crl_days:-} 2>"$pki/err" || fail "$(cat "$pki/err")"
	done
}
