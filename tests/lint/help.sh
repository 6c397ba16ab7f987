#!/bin/sh
# SPDX-License-Identifier: ISC
# Every help fits a screen, and every wrong command line ends with its status
# and says where to look. The verbs and options come from the programs.
top=$(cd "${srcdir:-.}" && pwd)
build=${top_builddir:-.}
for program in reqd reqctl; do
	[ -x "$build/$program" ] || { echo "SKIP: $program is not built"; exit 77; }
done
status=0

wrong() {
	echo "$*"
	status=1
}

# The output of a command fits LINES lines of 80 columns, and is a help.
fits() { # LINES COMMAND...
	lines=$1
	shift
	text=$("$@" 2>&1) || wrong "$*: status $?"
	[ "$(printf '%s\n' "$text" | wc -l)" -le "$lines" ] || wrong "$*: more than $lines lines"
	# The configured directory may have a long path: count it as /run/reqd.
	printf '%s\n' "$text" | sed 's|/[^ ]*/reqd/|/run/reqd/|' | grep -qE '.{81}' && wrong "$*: a line of more than 80 columns"
	case $text in
	Usage:*) ;;
	*) wrong "$*: does not begin with Usage:" ;;
	esac
}

# A command ends with STATUS, nothing on standard output, and two lines on
# standard error: what is wrong, and LAST.
complains() { # STATUS LAST COMMAND...
	want=$1 last=$2
	shift 2
	out=$("$@" 2>/dev/null)
	got=$?
	text=$("$@" 2>&1 >/dev/null)
	[ $got -eq "$want" ] || wrong "$*: status $got, not $want"
	[ -z "$out" ] || wrong "$*: writes to standard output"
	[ "$(printf '%s\n' "$text" | wc -l)" -eq 2 ] || wrong "$*: not two lines: $text"
	[ "$(printf '%s\n' "$text" | tail -n 1)" = "$last" ] || wrong "$*: does not end with: $last"
}

# A command ends as a plugin of a monitoring system that knows nothing: status 3
# and one line on standard output.
is_unknown() { # COMMAND...
	out=$("$@" 2>&1)
	got=$?
	[ $got -eq 3 ] || wrong "$*: status $got, not 3"
	[ "$(printf '%s\n' "$out" | wc -l)" -eq 1 ] || wrong "$*: not one line: $out"
	case $out in
	'UNKNOWN - '*) ;;
	*) wrong "$*: does not begin with UNKNOWN: $out" ;;
	esac
}

fits 24 "$build/reqd" --help
fits 24 "$top/dev" help
fits 45 "$build/reqctl" --help
fits 45 "$build/reqctl" help
complains 64 "reqd: try 'reqd --help'" "$build/reqd" --no-such-option
complains 64 "reqd: try 'reqd --help'" "$build/reqd" word
complains 64 "reqd: try 'reqd --help'" "$build/reqd" -c
complains 64 "reqd: try 'reqd --help'" "$build/reqd" -c ''
complains 255 "reqctl: try 'reqctl help'" "$build/reqctl"
complains 255 "reqctl: try 'reqctl help'" "$build/reqctl" no-such-verb
complains 255 "reqctl: try 'reqctl help'" "$build/reqctl" help no-such-verb
complains 255 "reqctl: try 'reqctl help'" "$build/reqctl" --no-such-option

n=0
for verb in $("$build/reqctl" __complete -- '' | cut -f 1); do
	try="reqctl: try 'reqctl help $verb'"
	[ "$verb" != help ] || try="reqctl: try 'reqctl help'"
	fits 24 "$build/reqctl" help "$verb"
	fits 24 "$build/reqctl" "$verb" --help
	case $verb in
	check)
		is_unknown "$build/reqctl" check --no-such-option
		is_unknown "$build/reqctl" check -t
		;;
	*)
		complains 255 "$try" "$build/reqctl" "$verb" --no-such-option
		complains 255 "$try" "$build/reqctl" "$verb" -t
		;;
	esac
	n=$((n + 1))
done
[ $n -ge 13 ] || wrong "only $n verbs are offered"
exit $status
