#!/bin/sh
# SPDX-License-Identifier: ISC
# late-account: a machine boots before the account of one service is there. All other
# services serve from the first second, that one comes in by itself, and no unit fails,
# also while clients knock at the socket.
. "${srcdir:-.}/tests/system/lib.sh"
box_start

service late '"/usr/bin/id", "-un"'
inside sed -i 's/"nobody"/"lateuser"/' /etc/reqd/services.d/test-late.conf
inside systemctl stop reqd.service reqd.socket
log_mark

boots() {
	inside systemctl start reqd.socket || return 1
	# The first client is what starts the service.
	assert_eq "$(printf 'a b\n' | inside timeout 30 reqctl call count | tr -s ' ')" ' 1 2 4' ||
	    return 1
	assert_eq "$(inside systemctl --failed --no-legend --plain)" '' || return 1
	is_active && log_says "test-late.conf:.*lateuser"
}
step "the others serve at once" boots

out_of_order() {
	status=0
	inside reqctl call late >"$dir/out" 2>"$dir/err" || status=$?
	assert_eq "$status" 249 && assert_match "$(cat "$dir/err")" '*lateuser*' || return 1
	inside reqctl why late uid:0 >"$dir/out" 2>&1
	grep -q lateuser "$dir/out" || fail "why: $(cat "$dir/out")"
	assert_match "$(property reqd.service StatusText)" '*out of order*'
}
step "that one says what is missing" out_of_order

refuses() {
	! inside systemctl reload reqd 2>/dev/null || fail "a reload is not refused"
	inside reqctl reload 2>&1 | grep -q lateuser && serves
}
step "a reload is refused, for the administrator who is there" refuses

comes_in() {
	[ "$(inside reqctl call late 2>/dev/null)" = lateuser ]
}
in_order() {
	inside sh -c 'echo "lateuser:x:4711:65534::/:/bin/sh" >>/etc/passwd'
	until_true 60 comes_in || return 1
	log_says 'service late is in order again' &&
	    assert_eq "$(inside systemctl --failed --no-legend --plain)" ''
}
step "with the account it comes in by itself" in_order
box_finish
