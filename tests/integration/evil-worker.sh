#!/bin/sh
# SPDX-License-Identifier: ISC
# evil-worker: workers that have been taken over attack from inside, one after
# the other, with every kind of frame; honest clients of the other workers check
# that the attacks have no effect. evil-*.c have the attacks, evil-worker.py the
# checks.
#
# With place=web the workers of HTTP are taken over (evil-web.sh).
# REQD_EVIL="NAME..." are the only attacks. REQD_FAULT_ROUNDS is how often all
# are made (default 1, without those that take longest). REQD_FAULT_SLACK: the bars on times are those for an idle
# machine, so many times (default 20; 1 to hold reqd to them).
place=${place:-worker}
case $place in
web) workers=4 web_workers=20 ;;
*) workers=20 web_workers=2 ;;
esac
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
[ $place = worker ] || : >"$dir/evil/$place"
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
web_port=$("$helpers/free-port")
tls_port=$("$helpers/free-port")
"$reqctl" keygen --server "$dir/tls" >/dev/null || fail "no key"
setting "web-workers = $web_workers"
setting "listen \"http://127.0.0.1:$web_port\" {}"
setting "listen \"unix://$dir/web.sock\" { mode = 0666  protocol = http }"
setting "listen \"tls://127.0.0.1:$tls_port\" { certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
service resp-only '"/bin/touch", "'"$dir"'/resp-has-run"' 'doors = {"resp"}' 'log = none'
handler resp-talk "\"/usr/bin/python3\", \"$dir/handler.py\"" 'doors = {"resp"}' 'log = none' \
    'processes { min = 0 }'
service web '"/bin/touch", "'"$dir"'/web-has-run"' 'doors = {"http"}' 'log = none'
handler web-talk "\"/usr/bin/python3\", \"$dir/handler.py\"" 'doors = {"http"}' 'log = none' \
    'processes { min = 0 }'
judge() {
	REQD_EVIL_PLACE=$place REQD_EVIL_TLS=$tls_port REQD_EVIL_WEB=$web_port \
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
no_other_door() {
	[ ! -e "$dir/web-has-run" ] && [ ! -e "$dir/resp-has-run" ]
}
step "no service of another protocol has run" no_other_door
finish
