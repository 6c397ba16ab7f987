#!/bin/sh
# SPDX-License-Identifier: ISC
# evil-worker: workers that have been taken over attack from inside, one after
# the other, with every kind of frame; honest clients of the other workers check
# that the attacks have no effect. evil-*.c have the attacks, evil-worker.py the
# checks.
#
# REQD_EVIL="NAME..." are the only attacks. REQD_FAULT_ROUNDS is how often all
# are made (default 1, without those that take longest). REQD_FAULT_SLACK: the bars on times are those for an idle
# machine, so many times (default 20; 1 to hold reqd to them).
workers=20
log_level=notice
. "${srcdir:-.}/tests/integration/lib.sh"
need python3

kills=yes
forbidden=yes
[ -x "$helpers/reqd-evil" ] || fail "reqd-evil is not built"
cp "$helpers/reqd-evil" "$dir/reqd"
cp "$top_srcdir/tests/zoo/handler.py" "$dir/handler.py"
reqd=$dir/reqd
mkdir "$dir/evil" "$dir/honest"
: >"$dir/evil/events"
chmod 777 "$dir/evil"
chmod 666 "$dir/evil/events"

# Limits that nobody reaches, so that workers add up the pages of the evil ones.
sed -i 's|^role "local" {|& rate = 900000/s  calls = 900000  connections = 900000 |' "$conf"
service true '"/bin/true"' 'log = none'
service nap '"/bin/sleep", "{seconds}"' 'argument "seconds" {}' 'log = none'
service echo '"/bin/echo", "{text}"' 'argument "text" {}' 'log = none'
service queue '"/bin/true"' 'concurrency = 2' 'queue = 1000' 'log = none'
service talkative '"/usr/bin/yes"' 'log = none'
service daemon "\"$zoo/daemonize\"" 'log = none'
handler talk "\"/usr/bin/python3\", \"$dir/handler.py\"" 'argument "text" {}' 'log = none' \
    'processes { min = 0  max = 6  idle = 1s }' 'queue = 1000' 'timeout = 2s'
handler starved "\"/usr/bin/python3\", \"$dir/handler.py\"" 'argument "text" {}' 'log = none' \
    'processes { min = 0  max = 2  idle = 300ms }' 'timeout = 1s' 'queue = 1000'
setting "logins = \"$dir/logins\""
service web '"/bin/touch", "'"$dir"'/web-has-run"' 'doors = {"http"}' 'log = none'
handler web-talk "\"/usr/bin/python3\", \"$dir/handler.py\"" 'doors = {"http"}' 'log = none' \
    'processes { min = 0 }'
judge() {
	python3 "$top_srcdir/tests/integration/evil-worker.py" "$dir" "$port" "$reqctl" "$reqd_pid" "$@"
}

! "$reqd" -V | grep -q '^built in:.* sandbox' || export REQD_SANDBOX=yes
start_reqd
login() {
	echo "correct horse" | ctl passwd alice >/dev/null
}
step "somebody has a password" login
# Each result that is kept is a descriptor of the broker, for ten minutes.
step "as many results are kept as can be" judge fill
fds_before=$(settled_fds)
step "nothing that is attacked gives way" judge
step "no service of another protocol has run" test ! -e "$dir/web-has-run"
finish
