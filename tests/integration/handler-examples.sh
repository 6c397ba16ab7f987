#!/bin/sh
# SPDX-License-Identifier: ISC
# Every handler in examples/, and the one in reqd-handler(7), does what its text
# says. The test drives them over pipes as a worker of reqd does; there is no
# daemon.
command -v python3 >/dev/null 2>&1 || {
	echo "SKIP: python3 is not installed"
	exit 77
}
top=${srcdir:-.}
exec python3 "$top/tests/integration/handler-examples.py" "$top" "${top_builddir:-.}"
