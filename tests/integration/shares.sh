#!/bin/sh
# SPDX-License-Identifier: ISC
# shares: a caller that takes all it can get takes no more than its share: other callers
# are served, memory stays within kept-limit, and all is given back.
#
# REQD_SHARES=full: 10000 connections that call one slow service with one --id, 300 that
# send half a request, 200 that want their results kept, 120 that do not read.
workers=2
log_level=notice
. "${srcdir:-.}/tests/integration/lib.sh"
need /usr/bin/python3
if [ "${REQD_SHARES:-}" = full ]; then
	numbers='10000 300 200 120'
	limit=256M
	patience=240
	prlimit --pid $$ --nofile=12000: || prlimit --pid $$ --nofile=12000 || skip "too few open files"
else
	numbers='400 40 24 24'
	limit=64M
fi
setting "kept-limit = $limit"
service slow '"/bin/sleep", "20"' 'concurrency = 1' 'queue = 200000' 'queue-timeout = 60s' 'log = none'
service big '"/usr/bin/head", "-c", "17000000", "/dev/zero"' 'output-limit = 32M' 'queue = 1000' \
    'concurrency = 64' 'queue-timeout = 60s' 'log = none'
service quick '"/bin/true"' 'log = none'
start_reqd

# A result that had to go is told from one that never was: the work is not done twice.
given_up() {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		call --id="kept-$i" big >"$dir/big" || return 1
	done
	[ "$(wc -c <"$dir/big")" -ge 17000000 ] || return 1
	call --id=kept-20 big | cmp - "$dir/big" || return 1
	status=0
	call --id=kept-1 big >"$dir/out" 2>&1 || status=$?
	assert_eq $status 245
}
step "a result is given up, and its work is not done twice" given_up

crowd() {
	# shellcheck disable=SC2086
	/usr/bin/python3 "$top_srcdir/tests/integration/shares.py" "$port" "$dir/reqd.sock" \
	    "$reqctl" "$control" $numbers
}
# A sanitizer takes memory of its own.
is_sanitized && export REQD_SANITIZED=1
step "others are served, memory is bounded, all is given back" crowd

# Results stay for ten minutes; a lower limit gives them up at once.
sed -i 's/^kept-limit = .*/kept-limit = 16M/' "$conf"
step "a lower limit is in force" ctl reload
# Short ones, of calls that ended early, may stay; each is an open file of the broker,
# and no other such file is there.
no_large_kept() {
	ctl status --json | tr -d ' \n' |
	    sed 's/.*"kept_bytes":\([0-9]*\),"kept_results":\([0-9]*\),.*/\1 \2/' >"$dir/kept"
	read -r bytes kept <"$dir/kept"
	files=$(find "/proc/$(role_pids broker)/fd" -lname '/memfd:reqd-result*' | wc -l)
	# Only root may look at the descriptors of a broker.
	[ "$bytes" -le 16777216 ] && { [ $is_root = no ] || [ "$files" -eq "$kept" ]; }
}
step "no more than that is kept" until_true "$patience" no_large_kept
finish
