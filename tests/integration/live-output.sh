#!/bin/sh
# SPDX-License-Identifier: ISC
# live-output: with "buffering = line" the first line is at the client before the
# program has written the last one: Python, grep, sed, cut; and Perl and mawk by the
# words that the manual gives.
. "${srcdir:-.}/tests/integration/lib.sh"
[ -e /usr/libexec/coreutils/libstdbuf.so ] || skip "the library of stdbuf is not there"

# Each writes a line, and then waits until the file is there, which the client makes
# when it has seen the line.
cat >"$dir/steps.py" <<'END'
import os, sys, time
print("first")
for _ in range(6000):
    if os.path.exists(sys.argv[1]):
        break
    time.sleep(0.01)
print("last")
END
lines="echo first; for i in \$(seq 6000); do [ ! -e \$0 ] || break; sleep 0.01; done; echo last"
live() { # NAME WORDS...
	name=$1
	shift
	service "$name" "$@" 'buffering = line' 'timeout = 60s'
}
[ ! -x /usr/bin/python3 ] || live python "\"/usr/bin/python3\", \"$dir/steps.py\", \"$dir/seen.python\""
for tool in 'grep -e .' 'sed -e s/x/y/' 'cut -c 1-9'; do
	live "${tool%% *}" "\"/bin/sh\", \"-c\", \"($lines) | $tool\", \"$dir/seen.${tool%% *}\""
done
[ ! -x /usr/bin/perl ] || live perl "\"/bin/sh\", \"-c\", \"($lines) | perl -pe 'BEGIN {{ \$| = 1 }}'\", \"$dir/seen.perl\""
[ ! -x /usr/bin/mawk ] || live mawk "\"/bin/sh\", \"-c\", \"($lines) | mawk -W interactive '{{ print }}'\", \"$dir/seen.mawk\""
chmod 755 "$dir"
start_reqd

comes_live() { # NAME
	rm -f "$dir/seen.$1"
	timeout 60 "$reqctl" -s "$server" call "$1" | {
		read -r line
		[ "$line" = first ] && : >"$dir/seen.$1"
		read -r line
		echo "$line"
	} >"$dir/rest"
	assert_eq "$(cat "$dir/rest")" last
}
for name in $(sed -n 's/^service "\(.*\)" {/\1/p' "$conf"); do
	step "$name" comes_live "$name"
done
finish
