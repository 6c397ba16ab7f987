#!/bin/sh
# SPDX-License-Identifier: ISC
# The answers of reqd to callers by place, account, group and login, before and after
# reloads, on old and new connections, are those of a model written from the manual.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3
setting 'logins = "logins"'
# No role of lib.sh: the model has its own.
grep -v '^role ' "$conf" >"$dir/base.conf"
umask 077
: >"$dir/logins"
umask 022
cp "$dir/base.conf" "$conf"
start_reqd
equal() {
	timeout 600 python3 "$top_srcdir/tests/integration/logins-model.py" "$dir" "$port" "$reqctl"
}
step "the answers are those of the model" equal
finish
