#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-refuses-broken-configuration: check, start and reload find the same
# errors on the same lines, and a refused reload changes nothing.
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
	ctl reload >"$dir/out" 2>&1 && return 1
	lines_of "$conf" <"$dir/out"
}

# The same out of the attempt to start it.
start_lines() {
	status=0
	timeout 20 "$reqd" -c "$conf" >"$dir/out" 2>&1 </dev/null || status=$?
	[ $status -eq 1 ] || fail "start of $1: status $status: $(cat "$dir/out")"
	lines_of "$conf" <"$dir/out"
}

compare_all() {
	n=0
	for sample in "$samples"/*.conf; do
		cp "$sample" "$conf"
		# Some are right for root only, or for anybody else only.
		"$reqd" -c "$conf" -t >"$dir/checked" 2>&1 && continue
		lines_of "$conf" <"$dir/checked" >"$dir/t"
		[ -s "$dir/t" ] || fail "$sample: no error in: $(cat "$dir/checked")"
		start_lines "$sample" >"$dir/s"
		cmp -s "$dir/t" "$dir/s" || fail "$sample: check and start differ: $(cat "$dir/t" "$dir/s")"
		reload_lines >"$dir/r" || fail "$sample: reload took it"
		cmp -s "$dir/t" "$dir/r" ||
		    fail "$sample: check and reload differ: $(cat "$dir/t" "$dir/r" "$dir/out")"
		n=$((n + 1))
	done
	note "$n samples"
	[ $n -ge 50 ]
}
step "check, start and reload agree on every broken sample" compare_all

goes_on() {
	assert_eq "$(call echo hi)" hi
}
step "the old configuration goes on" goes_on

# refuses TEXT: a reload ends at once, and with that error.
refuses() {
	timeout 5 "$reqctl" -s "$server" --control "$control" reload >"$dir/out" 2>&1
	status=$?
	[ $status -ne 0 ] && [ $status -ne 124 ] || fail "status $status: $(cat "$dir/out")"
	assert_match "$(cat "$dir/out")" "*$1*"
	goes_on
}

no_file() {
	rm -f "$conf"
	refuses 'No such file'
}
a_directory() {
	mkdir "$conf"
	refuses "$conf"
	rmdir "$conf"
}
a_fifo() {
	mkfifo "$conf"
	refuses "$conf"
	rm "$conf"
}
a_loop() {
	ln -s reqd.conf "$conf"
	refuses 'symbolic links'
	rm "$conf"
}
too_large() {
	{
		cat "$dir/good.conf"
		yes '# more' | head -c 100000000
	} >"$conf"
	refuses "$conf"
	rm "$conf"
}
with_nul() {
	{
		cat "$dir/good.conf"
		printf 'workers = 2\000\n'
	} >"$conf"
	refuses "$conf"
	rm "$conf"
}
half_written() {
	head -c "$(($(wc -c <"$dir/good.conf") - 20))" "$dir/good.conf" >"$conf"
	refuses "$conf"
}
step "a missing file" no_file
step "a directory" a_directory
step "a fifo without a writer" a_fifo
step "a loop of links" a_loop
step "100 MB" too_large
step "NUL bytes" with_nul
step "half a file" half_written

# What only the system can refuse leaves everything as it was, too.
no_such_place() {
	cp "$dir/good.conf" "$conf"
	{
		echo "listen \"unix://$dir/new.sock\" {}"
		echo "listen \"unix://$dir/not/there.sock\" {}"
	} >>"$conf"
	sed -i 's/mode = 0666/mode = 0600/' "$conf"
	refuses 'its directory does not exist' || return 1
	! test -e "$dir/new.sock" || return 1
	assert_eq "$(stat -c %a "$dir/reqd.sock")" 666
}
step "a listener that cannot be opened" no_such_place

good_again() {
	cp "$dir/good.conf" "$conf"
	ctl reload >/dev/null && goes_on
}
step "and a good one is taken afterwards" good_again
finish
