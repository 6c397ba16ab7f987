#!/bin/sh
# SPDX-License-Identifier: ISC
# OpenSSL is called by the few files that need it, and by no file of a process that
# runs as root: the master and the runner would bring its mistakes to root. The
# sources are asked for includes, the built objects for undefined symbols of it. The same
# holds for crypt(3), which belongs to the process auth.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
if [ -n "${srcdir:-}" ]; then
	build=$(cd "${top_builddir:-.}" && pwd)
else
	build=$(cd "$top" && cd "${REQD_BUILD:-build}" && pwd) || exit 1
fi
# conf/tlsfiles is called by a child of the loader that ends at once.
may='conf/tlsfiles|net/tls[a-z]*|door/http/(libhttp_la-)?hookmac|keys/[a-z]*|client/clienttls|ctl/cmd-(keygen|pin)|ctl/serverkey|selftest/testline'
# conf/passwords measures in a child; reqctl makes the hash of a new password.
may_crypt='conf/passwords|auth/hashes|ctl/cmd-passwd'
status=0

cd "$top" || exit 1
sources=$(find src -name '*.[ch]')
[ -n "$sources" ] || { echo "no source was found"; exit 1; }
# shellcheck disable=SC2086
found=$(grep -lE '^#[[:space:]]*include[[:space:]]*<openssl/' /dev/null $sources |
    grep -vE "^src/($may)\.[ch]$")
if [ -n "$found" ]; then
	echo "these files may not include headers of OpenSSL:"
	echo "$found"
	status=1
fi
# shellcheck disable=SC2086
found=$(grep -lE '^#[[:space:]]*include[[:space:]]*<crypt\.h>' /dev/null $sources |
    grep -vE "^src/($may_crypt)\.[ch]$")
if [ -n "$found" ]; then
	echo "these files may not include crypt.h:"
	echo "$found"
	status=1
fi

cd "$build" || exit 1
objects=$(find src -name '*.o')
[ -n "$objects" ] || { echo "no object was found"; exit 1; }
# shellcheck disable=SC2086
found=$(nm -A -u $objects |
    sed -nE 's,^([^:]*):.* U ((SSL|TLS|EVP|OSSL|CRYPTO|OPENSSL|X509|PEM|BIO|ERR|RAND|BN|EC|RSA|ASN1|d2i|i2d)_[A-Za-z0-9_]+).*,\1 \2,p' |
    sed -E 's,/\.libs/,/,' |
    grep -vE "^src/($may)\.o " | sort -u)
if [ -n "$found" ]; then
	echo "these objects may not call OpenSSL:"
	echo "$found"
	status=1
fi
# shellcheck disable=SC2086
found=$(nm -A -u $objects |
    sed -nE 's,^([^:]*):.* U (crypt(_[a-z]+)*)(@.*)?$,\1 \2,p' | sed -E 's,/\.libs/,/,' |
    grep -vE "^src/($may_crypt)\.o " | sort -u)
if [ -n "$found" ]; then
	echo "these objects may not call crypt(3):"
	echo "$found"
	status=1
fi
exit $status
