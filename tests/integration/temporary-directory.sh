#!/bin/sh
# SPDX-License-Identifier: ISC
# temporary-directory: with "directory = temporary" each program has a directory of its
# own, private to its account, which goes when the program and all that it has left are
# gone: whatever is in it, and after a runner that was killed.
kills=yes
. "${srcdir:-.}/tests/integration/lib.sh"

need stat find
chmod 711 "$dir"
mkdir "$dir/tmp" "$dir/victim"
chmod 1777 "$dir/tmp"
chmod 777 "$dir/victim"
echo precious >"$dir/victim/file"
chmod 666 "$dir/victim/file"
setting "temporary-directory = \"$dir/tmp\""
temporary() { # NAME SCRIPT [LINE]...
	name=$1
	script=$2
	shift 2
	service "$name" "\"/bin/sh\", \"-c\", '$script'" 'directory = temporary' "$@"
}
temporary show 'pwd; echo $TMPDIR; stat -c "%a %u" .; ls -A; umask; : >file; mktemp' 'umask = 0777'
temporary mine 'echo $TMPDIR; pwd' 'environment = {"TMPDIR=/elsewhere"}'
temporary nasty "
mkdir -p a/b/c .reqd-1 && : >a/b/c/file && ln -s $dir/victim a/link && ln -s $dir/victim link &&
ln -s $dir/victim .reqd-2 && mkfifo a/fifo && chmod 0 a/b/c a/b a &&
for i in \$(seq 300); do mkdir d && cd d || exit 1; done && echo made"
temporary replaced "cd .. && rmdir \$TMPDIR && ln -s $dir/victim \$TMPDIR && echo replaced"
cat >"$dir/stay" <<END
trap : TERM
for i in \$(seq 6000); do
	[ ! -e $dir/go ] || exit 0
	: >last
	sleep 0.01
done
END
temporary leaves "(setsid sh $dir/stay &); for i in \$(seq 1000); do [ ! -e last ] || break; sleep 0.01; done
pwd" 'kill-grace = 60s'
temporary waits "pwd; for i in \$(seq 6000); do [ ! -e $dir/go ] || break; sleep 0.01; done"
handler warm "\"/bin/sh\", \"-c\", 'pwd >$dir/victim/pwd; exec /bin/cat'" 'directory = temporary' \
    'processes { min = 1 max = 1 }'
launch_reqd

owner=$(id -u $program_user)
n_left() { # N: so many programs have a directory
	[ "$(find "$dir/tmp" -mindepth 2 -maxdepth 2 | wc -l)" -eq "$1" ]
}
n_become() {
	until_true "$patience" n_left "$1"
}
until_true "$patience" test -s "$dir/victim/pwd"

shows() {
	call show >"$dir/out" || return 1
	assert_match "$(sed -n 1p "$dir/out")" "$dir/tmp/reqd-*/*"
	assert_eq "$(sed -n 2p "$dir/out")" "$(sed -n 1p "$dir/out")"
	assert_eq "$(sed -n 3p "$dir/out")" "700 $owner"
	assert_eq "$(sed -n 4p "$dir/out")" 0777
	assert_match "$(sed -n 5p "$dir/out")" "$(sed -n 1p "$dir/out")/*"
	n_become 1
}
step "a program is alone in a directory of its own, which goes with it" shows
step "each has another one" but_first "$(call show | head -n 1)" call show
other() {
	assert_match "$(call mine)" "/elsewhere
$dir/tmp/reqd-*/*"
}
step "TMPDIR of the service stays" other

victim_is_there() {
	assert_eq "$(cat "$dir/victim/file")" precious
	assert_eq "$(stat -c %a "$dir/victim")" 777
}
nasty() {
	assert_eq "$(call nasty)" made
	n_become 1 && victim_is_there
}
step "modes, symlinks and depth do not stop the removal" nasty
replaced() {
	assert_eq "$(call replaced)" replaced
	n_become 1 && victim_is_there
}
step "nor a symlink in its place" replaced

left() {
	call leaves >"$dir/out" || return 1
	where=$(grep "$dir/tmp" "$dir/out")
	[ -d "$where" ] || fail "the directory is gone while something of the program runs"
	: >"$dir/go"
	n_become 1
	rm "$dir/go"
}
step "it stays as long as what the program has left" left

handler_has_one() {
	where=$(cat "$dir/victim/pwd")
	[ -d "$where" ] || return 1
	assert_match "$where" "$dir/tmp/reqd-*/*"
	sed -i '/^service "warm"/,/^}/d' "$conf"
	assert_status 0 ctl reload
	n_become 0
}
step "a handler has its own as long as it lives" handler_has_one

# The lock of the directory of a dead runner is gone with the runner.
waits_run() {
	grep -q tmp "$dir/waiting"
}
sweeps() {
	call waits >"$dir/waiting" 2>&1 &
	client=$!
	until_true "$patience" waits_run || return 1
	old=$(cat "$dir/waiting")
	[ -d "$old" ] || return 1
	touch "$dir/tmp/reqd-not-a-directory" && mkdir "$dir/tmp/other"
	# Directories of other people whose names resemble those of reqd.
	mkdir "$dir/tmp/reqd-1.2" "$dir/tmp/reqd-tmp-0123456789abcdef"
	kill -KILL "$(role_pids runner)"
	wait "$client"
	until_true "$patience" call show >/dev/null 2>&1 || return 1
	until_true "$patience" test ! -e "${old%/*}" && n_become 0 || return 1
	[ -d "$dir/tmp/other" ] && [ -e "$dir/tmp/reqd-not-a-directory" ]
	rmdir "$dir/tmp/reqd-1.2" "$dir/tmp/reqd-tmp-0123456789abcdef" ||
	    fail "a directory that was not made by reqd is gone"
	rm "$dir/tmp/reqd-not-a-directory" && rmdir "$dir/tmp/other"
}
step "what a killed runner has left is removed by the next one" sweeps
until_true "$patience" no_programs
fds_before=$(settled_fds)

refused() {
	sed 's|^temporary-directory.*|temporary-directory = "'"$dir/victim"'"|' "$conf" >"$dir/bad.conf"
	chmod 777 "$dir/victim"
	assert_status 1 "$reqd" -c "$dir/bad.conf" -t
	grep -q "others only with the sticky bit" "$dir/err"
}
step "a place where others could interfere is refused" refused

step "stops" stop_reqd
step "and leaves nothing behind" assert_eq "$(ls -A "$dir/tmp")" ""
finish
