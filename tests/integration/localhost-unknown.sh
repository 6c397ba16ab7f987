#!/bin/sh
# SPDX-License-Identifier: ISC
# localhost-unknown: reqd where no look-up of names works, as on a machine without /etc/hosts and
# without a network, localhost is the addresses of loopback: for listeners and for clients.
if [ -z "${REQD_NO_NAMES-}" ]; then
	. "${srcdir:-.}/tests/integration/steps.sh"
	[ "$(id -u)" -eq 0 ] || skip "only root can hide /etc/hosts"
	need unshare mount getent
	REQD_NO_NAMES=yes
	export REQD_NO_NAMES
	exec unshare -m --propagation private sh "$0"
fi
. "${srcdir:-.}/tests/integration/lib.sh"
echo "hosts: files" >"$dir/nsswitch.conf"
: >"$dir/hosts"
hide() { # FILE PATH
	[ ! -e "$2" ] || mount --bind "$1" "$2"
}
hide "$dir/hosts" /etc/hosts && hide "$dir/nsswitch.conf" /etc/nsswitch.conf ||
    skip "files cannot be hidden here"
! getent ahosts localhost >/dev/null || skip "localhost is known in another way"

sed -i "s|^listen \"tcp://127.0.0.1:$port\"|listen \"tcp://localhost:$port\"|" "$conf"
sed -i 's|^role "local".*|role "local" { net = {"127.0.0.0/8", "::1", "unix"} }|' "$conf"
service echo '"/bin/echo", "hi"'
start_reqd
answers() { # HOST
	timeout 60 "$reqctl" -s "tcp://$1:$port" call echo
}
listens() {
	"$reqd" -c "$conf" -t && ctl reload >/dev/null && ctl status >"$dir/status" &&
	    grep -q "127.0.0.1:$port" "$dir/status"
}
other_names_fail() {
	assert_status 254 timeout 60 "$reqctl" -s "tcp://no-such-host:$port" list
	assert_match "$(cat "$dir/err")" "*this machine knows no address of 'no-such-host'*"
}
step "a listener at localhost is one at 127.0.0.1" assert_eq "$(answers 127.0.0.1)" hi
step "... also after a reload" listens
step "a client finds localhost" assert_eq "$(answers localhost)" hi
step "... in letters of any case" assert_eq "$(answers LocalHost)" hi
step "other names have no address" other_names_fail
finish
