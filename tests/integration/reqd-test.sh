#!/bin/sh
# SPDX-License-Identifier: ISC
# reqd-test: reqd -t tells what is no error and still may not be meant, and says ok.
. "${srcdir:-.}/tests/integration/lib.sh"

service ctl '"/bin/echo", "{what}"' 'argument "what" {}'
service restart '"/bin/echo", "restart"' 'argument "key" { secret = yes  default = "" }' \
    'environment = {"KEY={key}"}'
sed -i '/^service "restart"/,/^}/s/"local"/"few"/' "$conf"
setting 'role "few" { net = {"unix"} }'

warns() {
	assert_status 0 "$reqd" -c "$conf" -t
	line=$(grep -n 'argument "what"' "$conf" | cut -d: -f1)
	grep -qF "$conf:$line: warning: service \"ctl\": argument 'what' may be 'restart', so" "$dir/err" ||
	    return 1
	assert_match "$(cat "$dir/out")" "$conf: ok, *"
}
step "an argument that spells another service is told of" warns

notes() {
	if [ $is_root = yes ]; then
		grep -q "^reqd: note: 2 services share the account '$program_user' ('ctl', 'restart'): " "$dir/err"
	else
		! grep note: "$dir/err"
	fi
}
step "so are services that share an account" notes

silent() {
	sed -i "s/argument \"what\" {}/argument \"what\" { type = choice  values = {\"show\"} }/" "$conf"
	assert_status 0 "$reqd" -c "$conf" -t
	! grep warning: "$dir/err"
}
step "with values there is nothing to tell" silent
passed=yes
