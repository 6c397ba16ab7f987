#!/bin/sh
# SPDX-License-Identifier: ISC
# helper: the example of a privileged helper works as it stands: with its drop-in an
# account is made, without the drop-in it is not.
. "${srcdir:-.}/tests/system/lib.sh"
box_start

socket=/run/reqd-accounts/reqd.sock
make_account() {
	inside reqctl -s $socket call make-account "$@" >"$dir/out" 2>"$dir/err"
}
put /etc/reqd/accounts.conf <"$top_srcdir/examples/accounts.conf"

without() {
	inside systemctl start reqd@accounts || return 1
	log_says 'service make-account: it runs as root, which may not do here' ||
	    fail "no warning"
	! make_account bob || fail "the unit of the package lets useradd write"
	assert_match "$(cat "$dir/err")" 'useradd: *'
	inside sed -i /^bob:/d /etc/passwd /etc/group
}
step "without the drop-in the sandbox is in the way" without

with() {
	put /etc/systemd/system/reqd@accounts.service.d/unit.conf \
	    <"$top_srcdir/examples/accounts-unit.conf"
	inside systemctl daemon-reload
	log_mark
	inside systemctl restart reqd@accounts || return 1
	! log_says 'it runs as root, which may not' || fail "a warning where nothing is missing"
	assert_eq "$(inside stat -c '%a %G' $socket)" '660 adm'
	make_account alice || fail "$(cat "$dir/err")"
	assert_match "$(inside getent passwd alice)" 'alice:*:/home/alice:*'
	assert_eq "$(inside stat -c %U /home/alice)" alice
}
step "with the drop-in an account is made" with

refused() {
	status=0
	make_account alice || status=$?
	assert_eq "$status $(cat "$dir/err" | head -n 1)" "9 useradd: user 'alice' already exists"
	status=0
	make_account 'x:y' || status=$?
	assert_eq $status 246
	! as_user reqctl -s $socket ping >/dev/null 2>&1 || fail "nobody may connect"
}
step "a wrong name, a name that is there, a stranger" refused
box_finish
