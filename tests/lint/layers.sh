#!/bin/sh
# SPDX-License-Identifier: ISC
# Calls and includes point downwards, as layers.conf says; no circle of calls
# between files is larger than one noun; and no directory has more lines of code
# than it may have. layers.py does the work and defines what counts.
#
#     tests/lint/layers.sh --print    also every call between files, and by which
#                                     cuts the circles become smallest
#     tests/lint/layers.sh --dot      the calls between files, for dot(1)
#
# By hand it uses the objects in build/, or in REQD_BUILD. Below make it uses
# those of the directory that it runs in, wherever REQD_BUILD points.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
if [ -n "${srcdir:-}" ]; then
	build=${top_builddir:-.}
else
	build=$(cd "$top" && cd "${REQD_BUILD:-build}" && pwd) || exit 1
fi
command -v python3 >/dev/null 2>&1 || { echo "SKIP: python3 is not installed"; exit 77; }
exec python3 "$top/tests/lint/layers.py" --top "$top" --build "$build" \
    --conf "$top/tests/lint/layers.conf" "$@"
