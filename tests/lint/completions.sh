#!/bin/sh
# SPDX-License-Identifier: ISC
# Every shell that is here offers every verb, and every option of each verb,
# by the script that reqctl prints for it. No server is asked.
top=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
[ -x "$build/reqctl" ] || { echo "SKIP: reqctl is not built"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# Nobody answers there, in case somebody is asked.
export REQD_SERVER="unix://$dir/none" REQD_CONTROL="$dir/none" HOME="$dir" PATH="$build:$PATH"
status=0

# Prints what the shell would offer behind words, one a line.
offers_bash() { # WORD...
	bash --norc -c '
		. "$1"
		shift
		COMP_WORDS=(reqctl "$@")
		COMP_CWORD=$#
		COMP_LINE="${COMP_WORDS[*]}"
		COMP_POINT=${#COMP_LINE}
		_reqctl
		printf "%s\n" "${COMPREPLY[@]}"' bash "$dir/bash" "$@"
}

offers_zsh() {
	zsh -f -c '
		compdef() { : }
		_describe() { for pair in "${(@P)2}"; do print -r -- "${pair%%:*}"; done }
		_files() { : }
		. "$1"
		shift
		words=(reqctl "$@")
		CURRENT=$#words
		_reqctl' zsh "$dir/zsh" "$@"
}

offers_fish() {
	fish --no-config -c "source '$dir/fish'; complete -C 'reqctl $*'" | cut -f 1
}

# FILE must hold exactly what the shell offers.
same() { # SHELL LIST WORD...
	shell=$1 list=$2
	shift 2
	"offers_$shell" "$@" | sort >"$dir/offered"
	cmp -s "$list" "$dir/offered" && return
	echo "$shell: 'reqctl $*' offers these, against those that there are:"
	diff "$dir/offered" "$list"
	status=1
}

# The verbs stand between the first and the second empty line of the help.
reqctl help | awk '/^$/ { n++ } n == 1 && NF { print $1 }' | sort >"$dir/verbs"
[ "$(wc -l <"$dir/verbs")" -ge 13 ] || { echo "the help has too few verbs"; exit 1; }
[ "$(reqctl help call | grep -c '^General options')" -eq 1 ] || { echo "no general options"; exit 1; }
while read -r verb; do
	# The help of a verb has its own options, that of reqctl those of all verbs.
	{ reqctl help "$verb" && reqctl help; } | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' |
	    grep -oE -- '--[a-z-]+' | sort >"$dir/options-$verb"
	[ -s "$dir/options-$verb" ] || { echo "the help of $verb has no options"; exit 1; }
done <"$dir/verbs"

for shell in bash zsh fish; do
	reqctl completion $shell >"$dir/$shell" || status=1
	case $shell in
	zsh) source=_reqctl ;;
	*) source=reqctl.$shell ;;
	esac
	cmp "$top/completions/$source" "$dir/$shell" || status=1
	command -v $shell >/dev/null 2>&1 || { echo "$shell is not installed"; continue; }
	same $shell "$dir/verbs" ''
	while read -r verb; do
		same $shell "$dir/options-$verb" "$verb" --
	done <"$dir/verbs"
	printf 'bash\nfish\nzsh\n' >"$dir/list"
	same $shell "$dir/list" completion ''
	same $shell "$dir/verbs" help ''
	grep '^w' "$dir/verbs" >"$dir/list"
	same $shell "$dir/list" w
done
exit $status
