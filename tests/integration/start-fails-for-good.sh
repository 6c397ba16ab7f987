#!/bin/sh
# SPDX-License-Identifier: ISC
# start-fails-for-good: if a process of reqd can never start, reqd says why on
# standard error, with or without a log, and ends; it does not try for ever
# while clients wait.
. "${srcdir:-.}/tests/integration/lib.sh"
service true '"/bin/true"'

ends() { # REASON COMMAND...
	reason=$1
	shift
	status=0
	timeout 60 "$@" "$reqd" -c "$conf" >"$dir/out" 2>"$dir/err" || status=$?
	assert_eq "$status" 71 "status"
	assert_match "$(cat "$dir/err")" "*$reason*"
	assert_match "$(cat "$dir/err")" "*${giving_up-cannot start, giving up}*"
	! pgrep -f "reqd -c $conf" || fail "something is left"
}

# The limits are looked at before any process is started.
giving_up='limit of file sizes is [0-9]* KiB'
step "no room for the pages of statistics" ends "LimitFSIZE=" \
    sh -c 'ulimit -f 100; exec "$@"' sh
unset giving_up
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	step "root that may not change its account" ends \
	    "dropping privileges: Operation not permitted" \
	    setpriv --inh-caps=-setuid,-setgid --bounding-set=-setuid,-setgid
	# /dev/null as a container may have it: closed to the account of the workers.
	cat >"$dir/closed.sh" <<'END'
mount -t tmpfs none /mnt && mknod -m 600 /mnt/null c 1 3 && mount --bind /mnt/null /dev/null ||
    exit 77
exec "$@"
END
	if unshare -m sh "$dir/closed.sh" true 2>/dev/null; then
		step "a /dev/null that is closed to the account" ends "/dev/null: Permission denied" \
		    unshare -m sh "$dir/closed.sh"
	fi
fi
finish
