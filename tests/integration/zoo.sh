#!/bin/sh
# SPDX-License-Identifier: ISC
# zoo: for any behaviour of a program, its caller gets one outcome, and no
# process of it is left.
. "${srcdir:-.}/tests/integration/lib.sh"

pids=$dir/pids
: >"$pids"
chmod 666 "$pids"

# animal NAME PROGRAM [ARG]... -- [LINE]...
animal() {
	name=$1
	words="\"$zoo/$2\", \"-p\", \"$pids\""
	shift 2
	for word; do
		shift
		[ "$word" != -- ] || break
		words="$words, \"$word\""
	done
	service "$name" "$words" "$@"
}

# The zoo itself runs as an account that may write there.
short='timeout = 300ms'
animal sleeper sleeper -- "$short"
animal flood-stdout flood-stdout -- 'output-limit = 100K'
animal flood-stdout-to-limit flood-stdout -n 102400 -- 'output-limit = 100K'
animal flood-stderr flood-stderr -n 5000000 -- 'output-limit = 100K'
animal ignore-term ignore-term -- "$short" 'kill-grace = 100ms'
animal fork-and-stay fork-and-leave -- "$short"
animal fork-and-leave fork-and-leave -x --
animal hold-pipe hold-pipe --
animal daemonize daemonize --
animal daemonize-unmarked daemonize -e --
animal close-stdout close-stdout --
animal close-all close-stdout -a --
animal close-all-and-stay close-stdout -a -f -- "$short"
animal die-by-segv die-by-signal 11 --
animal die-by-kill die-by-signal 9 --
animal die-by-realtime die-by-signal 40 --
animal die-3 die-at-once -m 'first line' 3 --
animal die-0 die-at-once 0 --
animal die-255 die-at-once 255 --
animal never-read never-read -- 'input = required' "$short"
animal never-read-and-leave never-read -x -- 'input = required'
# Long enough for a busy machine to start them all.
animal fork-bomb fork-bomb 50 -- 'timeout = 4s'
animal stubborn-tree stubborn-tree -- 'timeout = 2s' 'kill-grace = 100ms'
animal stubborn-tree-and-leave stubborn-tree -x -- 'kill-grace = 100ms'
animal vanish sleeper --
animal vanish-but-finish sleeper -- 'on-disconnect = finish' 'timeout = 3s'
start_reqd

# tamed STATUS N SERVICE [INPUT]: that exit status of reqctl, N processes have
# been there, and none is left.
tamed() {
	: >"$pids"
	assert_status "$1" call ${4:+-i "$4"} "$3"
	assert_eq "$(wc -l <"$pids")" "$2" "$3: number of processes"
	until_true "$patience" all_gone "$pids" || fail "$3: still there: $(tr '\n' ' ' <"$pids")"
}

prints() {
	assert_eq "$(cat "$dir/out")" "$1"
}

head -c 3000000 /dev/zero >"$dir/input"

step "a program past its deadline is killed" tamed 240 1 sleeper
step "endless output ends at the limit" tamed 242 1 flood-stdout
step "output up to the limit is no error" tamed 0 1 flood-stdout-to-limit
assert_eq "$(wc -c <"$dir/out")" 102400
step "a flood on stderr does not block its program" tamed 0 1 flood-stderr
step "one that ignores TERM is killed all the same" tamed 240 1 ignore-term
step "a child in the same session dies with it" tamed 240 2 fork-and-stay
step "a child left behind does not delay the reply" tamed 0 2 fork-and-leave
step "a grandchild that holds the pipe does not either" tamed 0 3 hold-pipe
prints 'done'
step "a daemon does not survive its request" tamed 0 3 daemonize
step "nor one that hides where it came from" tamed 0 3 daemonize-unmarked
step "closing stdout is not the end of a program" tamed 0 1 close-stdout
prints closing
step "closing stderr too is not either" tamed 0 1 close-all
step "one that closed everything and stays is killed" tamed 240 1 close-all-and-stay
step "death by a signal is told" tamed 139 1 die-by-segv
step "death by KILL that was not ours is no timeout" tamed 137 1 die-by-kill
step "death by a realtime signal is told" tamed 168 1 die-by-realtime
step "its exit status is passed on" tamed 3 1 die-3
assert_match "$(cat "$dir/err")" '*first line*'
step "exit 0 without a byte is a success" tamed 0 1 die-0
prints ''
step "an exit status that reads as another is told apart" tamed 239 1 die-255
step "input that is never read does not block reqd" tamed 240 1 never-read "$dir/input"
step "input left unread is no error" tamed 0 1 never-read-and-leave "$dir/input"
step "a chain of 50 processes dies whole" tamed 240 50 fork-bomb
step "leaves without a parent die too" tamed 240 7 stubborn-tree
step "and when their root has left before" tamed 0 7 stubborn-tree-and-leave

# The client is killed while the service runs.
lose_client() { # SERVICE
	: >"$pids"
	call "$1" >/dev/null 2>&1 &
	client=$!
	until_true "$patience" test -s "$pids" || return 1
	# The process that speaks to reqd is the child of timeout(1).
	# shellcheck disable=SC2046
	kill -KILL $(tree_of "$client") "$client"
	wait "$client" 2>/dev/null
	return 0
}

logged() {
	grep -q "$1" "$log"
}

vanishes() {
	lose_client vanish && until_true "$patience" all_gone "$pids"
	until_true "$patience" logged 'service=vanish .*outcome=cancelled'
}
step "a program whose client vanished is killed" vanishes

finishes() {
	lose_client vanish-but-finish && until_true "$patience" all_gone "$pids"
	until_true "$patience" logged 'service=vanish-but-finish .*outcome=timeout'
}
step "unless its service says that it finishes" finishes

still_serves() {
	assert_status 0 call die-0
}
step "still serves" still_serves
finish
