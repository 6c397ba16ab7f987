#!/bin/sh
# SPDX-License-Identifier: ISC
# No source calls a function that HACKING.md bans. A name in a comment or in a
# string is no call, and a member such as ops->system() is another function.
cd "${srcdir:-.}" || exit 1
words='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|system|popen|gets|alloca|tempnam|tmpnam|vfork|usleep|sleep|signal|access'
# access() may choose the words of an error and answer a trial run. As a check
# before an action it would be a race, and no other directory needs it.
trials='src/(master|runner|ctl|base/socketfile)[./][^:]*:[0-9]+:.*[^A-Za-z0-9_]access\('
sources=$(find src -name '*.[ch]')
[ -n "$sources" ] || { echo "no source was found"; exit 1; }
# shellcheck disable=SC2086
found=$(grep -nE "($words)[[:space:]]*\(" /dev/null $sources |
    grep -vE '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*)' |
    sed -E -e 's/"([^"\]|\\.)*"/""/g' -e 's,/\*([^*]|\*[^/])*(\*/)?,,g' |
    grep -E "^[^:]*:[0-9]+:(.*([^A-Za-z0-9_.>]|[^-]>))?($words)[[:space:]]*\(" |
    grep -vE "^$trials")
if [ -n "$found" ]; then
	echo "$found"
	exit 1
fi
