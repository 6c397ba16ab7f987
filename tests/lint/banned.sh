#!/bin/sh
# SPDX-License-Identifier: ISC
# No source calls a function that HACKING.md bans.
cd "${srcdir:-.}" || exit 1
words='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|system|popen|gets|alloca|tempnam|tmpnam|vfork|usleep|sleep|signal|access'
found=$(grep -nEw "($words) *\(" -r src --include='*.[ch]' |
    grep -vE '^[^:]*:[0-9]+:[[:space:]]*(\*|/\*)' | grep -vE '[a-z_](sleep|signal|access) *\(')
if [ -n "$found" ]; then
	echo "$found"
	exit 1
fi
