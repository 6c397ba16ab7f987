#!/bin/sh
# SPDX-License-Identifier: ISC
# control-socket: bytes on the control socket end at most one connection, and
# its mode decides who may connect.
. "${srcdir:-.}/tests/integration/lib.sh"

need python3
service echo '"/bin/echo", "{text}"' 'argument "text" {}'
start_reqd

survives() {
	timeout 120 python3 "$top_srcdir/tests/integration/control-client.py" "$control" "$1"
}
step "malformed bytes end their own connection" survives garbage
step "requests that are cut off" survives truncated
step "100 at once" survives many
step "descriptors that come along" survives descriptors
step "a pipeline of everything" survives pipeline
step "half-closed clients get their answers" survives half_close
step "clients that vanish" survives vanish
step "one that never reads" survives never_read

mode_is() {
	assert_eq "$(stat -c '%a %u' "$control")" "$1 $(id -u)"
}
step "it is the operator's own" mode_is 600

# The user who starts reqd is root here; the kernel refuses everybody else.
others_are_refused() {
	assert_eq "$(python3 - "$control" <<-'END'
		import os, socket, sys
		os.setgroups([])
		os.setgid(1)
		os.setuid(1)
		try:
		    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
		except PermissionError:
		    print("refused")
		END
	)" refused
}
if [ $is_root = yes ]; then
	step "an ordinary user is refused" others_are_refused
fi

reload_with() { # SED-SCRIPT
	sed "$1" "$dir/base.conf" >"$conf"
	ctl reload >"$dir/out" 2>&1 || fail "$(cat "$dir/out")"
}
cp "$conf" "$dir/base.conf"

group_follows() {
	group=$(id -gn)
	reload_with "s|^control .*|control { path = \"$control\"\\ngroup = \"$group\" }|"
	assert_eq "$(stat -c '%a %G' "$control")" "660 $group"
	survives half_close
	reload_with ''
	mode_is 600
}
step "a reload changes its group" group_follows

path_follows() {
	old=$control
	reload_with "s|^control .*|control { path = \"$dir/other.sock\" }|"
	! test -e "$old" || fail "the old one is still there"
	control=$dir/other.sock
	ctl status >/dev/null || return 1
	sed "s|^control .*|control { path = \"$dir/not/there.sock\" }|" "$dir/base.conf" >"$conf"
	! ctl reload >"$dir/out" 2>&1 || return 1
	assert_match "$(cat "$dir/out")" '*cannot open the control socket*not/there.sock*'
	reload_with ''
	control=$old
	! test -e "$dir/other.sock" && ctl status >/dev/null
}
step "and its path" path_follows

lost_file() {
	rm "$control"
	kill -HUP "$reqd_pid"
	until_true "$patience" test -S "$control" && ctl status >/dev/null
}
step "a reload brings it back when it was removed" lost_file

# B changes the file while the reload of A is under way: the answer that B
# gets is about what B wrote.
own_answer() {
	for n in 1 2 3 4 5 6 7 8 9 10; do
		ctl reload >/dev/null &
		first=$!
		sed "s|^service \"echo\"|service \"echo$n\"|" "$dir/base.conf" >"$dir/next.conf"
		mv "$dir/next.conf" "$conf"
		assert_match "$(ctl reload; ctl list 2>&1)" "*echo$n*"
		wait $first
	done
}
step "the answer to RELOAD is about the file as it was then" own_answer
finish
