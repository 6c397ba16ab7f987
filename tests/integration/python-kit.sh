#!/bin/sh
# SPDX-License-Identifier: ISC
# python-kit: the package reqd of Python, with handlers that behave and handlers that
# raise, recurse, fork, leak, print and die; and its client.
# Calls share a process only within one worker.
workers=1
. "${srcdir:-.}/tests/integration/lib.sh"
built=$top_builddir/kits/python/lib
python=$(sed -n 's/^PYTHON_KIT_PROGRAM = //p' "$top_builddir/Makefile")
[ -n "$python" ] || skip "the headers of Python are not installed (python3-dev)"
[ -d "$built" ] || fail "the package is not built"

# Copies, for an account that may not enter the build directory.
mkdir "$dir/python"
cp -r "$built/reqd" "$dir/python"
cp -L "$top_builddir/.libs/libreqd.so.0" "$dir/python"
cp "$top_srcdir/tests/zoo/python-kit.py" "$dir/kit.py"
PYTHONPATH=$dir/python
LD_LIBRARY_PATH=$dir/python
export PYTHONPATH PYTHONDONTWRITEBYTECODE=1
preload=
if is_sanitized; then
	preload=$(${CC:-cc} -print-file-name=libasan.so)
	export ASAN_OPTIONS=detect_leaks=0
fi
environment="environment = {\"PYTHONPATH=$PYTHONPATH\", \"LD_LIBRARY_PATH=$LD_LIBRARY_PATH\",
	\"LD_PRELOAD=$preload\", \"ASAN_OPTIONS=detect_leaks=0:handle_segv=0\", \"PYTHONDONTWRITEBYTECODE=1\"}"
pool='processes { min = 0  max = 1  idle = 1s  start-timeout = 60s }'
any='argument "word" { optional = yes  repeat = yes }'

kit() { # NAME [LINE]...
	kit_name=$1
	shift
	handler "$kit_name" "\"$python\", \"$dir/kit.py\"" "$environment" 'ready = ping' "$@"
}
for name in values join; do
	kit $name "$pool" "$any"
done
kit total "$pool" "$any" 'verb = {"SUM"}'
kit whole "$pool" "$any" 'input = required'
kit pushed "$pool" "$any" 'input = pushed'
kit steps "$pool" "$any"
kit about "$pool" 'context = yes'
kit types "$pool" 'argument "text" {}' 'argument "raw" { optional = yes }' \
    'argument "number" { optional = yes }' 'argument "real" { optional = yes }' \
    'argument "flag" { optional = yes }' 'argument "color" { optional = yes }' \
    'argument "how" { optional = yes  repeat = yes }'
kit bad 'processes { min = 0  max = 1  idle = 1s  memory = 120M  start-timeout = 60s }' "$any" 'context = yes' 'timeout = 60s'
for name in meet later; do
	handler $name "\"$python\", \"$dir/kit.py\", \"async\"" "$environment" "$pool" "$any" \
	    'ready = ping' 'context = yes' 'pipeline = 8'
done
handler broken "\"$python\", \"$dir/kit.py\", \"broken\"" "$environment" 'ready = ping' \
    'processes { min = 0  max = 1 }'
service talk '"/usr/bin/seq", "{number}"' 'argument "number" { type = integer }'
service copy '"/bin/cat"' 'input = required' 'output-limit = 1M'
service fail '"/bin/sh", "-c", "echo out; echo broken >&2; exit 3"'
service signal '"/bin/sh", "-c", "kill -9 $$"'
service slow '"/bin/sleep", "600"'
service endless '"/usr/bin/yes"'
printf '#!/nonexistent/shell\n' >"$dir/nostart"
chmod 755 "$dir/nostart"
service nostart "\"$dir/nostart\""
service alone "\"/bin/sh\", \"-c\", \"echo began; $(waits_for "$dir/go")\"" 'concurrency = 1' \
    'queue = 0'
tls_port=$("$helpers/free-port")
pin=$("$reqctl" keygen --server "$dir/tls")
setting "listen \"tls://127.0.0.1:$tls_port\" { certificate = \"$dir/tls/server.crt\"  key = \"$dir/tls/server.key\" }"
umask 077
"$python" "$top_srcdir/tests/integration/logins.py" line alice "$dir/alice.token" \
    label=laptop >"$dir/logins"
umask 022
setting "logins = \"logins\""
kills=yes
start_reqd

check() { # NAME
	GO=$dir/go KIT=$dir/kit.py TLS=tls://127.0.0.1:$tls_port PIN=$pin TOKEN=$dir/alice.token LD_LIBRARY_PATH=$LD_LIBRARY_PATH LD_PRELOAD=$preload timeout 300 "$python" \
	    "$top_srcdir/tests/integration/python-kit.py" "$server" "$1"
}
step "arguments by position and annotation" check types
step "wrong arguments are told to the caller" check wrong_arguments
step "replies of all types, and back" check values
step "several functions, by service and by verb" check names
step "the request tells of itself" check request
step "pushed input" check input
step "output before the reply" check output
step "replies to requests that come together leave together" check batch

step "a function that fails: one reply, and the process goes on" check errors
in_log() {
	id=$(sed -n "s/.* \([^ ]*\): KeyError: .*/\1/p" "$log" | tail -1)
	[ -n "$id" ] || return 1
	for line in 'Traceback (most recent call last):' 'in raises' 'raise KeyError'; do
		grep -q "$id: .*$line" "$log" || fail "the log has no '$line' under the id $id"
	done
	grep -q 'service=bad .*stderr="about to raise"' "$log" || fail "what is printed is not in the log"
	grep -q 'printed before serve()' "$log"
}
step "the whole traceback is in the log, under the id of the request" in_log
step "what prints, forks or has threads disturbs nothing" check survives
step "a process that dies or hangs: its caller is told, another one serves" check dies
step "a process that leaks reaches its limit" check leaks

step "async functions run at the same time and answer in order" check async
step "a request that is answered later ends with its loop or task" check held
step "a thread of an async function has its request" check own_request
step "commands: output, input, and an exception for each outcome" check commands
step "a connection for each call at the same time" check connections
step "only what was not started is called again" check retry
step "output as an iterator, which can be left" check stream
step "a call that is cancelled disturbs no other call" check cancel
step "wrong uses of the extension module" check extension
step "a signal ends a wait" check interrupt
step "logins and TLS" check login

no_model() {
	assert_status 249 call broken
	grep -q "RuntimeError: no model here" "$log"
}
step "a startup that fails is told of" no_model

# ------------------------------------------------------ without a server ---

trial() {
	LD_LIBRARY_PATH=$LD_LIBRARY_PATH LD_PRELOAD=$preload "$python" -m reqd "$@"
}
tried() {
	assert_match "$(trial "$dir/kit.py")" '*total SUM(*numbers: int)*'
	assert_eq "$(trial "$dir/kit.py" total 1 2)" 3
	assert_eq "$(trial "$dir/kit.py" values point)" "{'x': 1, 'y': 2.5}"
	assert_eq "$(trial "$top_srcdir/examples/sentiment.py" sentiment 'good, bad, good')" \
	    "{'score': 1, 'words': ['good', 'bad', 'good']}"
	assert_status 1 trial "$dir/kit.py" bad error
	assert_match "$(cat "$dir/err")" '*NOTFOUND no such key*'
	assert_match "$(trial --measure "$dir/kit.py" total 1)" '*calls in a second, 0 errors*'
	assert_status 1 trial "$dir/kit.py" bad kill
	assert_status 2 trial "$dir/nothing.py"
}
step "python3 -m reqd lists, calls and measures" tried
described() {
	trial --conf "$dir/kit.py" >"$dir/services" || return 1
	cat >"$dir/try.conf" <<-END
	listen "unix://$dir/try.sock" {}
	control { path = "$dir/try.control" }
	$([ $is_root = no ] || echo "user = \"$worker_user\"")
	role "local" { net = {"unix"} }
	$([ $is_root = no ] || sed "s/^    handler/    user = \"$program_user\"\n&/" "$dir/services")
	$([ $is_root = yes ] || cat "$dir/services")
	END
	"$reqd" -t -c "$dir/try.conf" || { cat "$dir/try.conf"; return 1; }
	for line in 'summary = "All types of arguments"' 'argument "text" { help = "any text" }' \
	    'argument "numbers" { type = integer  repeat = yes  optional = yes }' \
	    'verb = {"SUM"}' 'input = pushed' 'input = required' \
	    'argument "color" { type = choice  values = {"red", "blue"}  default = "red" }'; do
		grep -qF "$line" "$dir/services" || fail "no '$line' in the sections"
	done
}
step "python3 -m reqd --conf prints sections that reqd takes" described
finish
