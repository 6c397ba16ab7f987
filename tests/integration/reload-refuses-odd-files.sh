#!/bin/sh
# SPDX-License-Identifier: ISC
# reload-refuses-odd-files: a path that is no readable file, or half of one, is
# refused at once, in place of reqd.conf and in its directory of services; the
# old configuration goes on. Not as root, who can read everything.
. "${srcdir:-.}/tests/integration/lib.sh"

if [ $is_root = yes ]; then
	need setpriv
	as_user="setpriv --reuid=$program_user --regid=$(id -g "$program_user") --clear-groups"
	is_root=no
	# The test user may not read the directory where reqd was built.
	cp "$reqd" "$dir/reqd-copy"
	reqd=$dir/reqd-copy
	chown "$program_user" "$dir"
else
	as_user=
fi

begin_config
setting "services = \"$dir/services.d\""
mkdir "$dir/services.d"
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
conf=$dir/services.d/10-more.conf service more '"/bin/true"'
cp "$conf" "$dir/good.conf"
cp "$dir/services.d/10-more.conf" "$dir/more.conf"
[ "$(id -u)" -ne 0 ] || chown -R "$program_user" "$dir/services.d" "$conf"
# shellcheck disable=SC2086
start_reqd $as_user

# Nothing waits for a file; the bound only has to be far below "for ever".
slowest=0
refused() { # FILE TEXT: by check, reload --check and reload, with the same words
	status=0
	# shellcheck disable=SC2086
	timeout 5 $as_user "$reqd" -t -c "$conf" >"$dir/checked" 2>&1 || status=$?
	[ $status -eq 1 ] || fail "check: status $status: $(cat "$dir/checked")"
	for option in --check ''; do
		before=$(now_ms)
		status=0
		# shellcheck disable=SC2086
		timeout 5 "$reqctl" --control "$control" reload $option >"$dir/out" 2>&1 || status=$?
		[ $status -eq 251 ] || fail "reload $option: status $status: $(cat "$dir/out")"
		took=$(($(now_ms) - before))
		[ $took -le $slowest ] || slowest=$took
		grep -v '^reqctl: \(nothing was changed\|a reload would\)' "$dir/out" |
		    sed 's/^reqctl: //' >"$dir/said"
		cmp -s "$dir/checked" "$dir/said" ||
		    fail "check and reload differ: $(cat "$dir/checked" "$dir/said")"
	done
	assert_match "$(cat "$dir/checked")" "$1:*$2*"
	assert_eq "$(call echo hi)" hi
	call more || fail "its service is gone"
}

# at FILE GOOD: everything that is wrong with a file of that name.
at() {
	file=$1
	good=$2
	for wrong in missing directory fifo fifo_with_writer loop dangling unreadable socket device large \
	    nul half empty; do
		rm -rf "$file"
		make_$wrong
	done
	rm -rf "$file"
	cp "$good" "$file"
	ctl reload >"$dir/out" 2>&1 || fail "a good one afterwards: $(cat "$dir/out")"
}

make_missing() {
	# Of the services, one file less is no mistake.
	[ "$file" != "$conf" ] || refused "$file" 'No such file'
}
make_directory() {
	mkdir "$file"
	refused "$file" 'it is a directory'
}
make_fifo() {
	mkfifo "$file"
	refused "$file" 'it is not a regular file'
}
# Somebody has it open for writing and writes nothing.
make_fifo_with_writer() {
	mkfifo "$file"
	exec 7<>"$file"
	refused "$file" 'it is not a regular file'
	exec 7>&-
}
make_loop() {
	ln -s "${file##*/}" "$file"
	refused "$file" 'symbolic links'
}
make_dangling() {
	ln -s /nonexistent/file "$file"
	refused "$file" 'No such file'
}
make_unreadable() {
	cp "$good" "$file"
	chmod 0 "$file"
	[ "$(id -u)" -ne 0 ] || chown "$program_user" "$file"
	refused "$file" 'Permission denied'
}
make_socket() {
	ln -s "$dir/reqd.sock" "$file"
	refused "$file" 'No such device or address'
}
# Reading this device would not end.
make_device() {
	ln -s /dev/zero "$file"
	refused "$file" 'it is not a regular file'
}
make_large() {
	{
		cat "$good"
		yes '# more' | head -c 100000000
	} >"$file"
	refused "$file" 'larger than 32 MiB'
}
make_nul() {
	{
		cat "$good"
		printf 'a = 2\000\n'
	} >"$file"
	refused "$file" 'a NUL byte'
	head -c 5000 /dev/zero >"$file"
	refused "$file" 'a NUL byte'
}
make_half() {
	head -c "$(($(wc -c <"$good") - 4))" "$good" >"$file"
	refused "$file" 'is not closed'
}
make_empty() {
	: >"$file"
	[ "$file" != "$conf" ] || refused "$file" "there is no 'listen' section"
}

step "in the place of the configuration" at "$conf" "$dir/good.conf"
step "among the services" at "$dir/services.d/10-more.conf" "$dir/more.conf"

# All of the files at once: each is reported, none hides another.
all_at_once() {
	mkdir "$dir/services.d/20-dir.conf"
	mkfifo "$dir/services.d/30-fifo.conf"
	ln -s 40-loop.conf "$dir/services.d/40-loop.conf"
	printf 'service "y" {\n' >"$dir/services.d/50-half.conf"
	# Files with other names are not looked at.
	mkfifo "$dir/services.d/fifo" "$dir/services.d/.hidden.conf" "$dir/services.d/x.conf~"
	refused "$dir/services.d/20-dir.conf" 'it is a directory'
	assert_eq "$(wc -l <"$dir/said")" 4
	assert_match "$(sed -n 4p "$dir/said")" "$dir/services.d/50-half.conf:1: *"
	rm -r "$dir"/services.d/[2-5]*
}
step "many at once" all_at_once

the_directory() {
	mv "$dir/services.d" "$dir/elsewhere"
	refused "$conf" 'cannot read directory'
	mkfifo "$dir/services.d"
	refused "$conf" 'cannot read directory'
	rm "$dir/services.d"
	ln -s services.d "$dir/services.d"
	refused "$conf" 'cannot read directory'
	rm "$dir/services.d"
	mkdir -m 0 "$dir/services.d"
	[ "$(id -u)" -ne 0 ] || chown "$program_user" "$dir/services.d"
	refused "$conf" 'cannot read directory'
	rmdir "$dir/services.d"
	mv "$dir/elsewhere" "$dir/services.d"
}
step "the directory itself" the_directory

note "the slowest refusal took $slowest ms"
good_again() {
	ctl reload >/dev/null && call more
}
step "and a good one is taken afterwards" good_again
finish
