#!/bin/sh
# SPDX-License-Identifier: ISC
# silent-slips: a setting that is valid, but probably not meant, is noted with the place and the
# remedy: by reqd -t, at a start, by a reload and its check. Files that have changed since
# they were read are named.
. "${srcdir:-.}/tests/integration/lib.sh"

mkdir "$dir/services.d"
setting "services = \"$dir/services.d\""
service echo '"/bin/echo", "hi"'
echo 'no service' >"$dir/services.d/notes.txt"
cp "$dir/services.d/notes.txt" "$dir/services.d/README"
cp "$dir/services.d/notes.txt" "$dir/services.d/echo.conf.dpkg-old"
echo 'print("hi")' >"$dir/secret.py"
chmod 600 "$dir/secret.py"

# Services, each with the part of the note that it must give; the line is that of the section.
user=
[ $is_root = no ] || user="user = \"$program_user\""
one() { # FILE LINE...
	one_file=$dir/services.d/$1.conf
	shift
	printf 'service "%s" {\n' "$(basename "$one_file" .conf)" >"$one_file"
	printf '\t%s\n' "$@" "$user" '}' >>"$one_file"
}
local='allow = {"local"}'
one closed 'command = {"/bin/echo"}'
one pipe 'command = {"/bin/echo", "a", "|", "wc"}' "$local"
one variable 'command = {"/bin/echo", "$1"}' "$local"
one into 'command = {"/bin/echo", "a", ">/tmp/x"}' "$local"
one home 'command = {"/bin/cat", "~/x"}' "$local"
one script "command = {\"/bin/sh\", \"$dir/none.sh\"}" "$local"
[ $is_root = no ] || one unread "handler = {\"/bin/sh\", \"$dir/secret.py\"}" \
    'processes { min = 0  idle = 100ms }' "$local"
# Services whose signs are meant.
one find 'command = {"/usr/bin/find", "/etc/hostname", "-exec", "echo", "{{}}", ";"}' "$local"
one shell 'command = {"/bin/sh", "-c", "echo $1 | wc -c", "sh", "x"}' "$local"
one grep 'command = {"/bin/grep", "$", "/etc/hostname"}' "$local"

wanted() {
	d=$dir/services.d
	cat <<-END
	$d/notes.txt: N: this file is passed over: only files whose names end in .conf are read
	$d/closed.conf:1: N: service "closed" has no 'allow': nobody but root may call it; write allow = {"ROLE"}
	$d/home.conf:1: N: service "home": no shell: '~/x' is passed on to the program as it is; what needs a shell belongs into a script
	$d/into.conf:1: N: service "into": no shell: '>/tmp/x' is passed on to the program as it is; what needs a shell belongs into a script
	$d/pipe.conf:1: N: service "pipe": no shell: '|' is passed on to the program as it is; what needs a shell belongs into a script
	$d/variable.conf:1: N: service "variable": no shell: '\$1' is passed on to the program as it is; what needs a shell belongs into a script
	$d/script.conf:1: N: service "script": script $dir/none.sh: No such file or directory
	END
	[ $is_root = no ] ||
	    echo "$d/unread.conf:1: N: service \"unread\": script $dir/secret.py: the account of the service may not read it"
}
wanted | sort >"$dir/wanted"

by_test() {
	"$reqd" -t -c "$conf" >"$dir/out" 2>"$dir/err" || fail "$(cat "$dir/err")"
	grep ': note: ' "$dir/err" | grep -v ' share the account ' | sed 's/: note: /: N: /' | sort >"$dir/got"
	diff "$dir/got" "$dir/wanted"
}
step "reqd -t tells them" by_test

start_reqd
by_start() {
	sed -n 's/^.*\] notice: note: //p' "$log" | sed 's/\\\([\\"]\)/\1/g' |
	    grep -v ' share the account ' | sort >"$dir/got"
	sed 's/: N: /: /' "$dir/wanted" | diff "$dir/got" -
}
step "a start logs them" by_start

by_reload() {
	for verb in reload 'reload --check'; do
		# shellcheck disable=SC2086
		ctl $verb >"$dir/out" || return 1
		sed -n 's/^note  *//p' "$dir/out" | grep -v ' share the account ' | sort >"$dir/got"
		sed 's/: N: /: /' "$dir/wanted" | diff "$dir/got" - || return 1
	done
}
step "a reload and its check tell them" by_reload

# Warnings of reqd -t, here of a secret in a command line, stand in the answer and the log.
warned() {
	cp "$conf" "$dir/before.conf"
	service bared '"/bin/true", "{key}"' 'argument "key" { secret = yes }'
	"$reqd" -t -c "$conf" 2>"$dir/err" || return 1
	sed -n 's/^\(.*\): warning: \(service "bared": .*\)/\1: \2/p' "$dir/err" >"$dir/wanted.warning"
	[ -s "$dir/wanted.warning" ] || return 1
	for verb in 'reload --check' reload; do
		# shellcheck disable=SC2086
		ctl $verb >"$dir/out" || return 1
		sed -n 's/^note  *//p' "$dir/out" | grep 'service "bared": the secret' |
		    diff - "$dir/wanted.warning" || return 1
	done
	sed -n 's/^.*\] warning: //p' "$log" | sed 's/\\\([\\"]\)/\1/g' | grep 'service "bared"' |
	    diff - "$dir/wanted.warning" || return 1
	cp "$dir/before.conf" "$conf"
	ctl reload >"$dir/out"
}
step "a reload repeats the warnings of reqd -t" warned

none() {
	rm -f "$dir"/services.d/*.conf
	sed '/^service "/,/^}/d' "$conf" >"$dir/none.conf"
	"$reqd" -t -c "$dir/none.conf" 2>"$dir/err" || return 1
	grep -qF "$dir/none.conf: note: no service is declared; files with services belong into $dir/services.d" \
	    "$dir/err" || fail "$(cat "$dir/err")"
}
step "a configuration without a service" none

# -------------------------------------------------------- changed files ---

changed() { # prints the file that is named, or null
	ctl --json status | sed -n 's/.*"changed_file": *"\{0,1\}\([^",]*\)"\{0,1\},.*/\1/p'
}

files() {
	ctl reload >"$dir/out" || return 1
	assert_eq "$(changed)" null
	one late 'command = {"/bin/echo"}' "$local"
	assert_eq "$(changed)" "$dir/services.d/late.conf"
	ctl status | grep -qxF "changed  $dir/services.d/late.conf, since it was read: 'reqctl reload' puts it into effect" ||
	    return 1
	assert_status 247 call late
	ctl reload >"$dir/out" || return 1
	assert_eq "$(changed)" null
	call late >"$dir/out" || return 1
	echo '# a comment' >>"$conf"
	assert_eq "$(changed)" "$conf"
	ctl reload >"$dir/out" || return 1
	assert_eq "$(changed)" null
	rm "$dir/services.d/late.conf"
	assert_eq "$(changed)" "$dir/services.d/late.conf"
	ctl reload >"$dir/out" || return 1
	# A file that was passed over is no change.
	echo more >>"$dir/services.d/notes.txt"
	assert_eq "$(changed)" null
}
step "status names a file that has changed" files

# The account of the test is root, or that of reqd: an administrator on the unix socket.
hint() {
	assert_status 247 "$reqctl" -s "unix://$dir/reqd.sock" call nothing
	assert_match "$(cat "$dir/err")" "*unknown service 'nothing'; a new one needs 'reqctl reload'*"
	assert_status 247 call nothing
	assert_match "$(cat "$dir/err")" "*unknown service 'nothing'*"
	! grep -q reload "$dir/err" || fail "$(cat "$dir/err")"
}
step "an unknown service reminds administrators of the reload" hint
finish
