#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-refuses-broken-configuration: check, start and reload find the same
# errors on the same lines, with the exit statuses that are documented (1, 1
# and 251), and a refused reload changes nothing. What only a service or an account lacks
# does not end a start for good: start-without.sh has that.
. "${srcdir:-.}/tests/integration/lib.sh"

samples=$top_srcdir/tests/data/conf
client_services
cp "$conf" "$dir/good.conf"
start_reqd

# "LINE: TEXT" of each error of a file, or TEXT.
lines_of() { # FILE
	sed -n "s|^\(reqctl: \)*$1:\(.*\)|\2|p"
}

# The same out of the answer to a reload.
reload_lines() {
	status=0
	ctl reload >"$dir/out" 2>&1 || status=$?
	[ $status -eq 251 ] || fail "reload of $1: status $status: $(cat "$dir/out")"
	lines_of "$conf" <"$dir/out"
}

# The same out of the attempt to start it.
start_lines() {
	status=0
	timeout 20 "$reqd" -c "$conf" >"$dir/out" 2>&1 </dev/null || status=$?
	[ $status -eq 1 ] || fail "start of $1: status $status: $(cat "$dir/out")"
	lines_of "$conf" <"$dir/out"
}

# True if every error of the check is about what is there beside the files.
may_pass() {
	! grep -qvE '[0-9]: service "[^"]*": (program|directory|sandbox-read|sandbox-write) /|: there is no (account|group) ' "$dir/t"
}

compare_all() {
	n=0
	for sample in "$samples"/*.conf; do
		cp "$sample" "$conf"
		# Some files are right for root only, or for other users only.
		status=0
		"$reqd" -c "$conf" -t >"$dir/checked" 2>&1 || status=$?
		[ $status -ne 0 ] || continue
		[ $status -eq 1 ] || fail "check of $sample: status $status"
		lines_of "$conf" <"$dir/checked" >"$dir/t"
		[ -s "$dir/t" ] || fail "$sample: no error in: $(cat "$dir/checked")"
		may_pass || {
			start_lines "$sample" >"$dir/s"
			cmp -s "$dir/t" "$dir/s" ||
			    fail "$sample: check and start differ: $(cat "$dir/t" "$dir/s")"
		}
		reload_lines "$sample" >"$dir/r"
		cmp -s "$dir/t" "$dir/r" ||
		    fail "$sample: check and reload differ: $(cat "$dir/t" "$dir/r" "$dir/out")"
		n=$((n + 1))
	done
	note "$n samples"
	[ $n -ge 150 ]
}
step "check, start and reload agree on every broken sample" compare_all

goes_on() {
	assert_eq "$(ctl --json status | sed -n 's/.*"generation": *\([0-9]*\).*/\1/p' | head -n 1)" 1
	assert_eq "$(call echo hi)" hi
}
step "the old configuration goes on" goes_on

# A configuration that only the system can refuse changes nothing, either.
no_such_place() {
	cp "$dir/good.conf" "$conf"
	{
		echo "listen \"unix://$dir/new.sock\" {}"
		echo "listen \"unix://$dir/not/there.sock\" {}"
	} >>"$conf"
	sed -i 's/mode = 0666/mode = 0600/' "$conf"
	assert_status 251 ctl reload
	assert_match "$(cat "$dir/err")" '*its directory does not exist*'
	goes_on
	! test -e "$dir/new.sock" || return 1
	assert_eq "$(stat -c %a "$dir/reqd.sock")" 666
}
step "a listener that cannot be opened" no_such_place

good_again() {
	cp "$dir/good.conf" "$conf"
	ctl reload >/dev/null && assert_eq "$(call echo hi)" hi
}
step "and a good one is taken afterwards" good_again
finish
