#!/bin/sh
# SPDX-License-Identifier: ISC
# kept-counts: what is counted as kept for a caller is what is there: input counts while it
# is, no longer, and no refusal overtakes the reply to a request before it.
workers=1
. "${srcdir:-.}/tests/integration/lib.sh"
need python3
setting 'kept-limit = 16M'
service eats '"/bin/sh", "-c", "cat >/dev/null; exec sleep 1000"' 'input = optional'
service waits '"/bin/sh", "-c", "exec sleep 1000"' 'input = optional'
service slow '"/bin/sh", "-c", "sleep 0.3; echo done"'
service big '"/bin/sh", "-c", "head -c 31457280 /dev/zero"' 'output-limit = 60M'
service small '"/bin/echo", "kept"'
start_reqd
counts() {
	python3 "$top_srcdir/tests/integration/kept-counts.py" "$port" "$dir/reqd.sock" "$control"
}
step "kept bytes are counted as they come and go" counts
finish
