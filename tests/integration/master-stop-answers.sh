#!/bin/sh
# SPDX-License-Identifier: ISC
# master-stop-answers: a client that has sent a request when reqd stops is
# answered or, where nothing ran, sees the end of the connection. No client sees
# a reset.
. "${srcdir:-.}/tests/integration/lib.sh"

need python3 nc
service echo '"/bin/echo", "{text}"' 'argument "text" {}' 'queue = 10000'
service slow "\"/bin/sh\", \"-c\", \"$(waits_for "$dir/go"); echo whole\""
chmod 1777 "$dir"

# The clients: each says on its last line what it has seen, and fails when it
# was a reset or a reply that is not whole.
cat >"$dir/clients.py" <<'END'
import os, socket, sys, threading, time

how, port, path, workers = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]

def connect(unix):
    if not unix:
        return socket.create_connection(("127.0.0.1", port), 30)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(path)
    return s

def to_the_end(s):
    got = b""
    while True:
        more = s.recv(65536)
        if not more:
            return got
        got += more

def say(word):
    print(word, flush=True)

# Workers that are stopped find requests, connections and the order to end all
# at once.
def frozen():
    old = [connect(i % 2) for i in range(200)]
    for s in old:
        s.sendall(b"PING\r\n")
        assert s.recv(100) == b"+PONG\r\n"
    for pid in workers:
        os.kill(int(pid), 19)
    time.sleep(0.1)
    new = [connect(i % 2) for i in range(60)]
    idle = [connect(i % 2) for i in range(20)]
    asked = [(old[i], b"PING\r\n", b"+PONG\r\n") for i in range(0, 100)]
    asked += [(old[i], b"CALL echo hi\r\nPING\r\n", b"-LOADING draining\r\n+PONG\r\n")
              for i in range(100, 180)]
    asked += [(old[i], b"*1\r\n$4\r\nPI", b"") for i in range(180, 190)]
    asked += [(new[i], b"PING x\r\n", b"$1\r\nx\r\n") for i in range(0, 40)]
    asked += [(new[i], b"CALL echo hi\r\n", b"-LOADING draining\r\n") for i in range(40, 60)]
    asked += [(s, b"", b"") for s in idle + old[190:200]]
    for s, request, reply in asked:
        if request:
            s.sendall(request)
    say("asked")
    for s, request, reply in asked:
        got = to_the_end(s)
        # A call that comes before the order runs.
        if got not in (reply, reply.replace(b"-LOADING draining\r\n", b"$3\r\nhi\n\r\n")):
            raise SystemExit("%r: %r" % (request, got))
    say("%d clients" % len(asked))

# A client that asks again and again meets the end at any point.
def racing():
    count = {"answered": 0, "ended": 0, "refused": 0, "reset": 0, "lost": 0}
    lock = threading.Lock()
    begun = threading.Semaphore(0)

    def keep(s):
        while True:
            try:
                s.sendall(b"PING\r\n")
                got = s.recv(100)
            except OSError as e:
                return "reset"
            if got == b"":
                return "ended"
            if got != b"+PONG\r\n":
                return "lost"

    # One connection after the other.
    def again_and_again(unix, ask, want):
        while True:
            try:
                s = connect(unix)
            except (ConnectionRefusedError, FileNotFoundError):
                return "refused"
            try:
                ask(s)
                got = to_the_end(s)
            except OSError:
                return "reset"
            if got != want:
                return "lost"
            s.close()
            with lock:
                count["answered"] += 1

    def short(unix):
        return again_and_again(unix, lambda s: s.sendall(b"PING\r\nQUIT\r\n"),
                               b"+PONG\r\n+OK\r\n")

    # As reqctl does.
    def described(unix):
        def ask(s):
            s.sendall(b"DESCRIBE echo\r\n")
            s.recv(65536)
            s.sendall(b"CALL echo hi\r\nQUIT\r\n")
        return again_and_again(unix, ask, b"$3\r\nhi\n\r\n+OK\r\n")

    def run(fn, arg):
        begun.release()
        word = fn(arg)
        with lock:
            count[word] += 1

    threads = [threading.Thread(target=run, args=(keep, connect(i % 2))) for i in range(40)]
    threads += [threading.Thread(target=run, args=(short, i % 2)) for i in range(8)]
    threads += [threading.Thread(target=run, args=(described, i % 2)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        begun.acquire()
    time.sleep(0.1)
    say("asked")
    for t in threads:
        t.join()
    say(" ".join("%s=%d" % one for one in count.items()))
    sys.exit(count["reset"] + count["lost"] > 0)

# A call runs; requests wait behind it, and in the socket.
def busy():
    old = [connect(i % 2) for i in range(10)]
    for s in old:
        s.sendall(b"CALL slow\r\n")
    time.sleep(0.3)
    say("asked")
    sys.stdin.readline()
    for s in old:
        s.sendall(b"PING\r\nCALL slow\r\n")
    open(os.path.dirname(path) + "/go", "w").close()
    for s in old:
        got = to_the_end(s)
        if got != b"$6\r\nwhole\n\r\n+PONG\r\n-LOADING draining\r\n":
            raise SystemExit("%r" % got)
    say("%d clients" % len(old))

globals()[how]()
END

clients() { # HOW [WORKER]...
	rm -f "$dir/said" "$dir/to"
	mkfifo "$dir/said" "$dir/to"
	how=$1
	shift
	python3 "$dir/clients.py" "$how" "$port" "$dir/reqd.sock" "$@" \
	    <"$dir/to" >"$dir/said" 2>"$dir/err" &
	clients=$!
	background=$clients
	exec 8>"$dir/to"
	exec 9<"$dir/said"
	read -r answer <&9 || fail "clients: $(cat "$dir/err")"
	assert_eq "$answer" asked
}

clients_were_right() {
	answer=
	read -r answer <&9
	exec 8>&- 9<&-
	wait "$clients" || fail "clients: $answer $(cat "$dir/err")"
	background=
	note "$answer"
}

logged() {
	grep -q "$1" "$log"
}

frozen() {
	: >"$log"
	start_reqd
	# shellcheck disable=SC2046
	clients frozen $(role_pids worker)
	frozen_pids=$(role_pids worker)
	kill -TERM "$reqd_pid"
	until_true "$patience" logged 'finishing what runs' || return 1
	for pid in $frozen_pids; do
		kill -CONT "$pid"
	done
	clients_were_right
	wait_reqd
}
step "what is waiting when it stops is answered, then the end" frozen

racing() {
	: >"$log"
	start_reqd
	clients racing
	kill -TERM "$reqd_pid"
	clients_were_right
	wait_reqd
}
for round in $(seq "${REQD_STOP_ROUNDS:-5}"); do
	step "round $round: no client sees a reset" racing
done

busy() {
	: >"$log"
	rm -f "$dir/go"
	start_reqd
	clients busy
	kill -TERM "$reqd_pid"
	until_true "$patience" logged 'finishing what runs' || return 1
	echo go >&8
	clients_were_right
	wait_reqd
}
step "behind a call that runs, too" busy

# A listener that a reload takes away has a queue as well.
listener_removed() {
	: >"$log"
	cp "$conf" "$dir/kept.conf"
	second_port=$("$helpers/free-port")
	setting "listen \"tcp://127.0.0.1:$second_port\" {}"
	setting "listen \"unix://$dir/second.sock\" {}"
	start_reqd
	fds_before=
	cp "$dir/kept.conf" "$conf"
	# shellcheck disable=SC2046
	python3 - "$second_port" "$dir/second.sock" "$reqd_pid" $(role_pids worker) <<-'END' || return 1
	import os, socket, sys, time
	port, path, master = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
	workers = [int(pid) for pid in sys.argv[4:]]
	for pid in workers:
	    os.kill(pid, 19)
	time.sleep(0.1)
	waiting = []
	for i in range(40):
	    s = socket.socket(socket.AF_UNIX if i % 2 else socket.AF_INET)
	    s.settimeout(30)
	    s.connect(path if i % 2 else ("127.0.0.1", port))
	    waiting.append(s)
	os.kill(master, 1)
	time.sleep(0.2)
	for pid in workers:
	    os.kill(pid, 18)
	for n in range(3):
	    for s in waiting:
	        s.sendall(b"PING\r\n")
	        if s.recv(100) != b"+PONG\r\n":
	            raise SystemExit("not answered")
	    time.sleep(0.1)
	END
	until_true "$patience" logged 'configuration reloaded' || return 1
	! nc -z 127.0.0.1 "$second_port" || return 1
	stop_reqd
}
step "who waits at a listener that a reload takes away is served" listener_removed
step "nothing alarming in the log" log_is_clean
finish
