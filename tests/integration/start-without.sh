#!/bin/sh
# SPDX-License-Identifier: ISC
# start-without: a service that lacks something at the start is out of order, and no
# other service is; it comes back by itself. A check and a reload refuse.
. "${srcdir:-.}/tests/integration/lib.sh"
need redis-cli

service well '"/bin/echo", "well"'
service placed '"/bin/pwd"' "directory = \"$dir/later\""
service gone "\"$dir/program\""
handler warm "\"$dir/handler\"" "processes { min = 1  max = 1 }"
setting 'role "late" { user = {"reqd-no-such-account"} net = {"unix"} }'

# Root has accounts: one that is not there yet. The list of accounts that reqd sees is a copy.
if [ $is_root = yes ] && cp /etc/passwd "$dir/passwd" && chmod 644 "$dir/passwd" &&
    unshare -m mount --bind "$dir/passwd" /etc/passwd 2>/dev/null; then
	has_account=yes
	service accounted '"/usr/bin/id", "-u"'
	sed -i "/\"accounted\"/,\$ s/user = .*/user = \"reqd-late\"/" "$conf"
	start_reqd unshare -m sh -c 'mount --bind "$0/passwd" /etc/passwd && exec "$@"' "$dir"
else
	has_account=no
	start_reqd
fi

refused() { # SERVICE REASON
	assert_status 249 ctl call "$1"
	assert_match "$(cat "$dir/err")" "reqctl: $1: cannot serve now: $2"
}
missing='No such file or directory'
step "the others are served" assert_eq "$(call well)" well
step "a directory that is not there" refused placed "directory $dir/later: $missing"
step "a program that is not there" refused gone "program $dir/program: $missing"
step "a handler that is not there" refused warm "program $dir/handler: $missing"
[ $has_account = no ] ||
    step "an account that is not there" refused accounted "there is no account 'reqd-late'"

shown() {
	assert_match "$(ctl why placed 2>&1)" "*Calls of placed are refused now: directory *"
	assert_match "$(ctl status)" "*OUT OF ORDER*placed*directory $dir/later: $missing*"
	grep -q "out of order: $conf:[0-9]*: service .*placed.*: directory $dir/later: $missing" "$log" ||
	    fail "the log does not say it"
	grep -q "out of order: .*there is no account 'reqd-no-such-account'" "$log" ||
	    fail "nothing about the role"
	until_true "$patience" grep -qE '^STATUS=.*, [34] of [45] services are out of order' "$dir/notify"
	assert_eq "$(redis-cli -p "$port" CALL gone)" "UNAVAIL gone program $dir/program: $missing"
}
step "why, status, the log and STATUS= say it" shown
no_process_was_tried() {
	! grep -E 'handler \(|could not be started' "$log"
}
step "no process of a handler that is out of order is started" no_process_was_tried

judged_strictly() {
	status=0
	"$reqd" -c "$conf" -t >"$dir/out" 2>&1 || status=$?
	assert_eq $status 1
	assert_match "$(cat "$dir/out")" "*$conf:[0-9]*: service \"placed\": directory $dir/later: $missing*"
	assert_status 251 ctl reload
	assert_match "$(cat "$dir/err")" "*$conf:[0-9]*: service \"placed\": directory $dir/later: $missing*"
	assert_eq "$(call well)" well
}
step "a check and a reload refuse, with the line" judged_strictly

# Not by a hand of an administrator: the files of the configuration are even broken meanwhile.
cp "$conf" "$dir/good"
echo nonsense >>"$conf"
mkdir "$dir/later" && chmod 755 "$dir/later"
served() { # SERVICE
	call "$1" >"$dir/out" 2>/dev/null
}
comes_back() { # SERVICE OUTPUT
	until_true "$patience" served "$1" || return 1
	assert_eq "$(cat "$dir/out")" "$2"
	grep -q "service $1 is in order again" "$log" || fail "the log does not tell"
}
step "the directory comes, and the service with it" comes_back placed "$dir/later"
step "the others stay out" refused gone "program $dir/program: $missing"
printf '#!/bin/sh\necho here\n' >"$dir/new" && chmod 755 "$dir/new" && mv "$dir/new" "$dir/program"
[ $has_account = no ] || echo 'reqd-late:x:54321:65534::/:/bin/sh' >>"$dir/passwd"
step "so does the program" comes_back gone here
[ $has_account = no ] || step "and the account" comes_back accounted 54321
finish
