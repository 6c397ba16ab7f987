#!/bin/sh
# SPDX-License-Identifier: ISC
# Every file of this tree that a document names is there: by its path, by one
# in src such as "worker/conn" for src/worker/conn.c, or by a link. Three
# capitals or more, as in test_NOUN.c, stand for anything.
cd "${srcdir:-.}" || exit 1
status=0
n=0

# A path, the beginning of one in src, or without what follows its last dot.
is_there() { # PATTERN
	for place in "" src/; do
		for end in "" .c .h .sh; do
			# shellcheck disable=SC2086
			set -- "$1" $place$1$end
			[ ! -e "$2" ] || return 0
		done
	done
	return 1
}

check() { # DOCUMENT NAME
	n=$((n + 1))
	is_there "$(printf '%s\n' "$2" | sed -E 's/[A-Z]{3,}/*/g')" && return
	case $2 in
	*.md) is_there "$2" && return ;;
	esac
	echo "$1: there is no '$2'"
	status=1
}

tops=$(find . src -mindepth 1 -maxdepth 1 -type d ! -name '.git' ! -name 'build*' ! -name 'autom4te*' |
    sed 's|.*/||' | grep -vE '^(m4|src|_)' | tr '\n' '|')
for document in *.md bench/*.md; do
	[ -f "$document" ] || continue
	for name in $(grep -oE "(^|[^A-Za-z0-9_./<-])(${tops}src)/[A-Za-z0-9_.*/-]*[A-Za-z0-9_*/]" "$document" |
	    sed -E 's/^[^A-Za-z.]//; s|/$||' | sort -u | sed 's/\*/STAR/g'); do
		check "$document" "$name"
	done
	for name in $(grep -oE '\]\([A-Za-z0-9_./-]+\)' "$document" | tr -d '()]' | sort -u); do
		check "$document" "$name"
	done
done
[ $n -ge 40 ] || { echo "only $n names of files were found"; status=1; }
exit $status
