#!/bin/sh
# SPDX-License-Identifier: ISC
# No loop of a test or a script can go on for ever: it is a "for", reads lines
# ("while read"), or is until_true of tests/integration/steps.sh, which gives up
# and says what it has waited for. The same holds for programs that tests let
# reqd run.
cd "${srcdir:-.}" || exit 1
scripts=$(grep -rlE '^#!/bin/(ba)?sh|^# shellcheck shell=' dev .ci tests debian bench |
    grep -v '^tests/data/lint/')
n=$(printf '%s\n' "$scripts" | wc -l)
[ "$n" -ge 50 ] || { echo "only $n scripts were found"; exit 1; }
# Lines of Python in a script end with a colon.
# shellcheck disable=SC2086
found=$(grep -nE "(^|[;&|({\"'\`]|\b(do|then|else))[[:space:]]*(until|while)[[:space:]].*\bdo\b" $scripts |
    grep -vE '^[^:]*:[0-9]+:([[:space:]]*#|.*:$)' |
    grep -vE '\bwhile (IFS=[^ ]* )?read ' |
    grep -vE '^tests/integration/steps.sh:[0-9]+:[[:space:]]until but_first "\$@"; do$' |
    grep -v '^tests/lint/loops.sh:')
found=$found$(grep -nE "(until|while) (! *)?(test|\[|:|true) " tests/integration/*.py bench/*)
if [ -n "$found" ]; then
	printf '%s\n' "these loops may have no end; until_true of tests/integration/steps.sh has one:" "$found"
	exit 1
fi
