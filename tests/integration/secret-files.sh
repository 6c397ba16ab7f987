#!/bin/sh
# SPDX-License-Identifier: ISC
# secret-files: a secret argument comes to the program in a file, and is to be seen nowhere
# else: not in command lines, environments, ps, status, log, errors and replies.
. "${srcdir:-.}/tests/integration/lib.sh"
need redis-cli

canary="canary-5f1c9d"
secret='argument "token" { secret = yes } argument "more" { secret = yes optional = yes }'
for level in none basic strict; do
	service "shows-$level" '"/bin/cat", "--", "{@token}", "{@more}"' "$secret" "sandbox = $level"
done
service small '"/bin/cat", "{@token}"' 'argument "token" { secret = yes }' 'limits { file-size = 0 }'
service named '"/bin/sh", "-c", "cat $FILE; echo; ls -l /proc/self/fd | grep -c secret"' \
    'environment = {"FILE={@token}"}' 'argument "token" { secret = yes }'
service twice '"/bin/sh", "-c", "cat $1 $2", "x", "--f={@token}", "{@token}"' \
    'argument "token" { secret = yes dash = yes }'
service waits "\"/bin/sh\", \"-c\", \"echo begun; read x <$dir/go; cat \$0\", \"{@token}\"" \
    'argument "token" { secret = yes }'
service bare '"/bin/echo", "{token}"' 'argument "token" { secret = yes }'
service picky '"/bin/cat", "{@token}"' 'argument "token" { secret = yes type = integer }' 
mkfifo "$dir/go"
chmod 711 "$dir"
chmod 666 "$dir/go"
start_reqd

shows() {
	for level in none basic strict; do
		assert_eq "$(call shows-$level --token=$canary)" "$canary"
		assert_eq "$(call shows-$level --token=$canary- --more=second)" "$canary-second"
	done
	assert_eq "$(call small --token=$canary)" "$canary"
	assert_match "$(call named --token=$canary)" "$canary*"
}
step "the program reads the secret from its file" shows

# A call that runs, looked at from outside.
call waits --token=$canary >"$dir/waits" &
waiting=$!
until_true "$patience" grep -q begun "$dir/waits"
unseen() {
	for d in /proc/[0-9]*; do
		pid=${d#/proc/}
		# The client of this test has it in its command line, by its own choice.
		[ "$pid" != $waiting ] || continue
		case $(tr '\0' ' ' <"$d/cmdline" 2>/dev/null) in
		*reqctl*) continue ;;
		esac
		! tr '\0' '\n' <"$d/cmdline" 2>/dev/null | grep -q $canary ||
		    fail "in the command line of $pid"
		! tr '\0' '\n' <"$d/environ" 2>/dev/null | grep -q $canary ||
		    fail "in the environment of $pid"
	done
	ctl ps >"$dir/out"
	grep -q waits "$dir/out" || fail "ps does not show the call"
	ctl --json ps >>"$dir/out"
	ctl status >>"$dir/out"
	! grep $canary "$dir/out" || fail "in ps or status"
}
step "no command line, environment, ps or status has it" unseen
echo >"$dir/go"
wait $waiting
step "the call gets it" assert_match "$(cat "$dir/waits")" "*$canary"

none_in() { # FILE
	! grep $canary "$1" || fail "in the $1"
}
errors() {
	assert_status 246 call picky --token=$canary
	none_in "$dir/err"
	{
		redis-cli -p "$port" CALL picky $canary
		redis-cli -p "$port" CALL shows-none $canary $canary $canary
		redis-cli -p "$port" CALL picky --nothing=$canary
	} >"$dir/out" 2>&1
	none_in "$dir/out"
	none_in "$log"
	none_in "$dir/notify"
}
step "no error and no line of the log has it" errors

warned() {
	"$reqd" -c "$conf" -t >"$dir/out" 2>&1
	assert_match "$(cat "$dir/out")" "*service \"bare\": the secret argument 'token' stands in the command line*'{@token}'*"
	assert_eq "$(grep -c 'stands in the command line' "$dir/out")" 1
}
step "a check warns of a secret in a command line" warned
finish
