#!/bin/sh
# SPDX-License-Identifier: ISC
# redis-cli works: one request, a pipe of them, RESP3, JSON, standard input,
# and at a terminal with completion of service names.
. "${srcdir:-.}/tests/integration/lib.sh"
need redis-cli
client_services
start_reqd

cli() {
	timeout 60 redis-cli -p "$port" "$@"
}

one_shot() {
	assert_eq "$(cli CALL echo hi)" hi
	assert_eq "$(cli CALL ECHO hi)" hi
	assert_eq "$(cli PING)" PONG
	assert_match "$(cli CALL fail)" 'EXIT 3 broken*'
	assert_status 1 cli -e CALL fail
}

through_a_pipe() {
	assert_eq "$(printf 'CALL echo 1\nPING\nCALL echo 2\n' | cli | tr -d '\n')" 1PONG2
	assert_match "$(printf 'PING\r\nPING\r\n' | cli --pipe)" '*errors: 0, replies: 2*'
}

standard_input() {
	head -c 100000 /dev/urandom >"$dir/input"
	cli -x CALL --stdin cat <"$dir/input" >"$dir/output"
	# redis-cli ends a reply with a newline of its own.
	printf '\n' >>"$dir/input"
	cmp "$dir/input" "$dir/output"
}

resp3() {
	assert_match "$(cli -3 HELLO 3)" '*server*reqd*proto*3*'
	assert_match "$(cli -3 --json CALL --full fail)" '*"status":3,*"stderr":"broken\\n",*"outcome":"exit"*'
	assert_match "$(cli -3 --show-pushes yes CALL --stream echo hi)" '*output*stdout*hi*'
}

housekeeping() {
	assert_match "$(cli INFO server)" '*redis_version:7*'
	assert_eq "$(cli -n 0 PING)" PONG
	assert_eq "$(cli CLIENT SETNAME tester)" OK
	assert_match "$(cli CONFIG GET save)" 'save*'
	assert_match "$(cli COMMAND COUNT)" '[1-9]*'
}

# Commands that libraries and exporters send by themselves.
probes() {
	for words in 'CLIENT TRACKING ON OPTIN' 'CLIENT TRACKING off' 'CLIENT CACHING YES' \
	    'CLIENT NO-EVICT ON' 'CLIENT NO-TOUCH ON' 'CLIENT REPLY ON' 'SLOWLOG RESET'; do
		# shellcheck disable=SC2086
		assert_eq "$words: $(cli -3 $words)" "$words: OK" || return 1
	done
	for words in 'SLOWLOG GET 10' 'LATENCY LATEST' 'LATENCY HISTORY x' 'MODULE LIST'; do
		# shellcheck disable=SC2086
		assert_eq "$words: $(cli --json -3 $words)" "$words: []" || return 1
	done
	assert_eq "$(cli --json -3 LATENCY HISTOGRAM)" '{}'
	assert_eq "$(cli SLOWLOG LEN)" 0
	assert_eq "$(cli --json -3 ROLE)" '["master",0,[]]'
	assert_match "$(cli CLUSTER INFO)" '*cluster support disabled'
	assert_match "$(cli READONLY)" '*cluster support disabled'
	assert_match "$(cli CLIENT TRACKING maybe)" 'ERR syntax error*'
	assert_match "$(cli CLIENT REPLY OFF)" 'ERR syntax error*'
	assert_match "$(cli SLOWLOG NONE)" "ERR unknown subcommand 'NONE'*"
	assert_match "$(cli SUBSCRIBE x)" "*unknown command 'SUBSCRIBE'*"
}

# Typed at a terminal; each answer is waited for.
at_a_terminal() {
	/usr/bin/python3 - "$port" <<'END'
import fcntl, os, pty, select, struct, sys, termios, time

pid, tty = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    os.environ.update(TERM="xterm", HOME="/nonexistent", REDISCLI_HISTFILE="/dev/null")
    os.execvp("redis-cli", ["redis-cli", "-p", sys.argv[1]])

seen = b""

def wait_for(text):
    global seen
    end = time.monotonic() + 30
    while text not in seen:
        if not select.select([tty], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f"never saw {text!r} in {seen!r}")
        seen += os.read(tty, 65536)
    seen = seen.split(text, 1)[1]

def send(text):
    os.write(tty, text)

wait_for(b"> ")
send(b"PING\r")
wait_for(b"PONG")
wait_for(b"> ")
send(b"call ec\t")
wait_for(b"CALL ECHO")
send(b" hello\r")
wait_for(b'"hello\\n"')
wait_for(b"> ")
send(b"help call echo\r")
wait_for(b"The arguments again")
wait_for(b"> ")
send(b"QUIT\r")
os.waitpid(pid, 0)
END
}

step "one request" one_shot
step "requests through a pipe" through_a_pipe
step "standard input, byte for byte" standard_input
step "RESP3, JSON and pushed output" resp3
step "what it asks about the server" housekeeping
step "what libraries send unasked" probes
if [ -x /usr/bin/python3 ]; then
	step "at a terminal, with completion and help" at_a_terminal
else
	note "not tried at a terminal: /usr/bin/python3 is not installed"
fi
finish
