#!/bin/sh
# SPDX-License-Identifier: ISC
# From nothing to the first call by a login, and back: grant, join, logins, revoke. The
# token stands in the line that grant prints and in the entry that join writes, and
# nowhere else.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 stat
setting "logins = \"logins\""
setting 'role "people" { login = {"alice", "bob"} }'
service deploy '"/bin/sh", "-c", "echo $REQD_CALLER"'
service other '"/bin/true"'
# Logins alone may call; callers by place and account are nobody.
sed 's/allow = {"local"}/allow = {"people"}/; /^role "local"/d' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
start_reqd
HOME=$dir/home
export HOME
unset XDG_CONFIG_HOME REQD_SERVER
mkdir "$HOME"
entry=$HOME/.config/reqctl/servers/127.0.0.1

# reqctl without a server of its own.
bare() {
	timeout 60 "$reqctl" --control "$control" "$@"
}

# status STATUS COMMAND...
status() {
	want=$1
	shift
	got=0
	"$@" >"$dir/out" 2>"$dir/err" || got=$?
	[ $got -eq "$want" ] || {
		cat "$dir/out" "$dir/err"
		fail "${step_text:-} status $got, not $want"
	}
}

says() { # TEXT
	grep -qF -- "$1" "$dir/out" "$dir/err" || {
		cat "$dir/out" "$dir/err"
		return 1
	}
}

# ------------------------------------------------------------ grant, join ---
step "nobody has a login at first" status 0 bare logins
step "grant makes a token" status 0 bare grant alice --label laptop --services deploy \
    --from 127.0.0.0/8,unix --expires 2099-12-31
line=$(cat "$dir/out")
is_line() {
	printf '%s\n' "$line" | grep -qE "^tcp://alice:reqd_[A-Za-z0-9_-]{47}@127\.0\.0\.1:$port\$"
}
step "... and prints what join wants" is_line
token=${line#tcp://alice:}
token=${token%@*}
assert_eq "$(wc -l <"$dir/out")" 1 "grant prints one line"
assert_eq "$(stat -c %a "$dir/logins")" 600 "the file of logins is private"
no_secret() {
	! grep -qF "$token" "$dir/logins" "$log"
}
step "the file of logins has the hash alone" no_secret

join() {
	printf '%s\n' "$line" | bare join "$@"
}
step "join logs in and keeps the line" status 0 join
step "... and says who we are" says "127.0.0.1 is known now; you are alice and may call: deploy"
assert_eq "$(stat -c %a "$entry")" 600 "the entry is private"
step "... under another name" status 0 join work
cp "$entry" "$dir/entry.before"
sed 's/^url = .*/url = tls:\/\/127.0.0.1:7374/' "$dir/entry.before" >"$entry"
cp "$entry" "$dir/entry.other"
step "an entry of another server is not replaced" status 255 join
step "... which is told" says "is another server already, at tls://127.0.0.1:7374"
step "... and stays" cmp "$entry" "$dir/entry.other"
step "... until its name is given" status 0 join 127.0.0.1
step "... and then it is replaced" cmp "$entry" "$dir/entry.before"
step "the entry calls" status 0 bare -s 127.0.0.1 call deploy
step "... as the login" says "login:alice"
step "by the other name" status 0 bare -s work whoami
step "whoami shows the credential" says "laptop"
step "the credential is for one service" status 247 bare -s work call other
REQD_SERVER=work
export REQD_SERVER
step "REQD_SERVER may be a name" status 0 bare call deploy
REQD_SERVER=$line
step "... or have the token" status 0 bare call deploy
unset REQD_SERVER
printf '%s\n' "$token" >"$dir/token"
chmod 600 "$dir/token"
step "a token may come from a file" status 0 bare -s "$server" --token-file "$dir/token" call deploy
from_pipe() {
	printf '%s\n' "$token" | bare -s "$server" --token-file /dev/fd/0 call deploy
}
step "... or from a pipe" status 0 from_pipe

# No echo on a terminal: the line is typed, and must not come back.
typed() {
	LINE=$line timeout 60 python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "join", "typed"])
out = b""
while b"not shown" not in out:
    out += os.read(fd, 4096)
os.write(fd, os.environb[b"LINE"] + b"\n")
try:
    while True:
        data = os.read(fd, 4096)
        if not data:
            break
        out += data
except OSError:
    pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(out.decode())
sys.exit(code or (b"reqd_" in out) * 99)' "$reqctl"
}
step "a terminal does not show the line" status 0 typed

# ------------------------------------------------------------ what is refused ---
step "a token on the command line is refused" status 255 bare -s "$line" call deploy
step "... with the remedy" says "use 'reqctl join' or --token-file"
step "join takes no line as a word" status 255 bare join "$line"
junk() {
	echo nonsense | bare join
}
step "junk is no line" status 255 junk
step "... and is not repeated" says "that is not the line of 'reqctl grant'"
chmod 644 "$entry"
step "an entry that others may read is refused" status 252 bare -s 127.0.0.1 call deploy
step "... with the remedy" says "chmod 600"
chmod 600 "$entry"
chmod 644 "$dir/token"
step "so is a token that others may read" status 252 bare -s "$server" --token-file "$dir/token" list
step "a wrong day is refused" status 255 bare grant bob --expires tomorrow
step "a wrong login is refused" status 255 bare grant Bob
cp "$dir/logins" "$dir/logins.before"
step "a URL without a scheme is refused" status 255 bare grant bob --url "127.0.0.1:$port"
step "... before anything is written" cmp "$dir/logins.before" "$dir/logins"
step "reqd refuses an unknown service" status 251 bare grant bob --services deploi
step "... by its name" says "did you mean 'deploy'?"
step "... and the file is as before" cmp "$dir/logins.before" "$dir/logins"
assert_eq "$(stat -c %a "$dir/logins")" 600 "the file is still private"

# --------------------------------------------------------- logins, revoke ---
many() {
	for one in 1 2 3 4; do
		bare grant bob --label "b$one" >"$dir/line.$one" 2>&1 &
	done
	wait_all=0
	for one in 1 2 3 4; do
		until_true "$patience" grep -q '^tcp://bob:' "$dir/line.$one" || wait_all=1
	done
	return $wait_all
}
step "grants at the same time wait for each other" many
assert_eq "$(grep -c '^bob:token' "$dir/logins")" 4 "no grant is lost"
step "logins lists them" status 0 bare logins
assert_eq "$(wc -l <"$dir/out")" 5
step "... as JSON" status 0 bare --json logins
step "... with all words" says '"label": "laptop"'
step "why knows logins" status 0 bare why deploy login:alice
step "... and names the role" says "Role 'people' (as login alice or login bob) includes the caller."
step "... and the credential that narrows" status 0 bare why other login:alice
step "... by its label" says "laptop of alice is for other services only"
step "why takes the place of a login" status 0 bare why deploy login:alice addr:10.1.1.1
step "... which the credential does not like" says "does not hold for where the caller comes from"
step "one credential is revoked by its label" status 0 bare revoke bob b2
assert_eq "$(grep -c '^bob:token' "$dir/logins")" 3
step "an unknown one is told" status 251 bare revoke bob b2

# A control socket that ends the connection where the answer to RELOAD is to come.
cat >"$dir/deaf.py" <<'END'
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + ".new")
s.listen(8)
os.rename(sys.argv[1] + ".new", sys.argv[1])
status = json.dumps({"logins_file": sys.argv[2], "listeners": []})
while True:
    c = s.accept()[0]
    asked = b""
    while b"STATUS\r\n" not in asked and b"RELOAD\r\n" not in asked:
        asked += c.recv(4096)
    if b"RELOAD" in asked:
        break
    c.sendall(b"$%d\r\n%s\r\n" % (len(status), status.encode()))
    c.close()
END
deaf() { # WORD...
	timeout 60 python3 "$dir/deaf.py" "$dir/deaf.sock" "$dir/logins" &
	deaf_pid=$!
	until_true "$patience" test -S "$dir/deaf.sock" || return 1
	deaf_status=0
	timeout 60 "$reqctl" --control "$dir/deaf.sock" "$@" || deaf_status=$?
	wait "$deaf_pid"
	rm -f "$dir/deaf.sock"
	return $deaf_status
}
step "an answer to a revoke may be lost" status 254 deaf revoke bob b3
step "... which is told" says "it is not known whether that is in force"
assert_eq "$(grep -c '^bob:token' "$dir/logins")" 2 "a reload does not bring back what is revoked"
step "an answer to a grant may be lost" status 254 deaf grant bob --label b5
step "... which is told, too" says "it is not known whether that is in force"
assert_eq "$(grep -c '^bob:token' "$dir/logins")" 3 "the new credential stays"
cp "$conf" "$conf.good"
echo nonsense >>"$conf"
step "a revoke that is refused" status 251 bare revoke bob b4
step "... says so" says "taken out of $dir/logins, but not in force"
assert_eq "$(grep -c '^bob:token' "$dir/logins")" 2 "... and leaves the file without the credential"
cp "$conf.good" "$conf"
step "a reload brings that into force" status 0 bare reload
step "all of a login" status 0 bare --json revoke bob
assert_eq "$(cat "$dir/out")" '{"login": "bob", "revoked": 2}'
step "alice goes" status 0 bare revoke alice
step "her entry is refused" status 251 bare -s 127.0.0.1 call deploy
step "... by the server" says "WRONGPASS"
step "no token has been logged" no_secret
finish
