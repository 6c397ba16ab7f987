#!/bin/sh
# SPDX-License-Identifier: ISC
# Calls and includes point downwards, as layers.conf has it; no circle of calls
# between files is larger than one noun; and no directory has more lines of code
# than it may have. layers.py, which does it, says what counts as what.
#
#     tests/lint/layers.sh --print    also every call between files, and by which
#                                     cuts the circles become smallest
#     tests/lint/layers.sh --dot      the calls between files, for dot(1)
#
# By hand it asks the objects in build/, or in REQD_BUILD. Below make it asks those of
# the directory it runs in, wherever REQD_BUILD points from there.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
if [ -n "${srcdir:-}" ]; then
	build=${top_builddir:-.}
else
	build=$(cd "$top" && cd "${REQD_BUILD:-build}" && pwd) || exit 1
fi
command -v python3 >/dev/null 2>&1 || { echo "SKIP: python3 is not installed"; exit 77; }
exec python3 "$top/tests/lint/layers.py" --top "$top" --build "$build" \
    --conf "$top/tests/lint/layers.conf" "$@"
