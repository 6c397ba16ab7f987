#!/bin/sh
# SPDX-License-Identifier: ISC
# start-fails: reqctl, any other client and the log say the same of a program
# that cannot be started: the step, the reason, and where to look.
. "${srcdir:-.}/tests/integration/lib.sh"
need redis-cli

program() { # NAME FIRST-LINE
	printf '%s\necho ran\n' "$2" >"$dir/$1"
	chmod 755 "$dir/$1"
	service "$1" "\"$dir/$1\""
}
program gone '#!/bin/sh'
program closed '#!/bin/sh'
program plain '#!/bin/sh'
program broken '#!/bin/sh'
service fed "\"$dir/plain\"" 'input = optional'
mkdir "$dir/place"
service misplaced '"/bin/true"' "directory = \"$dir/place\""
cp "$dir/gone" "$dir/warm"
handler warm "\"$dir/warm\"" 'processes { min = 0  max = 1  idle = 100ms }'
start_reqd

logged() {
	grep -qF "$1" "$log"
}
said() { # SERVICE REASON
	assert_status 244 ctl call "$1"
	assert_eq "$(cat "$dir/err")" "reqctl: $1: could not be started: $2"
	assert_eq "$(redis-cli -p "$port" CALL "$1")" "NOSTART $1 $2"
	until_true "$patience" logged "service=$1 outcome=nostart" || return 1
	grep -F "service=$1 outcome=nostart" "$log" | grep -qF "detail=\"$2\"" ||
	    fail "$(grep "service=$1" "$log")"
}

rm "$dir/gone" "$dir/warm"
chmod 600 "$dir/closed"
echo 'echo ran' >"$dir/plain"
printf '#!%s\necho ran\n' "$dir/no-such-shell" >"$dir/broken"
rmdir "$dir/place"
check="(try 'reqctl reload --check')"
missing='No such file or directory'
step "a program that is gone" said gone "its program: $missing $check"
step "one that may not be executed" said closed "its program: Permission denied $check"
step "a directory that is gone" said misplaced "its directory: $missing $check"
step "a script without #!" said plain "its program: Exec format error (a script begins with #!)"
step "a script whose interpreter is missing" said broken \
    "the interpreter of its program: $missing"

# OPEN says "started" of what runs, not of what was forked.
opened_too() {
	assert_eq "$(redis-cli -p "$port" CALL --open fed)" \
	    "NOSTART fed its program: Exec format error (a script begins with #!)"
}
step "a call whose input would follow" opened_too

handler_too() {
	# From the first call on: nothing has run.
	for _ in 1 2 3; do
		assert_status 249 ctl call warm || return 1
		assert_match "$(cat "$dir/err")" "reqctl: warm: cannot serve now: its handler does not\
 stay up: could not be started: its program: $missing $check; tried again *" || return 1
	done
	until_true "$patience" logged "service warm: handler: could not be started: its program: $missing $check" || return 1
	! grep -E 'no proper answer|exit status 127' "$log"
}
step "a handler that is gone" handler_too

where_it_points() {
	assert_status 251 ctl reload --check
	assert_match "$(cat "$dir/err")" "*$conf:*program $dir/gone: $missing*"
	assert_match "$(cat "$dir/err")" "*$conf:*directory $dir/place: $missing*"
	assert_match "$(cat "$dir/err")" "*$conf:*program $dir/plain: it is neither*(a script begins with #!)*"
	assert_match "$(cat "$dir/err")" "*$conf:*its interpreter $dir/no-such-shell: $missing*"
}
step "and what they name says which file" where_it_points
finish
