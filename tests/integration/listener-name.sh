#!/bin/sh
# SPDX-License-Identifier: ISC
# listener-name: a listener whose host is a name is open at every address that the name
# and this machine have, and -T, status and the system show the same addresses.
. "${srcdir:-.}/tests/integration/lib.sh"

# A file of hosts of its own, which the name service of reqd reads.
need unshare mount python3
cat >"$dir/hosts" <<END
127.0.0.1 localhost
127.0.0.2 localhost
192.0.2.1 localhost
END
with_hosts() {
	unshare -m sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$dir/hosts" "$@"
}
with_hosts true 2>"$dir/err" || skip "no file system of its own: $(cat "$dir/err")"
case $(with_hosts getent ahostsv4 localhost) in
*127.0.0.2*) ;;
*) skip "the name service does not read /etc/hosts" ;;
esac

other=$("$helpers/free-port")
setting "listen \"tcp://localhost:$other\" { name = \"named\" }"
service both '"/bin/echo", "hello"' 'listen = {"named"}'
launch_reqd unshare -m sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$dir/hosts"
until_true "$patience" no_programs
fds_before=$(settled_fds)

answers() {
	for host in 127.0.0.1 127.0.0.2; do
		assert_eq "$(timeout 60 "$reqctl" -s "tcp://$host:$other" call both)" hello
	done
}
step "each address answers, by the name of the listener" answers

same_addresses() {
	printf 'tcp://127.0.0.1:%s\n' "$port" "$other" >"$dir/wanted"
	printf 'tcp://127.0.0.2:%s\n' "$other" >>"$dir/wanted"
	sort "$dir/wanted" >"$dir/sorted"
	with_hosts "$reqd" -c "$conf" -T | sed -n 's/^listen "\(tcp.*\)" {/\1/p' | sort >"$dir/printed"
	assert_eq "$(cat "$dir/printed")" "$(cat "$dir/sorted")"
	ctl --json status | python3 -c '
import json, sys
for l in json.load(sys.stdin)["listeners"]:
    print(l["url"])' | grep tcp: | sort >"$dir/shown"
	assert_eq "$(cat "$dir/shown")" "$(cat "$dir/sorted")"
	# The system, by the inodes of the sockets of the master.
	find "/proc/$reqd_pid/fd" -lname 'socket:*' -printf '%l\n' | tr -dc '0-9\n' | sort -u >"$dir/inodes"
	awk 'NR > 1 && $4 == "0A" { print $10, $2 }' /proc/net/tcp | sort >"$dir/listening"
	join "$dir/inodes" "$dir/listening" | python3 -c '
import sys
for line in sys.stdin:
    host, port = line.split()[1].split(":")
    print("tcp://%s:%d" % (".".join(str(b) for b in bytes.fromhex(host)[::-1]), int(port, 16)))' |
	    sort >"$dir/system"
	assert_eq "$(cat "$dir/system")" "$(cat "$dir/sorted")"
}
step "configuration, status and system show the same" same_addresses

twice() {
	sed "s/^listen \"tcp:..localhost.*/&\nlisten \"tcp:\/\/127.0.0.2:$other\" {}/" "$conf" >"$dir/twice.conf"
	assert_status 1 with_hosts "$reqd" -c "$dir/twice.conf" -t
	grep -q "listen \"tcp://localhost:$other\": its name has the address of listen \"tcp://127.0.0.2:$other\"" "$dir/err"
}
step "an address that another listener has is an error" twice

follows() {
	echo '127.0.0.1 localhost' >"$dir/hosts"
	assert_status 0 ctl reload
	assert_match "$(cat "$dir/out")" "*removed  listen tcp://127.0.0.2:$other*"
	assert_eq "$(timeout 60 "$reqctl" -s "tcp://127.0.0.1:$other" call both)" hello
	! timeout 60 "$reqctl" -s "tcp://127.0.0.2:$other" call both 2>/dev/null
}
step "a reload looks the name up again" follows
fds_before=$(settled_fds)
finish
