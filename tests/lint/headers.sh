#!/bin/sh
# SPDX-License-Identifier: ISC
# Every header compiles alone, and the installed one in C++ too.
top=$(cd "${srcdir:-.}" && pwd)
cc=${CC:-cc}
status=0
flags=$(pkg-config --cflags libbsd-overlay libsystemd libcrypto 2>/dev/null)
for header in $(cd "$top" && find src -name '*.h'); do
	# shellcheck disable=SC2086
	printf '#include "config.h"\n#include "%s"\n' "${header#src/}" |
	    $cc -std=gnu17 -D_GNU_SOURCE -DRUNSTATEDIR='""' -DSYSCONFDIR='""' -DREQD_USER='""' \
	    $flags -I"$top/src" -I"${top_builddir:-.}" -I"${top_builddir:-.}/src" \
	    -Wall -Werror -fsyntax-only -x c - || {
		echo "$header does not compile alone"
		status=1
	}
done
if command -v c++ >/dev/null 2>&1; then
	c++ -std=c++11 -Wall -Werror -fsyntax-only -x c++ "$top/src/client/reqd.h" || status=1
fi
exit $status
