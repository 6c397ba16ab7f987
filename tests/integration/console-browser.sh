#!/bin/sh
# SPDX-License-Identifier: ISC
# Actions of people and of other pages with the console in a browser (chromium, headless): calls with
# every type of argument, live output, cancel, tokens, the keyboard alone, narrow screens; and
# a page of another origin starts nothing, with any means that a page has.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 curl chromium chromedriver
/usr/bin/python3 -c 'import selenium' 2>/dev/null || skip "python3-selenium is not installed"
need_localhost

web=$("$helpers/free-port")
rebound=$("$helpers/free-port")
umask 077
timeout 120 python3 "$top_srcdir/tests/integration/logins.py" line alice "$dir/alice.token" \
    label=laptop >"$dir/logins"
umask 022
cat >"$dir/handler.py" <<'END'
import sys
answer = {"map": "%2\r\n+answer\r\n:42\r\n+rest\r\n*1\r\n+x\r\n", "error": "-ODD that is odd\r\n"}[sys.argv[1]]
for line in sys.stdin.buffer:
    if line.startswith(b"*"):
        for _ in range(2 * int(line[1:])):
            sys.stdin.buffer.readline()
        sys.stdout.buffer.write(answer.encode())
        sys.stdout.buffer.flush()
END
chmod 755 "$dir/handler.py"
setting "listen \"http://127.0.0.1:$web\" {}"
setting "logins = \"logins\""
setting 'role "people" { login = {"alice"} }'
service all '"/bin/sh", "-c", "printf \"[%s]\" \"$@\"", "all", "{t}", "{i}", "{d}", "{f}", "{c}", "{n}", "{s}", "{u}", "{p}", "{h}", "{x}", "{@k}", "{r}"' \
    'summary = "Every type of argument"  effects = none' \
    'argument "t" { type = text  help = "any text" }' \
    'argument "i" { type = integer  min = 1  max = 9 }' \
    'argument "c" { type = choice  values = {"red", "green"} }' \
    'argument "d" { type = decimal  min = -5  optional = yes }' \
    'argument "f" { type = flag  value = "--force" }' \
    'argument "n" { type = name  optional = yes }' \
    'argument "s" { type = size  default = 1M }' \
    'argument "u" { type = duration  optional = yes }' \
    'argument "p" { type = path  below = "/usr"  optional = yes }' \
    'argument "h" { type = host  optional = yes }' \
    'argument "x" { type = pattern  pattern = "[a-z]{3}"  optional = yes }' \
    'argument "k" { type = text  secret = yes  optional = yes }' \
    'argument "r" { type = text  repeat = yes  optional = yes }'
service note '"/bin/sh", "-c", "echo ran >>'"$dir"'/ran; echo noted"' 'summary = "Leaves a trace"'
service peek '"/bin/sh", "-c", "echo ran >>'"$dir"'/ran"' 'effects = none'
service look '"/bin/sh", "-c", "echo ran >>'"$dir"'/ran; echo looked"' 'effects = adds'
service ticks '"/bin/sh", "-c", "echo one; echo two >&2; read -r word <'"$dir"'/gate; echo \"$word\""' \
    'effects = none'
service sleep '"/bin/sleep", "600"' 'effects = none'
service fail '"/bin/sh", "-c", "echo out; echo wrong >&2; exit 3"' 'effects = none'
service cat '"/bin/cat"' 'input = optional' 'effects = none'
service much '"/usr/bin/seq", "1", "400000"' 'effects = none  output-limit = 16M'
service odd '"/usr/bin/printf", "<img src=x onerror=alert(1)>\\033[1m\\n"' 'effects = none'
for kind in map error; do
	handler $kind "\"/usr/bin/python3\", \"$dir/handler.py\", \"$kind\"" 'effects = none' \
	    'processes { min = 0  idle = 1s }'
done
service who '"/bin/sh", "-c", "echo $REQD_CALLER"' 'effects = none'
service once '"/bin/echo", "once"' 'effects = none  idempotent = no'
sed '/service "who"/,/^}/s/allow = .*/allow = {"people"}/' "$conf" >"$conf.new"
mv "$conf.new" "$conf"
mkfifo "$dir/gate"
: >"$dir/ran"
chmod 666 "$dir/ran" "$dir/gate"
start_reqd
export HOME="$dir/home" REQD_SERVER="$server"
mkdir "$HOME"
PATH=$top_builddir:$PATH

browser() { # NAME WORD...
	timeout 900 /usr/bin/python3 "$top_srcdir/tests/integration/console-browser.py" "$@"
}

cancels() {
	browser cancel "$web"
	until_true "$patience" no_programs
}

# The server of the other page makes room for reqd at its port: to the browser, the name of that
# page leads to reqd now.
is_rebound() {
	browser rebound "$rebound" "echo 'listen \"http://127.0.0.1:$rebound\" {}' >>$conf; $reqctl --control $control reload >/dev/null"
}

ran() {
	wc -l <"$dir/ran"
}

step "it shows services, and runs one with every type of argument" browser types "$web"
step "what is wrong stands at its field" browser wrong "$web"
step "it asks before something may change" browser asks "$web" "$dir/ran"
step "output comes as it is made" browser live "$web" "$dir/gate"
step "Cancel ends the program" cancels
step "input is text or a file" browser input "$web" "$top_srcdir/README.md"
step "outcomes have words, and output is only text" browser outcomes "$web"
step "a token is asked for, kept in the tab and forgotten" browser token "$web" "$dir/alice.token"
step "the keyboard is enough" browser keyboard "$web" "$dir/ran"
step "it fits 360 to 1280 pixels, can be read in both schemes and heard" browser looks "$web" "${REQD_SHOTS:-}"
step "who may watch sees figures" browser figures "$web" "${REQD_SHOTS:-}"
before=$(ran)
step "a page of another origin starts nothing" browser foreign "$web"
step "not even where its name leads here" is_rebound
step "they have left no trace" until_true "$patience" no_programs
assert_eq "$(ran)" "$before"
for one in note look peek; do
	curl -s -X POST "http://127.0.0.1:$web/call/$one" >/dev/null
done
step "those that may call leave one" assert_eq "$(ran)" $((before + 3))
fds_before=$(settled_fds)
finish
