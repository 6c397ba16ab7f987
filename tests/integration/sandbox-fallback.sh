#!/bin/sh
# SPDX-License-Identifier: ISC
# sandbox-fallback: a service with a sandbox is refused on a kernel without Landlock, with the
# remedy; with "sandbox-fallback = yes" the service has the rest of its sandbox.
. "${srcdir:-.}/tests/integration/lib.sh"
[ -x "$helpers/without" ] || skip "built without the sandbox"

without() {
	"$helpers/without" landlock_create_ruleset "$@"
}
service free '"/bin/echo", "free"'
service kept '"/usr/bin/python3", "-c", "import socket; socket.socket()"' 'sandbox = strict' \
    'sandbox-fallback = yes'
service reads '"/bin/ls", "/home"' 'sandbox = basic' 'sandbox-fallback = yes'
cp "$conf" "$dir/good"
service closed '"/bin/true"' 'sandbox = basic'

refused() {
	status=0
	without "$reqd" -c "$conf" -t >"$dir/out" 2>&1 || status=$?
	assert_eq $status 1
	assert_match "$(cat "$dir/out")" "*service \"closed\": this kernel has no Landlock*"
	assert_match "$(cat "$dir/out")" "*set 'sandbox-fallback = yes'*"
}
step "a check refuses it, and says the remedies" refused
start_reqd "$helpers/without" landlock_create_ruleset

out_of_order() {
	assert_status 249 call closed
	assert_match "$(cat "$dir/err")" "*this kernel has no Landlock*"
	assert_eq "$(call free)" free
}
step "at a start only this service is out of order" out_of_order
cp "$dir/good" "$conf"
rest() {
	ctl reload >/dev/null
	status=0
	call kept >"$dir/out" 2>&1 || status=$?
	assert_eq $status 1
	assert_match "$(cat "$dir/out")" "*Permission denied*"
	call reads >/dev/null
	assert_match "$(ctl describe kept)" "*sandbox        strict (calls only: the kernel of the server has no Landlock)*"
}
step "the fallback keeps calls from a program, and describe says so" rest
finish
