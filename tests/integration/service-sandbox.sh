#!/bin/sh
# SPDX-License-Identifier: ISC
# service-sandbox: "sandbox = basic" and "strict" take from a program what the manual says, and
# nothing else: the actions of service-sandbox.py by root and by a user, and ordinary programs.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 git perl ps free

tool=$top_srcdir/tests/integration/service-sandbox.py
version=$(python3 -c 'import ctypes
print(max(0, ctypes.CDLL(None).syscall(444, 0, ctypes.c_size_t(0), 1)))')
[ "$version" -gt 0 ] || skip "this kernel has no Landlock"

chmod 711 "$dir"
mkdir "$dir/apart" "$dir/open" "$dir/closed" "$dir/writable" "$dir/tmp"
chmod 777 "$dir/closed" "$dir/writable"
chmod 1777 "$dir/tmp"
for d in apart open closed; do
	echo content >"$dir/$d/file"
	printf '#!/bin/sh\n' >"$dir/$d/program"
	chmod 755 "$dir/$d/program"
done
: >"$dir/open/writable-for-all"
chmod 666 "$dir/open/writable-for-all" "$dir/closed/file"
ln -s "$dir/closed/file" "$dir/open/link"
ln -s "$dir/reqd.sock" "$dir/unix"
cp "$tool" "$dir/open/act.py"
setting "temporary-directory = \"$dir/tmp\""

# A process of the programs' account, to be signalled and connected to.
cat >"$dir/neighbour.py" <<'END'
import os, pwd, socket, sys
if os.getuid() == 0:
    os.setuid(pwd.getpwnam(sys.argv[1]).pw_uid)
s = socket.socket(socket.AF_UNIX)
s.bind("\0reqd-sandbox-%d" % os.getpid())
s.listen(1000)
print("ready", flush=True)
sys.stdin.read()
END
mkfifo "$dir/hold"
python3 "$dir/neighbour.py" "${program_user:-x}" <"$dir/hold" >"$dir/neighbour" 3>&- &
neighbour=$!
background=$neighbour
exec 9>"$dir/hold"
until_true "$patience" grep -q ready "$dir/neighbour"

# As a list of elements of a configuration.
act="\"/usr/bin/python3\", \"-B\", \"$dir/open/act.py\", \"act\", \"$dir\", \"$port\", \"$neighbour\""
opened="sandbox-read = {\"$dir/open\"}"
written="sandbox-write = {\"$dir/writable\"}"
users=${program_user:-self}
[ $is_root = no ] || users="root $program_user"
for user in $users; do
	[ $is_root = no ] || program_user=$user
	service "none-$user" "$act" 'directory = temporary'
	service "basic-$user" "$act" 'directory = temporary' 'sandbox = basic' "$opened" "$written" \
	    'environment = {"SANDBOX=basic"}'
	service "strict-$user" "$act" 'directory = temporary' 'sandbox = strict' "$opened" \
	    "$written" 'environment = {"SANDBOX=strict"}'
done

# Ordinary programs, and what makes their output differ from call to call left out.
cat >"$dir/programs" <<'END'
df /usr >/dev/null; echo $?
wc -l </etc/passwd
sort /etc/passwd
sort -S 1k -T $TMPDIR /etc/passwd /etc/group
ps -o pid= -p $$ >/dev/null && ps -e >/dev/null; echo $?
free >/dev/null; echo $?
id -u; id -g
date +%Y
getent passwd root
locale
perl -MPOSIX -MFile::Temp -e "print File::Temp->new ? 1 : 0, POSIX::getpid() > 0"
python3 -B -c "import json, re, hashlib, subprocess; print(subprocess.check_output([chr(101)+chr(99)+chr(104)+chr(111), chr(97)]))"
bash -c "cat <(echo a) /dev/fd/0 <<<b; echo c >/dev/null; for i in \$(seq 3); do (echo \$i); done | tac"
git init -q -b main r && cd r && echo a >f && git add f && git -c user.name=a -c user.email=b commit -q -m m && git log --format=%s
END
n=0
while read -r line; do
	n=$((n + 1))
	printf '%s\n' "$line" >"$dir/open/program-$n"
	for level in none basic strict; do
		service "$level-$n" "\"/bin/bash\", \"$dir/open/program-$n\"" 'directory = temporary' \
		    "sandbox = $level" "$([ $level = none ] || echo "$opened")"
	done
done <"$dir/programs"
service outside "\"$dir/apart/program\"" 'sandbox = strict'
service plain '"/bin/cat", "{path}"' 'sandbox = strict' 'argument "path" { type = path }'
handler warm '"/bin/cat"' 'sandbox = strict' 'processes { min = 0  max = 1 }'
launch_reqd
until_true "$patience" no_programs
# The first of all programs makes the directory of the runner, which stays open.
call none-1 >/dev/null
fds_before=$(settled_fds)

tried() { # SERVICE
	: >"$dir/closed/doomed"
	chmod 666 "$dir/closed/doomed"
	call "$1" >"$dir/tried.$1" || fail "$1 did not run: $(cat "$dir/tried.$1")"
}
compared() { # USER LEVEL
	tried "none-$1"
	tried "$2-$1"
	python3 -B "$tool" check "$2" "$version" "$dir/tried.none-$1" "$dir/tried.$2-$1"
}
for user in $users; do
	for level in basic strict; do
		step "what $level takes from $user, and what not" compared "$user" $level
	done
done

program() { # NUMBER
	call "none-$1" >"$dir/out.none" || fail "without a sandbox: $(sed -n "$1p" "$dir/programs")"
	for level in basic strict; do
		call "$level-$1" >"$dir/out.$level" 2>"$dir/err" ||
		    fail "under $level: $(sed -n "$1p" "$dir/programs"): $(cat "$dir/err")"
		assert_eq "$(cat "$dir/out.$level")" "$(cat "$dir/out.none")"
	done
}
for i in $(seq $n); do
	step "ordinary: $(sed -n "${i}p" "$dir/programs" | cut -c 1-40)" program "$i"
done
step "the program itself may be anywhere" call outside

plain() {
	assert_eq "$(call plain /etc/passwd)" "$(cat /etc/passwd)"
	for path in /var/lib/dpkg/status "$dir/closed/file" "$dir/open/file" /sys/kernel/uevent_seqnum; do
		[ -r "$path" ] || continue
		assert_status 1 call plain "$path"
		assert_match "$(cat "$dir/err")" "*Permission denied*"
	done
}
step "strict alone, whose rules are made once, closes the same" plain

shown() {
	assert_match "$(ctl describe strict-1)" "*sandbox        strict*"
	assert_match "$(ctl --json describe basic-1)" '*"sandbox": "basic"*"sandbox_files": true*'
	assert_match "$(ctl --json describe none-1)" '*"sandbox": "none"*'
}
step "describe shows the sandbox" shown
kill $neighbour
wait $neighbour || true
finish
