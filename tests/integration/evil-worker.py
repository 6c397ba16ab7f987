#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Judges what evil workers do, by honest clients of the others.

    evil-worker.py DIR PORT REQCTL MASTER [fill]

fill: only makes so many calls with --id that as many results are kept as can be.

Workers 0 to 15 are evil and wait in DIR/evil for an order; those from 16 on serve. With
REQD_EVIL_PLACE=web these are workers of HTTP, and all of RESP serve.
Each attack is made by the next evil worker. Beside it honest clients call,
reqd is reloaded and asked for its state. What must hold is in judge().
"""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

DIR, PORT, REQCTL, MASTER = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
EVIL = 16
TLS_PORT, WEB_PORT = int(os.environ["REQD_EVIL_TLS"]), int(os.environ["REQD_EVIL_WEB"])
PLACE = os.environ.get("REQD_EVIL_PLACE", "worker")
FIRST = 64 if PLACE == "web" else 0     # the slot of the first worker of the protocol
PASSWORD = "correct horse"
SLACK = float(os.environ.get("REQD_FAULT_SLACK", "20"))
ROUNDS = int(os.environ.get("REQD_FAULT_ROUNDS", "1"))
ONLY = os.environ.get("REQD_EVIL", "").split()
PATIENCE = 30
LATE_MS = 50 * SLACK
REPLACED_MS = 1000 * max(1, SLACK / 4)

# The result that each attack must have. found: the worker is replaced within a
# second of its first bad frame. lives: nothing that the worker does is a fault.
# slow: the worker is replaced when its time is over. leaves: it dies, and an accomplice
# goes on.
ATTACKS = {
    "same_id_and_token": "found", "same_id_in_one_write": "found",
    "two_tokens_of_one_id": "found", "id_twice": "found", "id_of_another": "found",
    "service_of_another_door": "found", "handler_of_another_door": "found",
    "id_of_a_handler": "found", "cancels_between_twins": "lives", "early_result": "lives",
    "results_of_nothing": "lives", "result_of_another": "found", "unsealed_result": "found",
    "growing_result": "found", "rubbish_result": "lives",
    "kit_twice": "found", "kit_of_another": "found", "kit_never_given": "found",
    "no_kit": "found", "kit_of_another_kind": "found", "changing_job": "lives",
    "rubbish_job": "lives", "pipes_of_kits": "lives", "daemon_of_another": "lives",
    "half_a_frame": "found", "one_byte_more": "found", "any_bytes": "found", "zeros": "found",
    "type_out_of_range": "found", "slot_out_of_range": "found", "flags_out_of_range": "found",
    "service_out_of_range": "found", "service_unknown": "found", "endless_name": "found",
    "start_to_broker": "found", "exited_to_broker": "found", "unlink_to_broker": "found",
    "fault_to_broker": "found", "commit_to_broker": "found", "handler_as_command": "found",
    "short_to_master": "found", "nothing_to_master": "found", "long_to_master": "found",
    "run_to_master": "found", "fault_to_master": "found", "fault_of_worker_to_master": "found",
    "unlink_to_master": "found", "endless_text_to_master": "found",
    "reload_of_master": "found", "word_to_control": "found", "half_to_control": "found",
    "answers_to_control": "lives",
    "answers_to_master": "any", "refuses_reload": "found", "silent_to_prepare": "slow",
    "silent_to_commit": "slow", "heavy_descriptors": "lives", "descriptors_on_their_way": "lives",
    "return_twice": "found", "return_of_another": "found", "proven_of_another": "found",
    "return_of_nothing": "lives", "broken_leases": "lives", "kept_pipes": "lives",
    "kept_leases": "slow",
    "flood_cancel": "lives", "flood_deposit": "lives", "flood_return": "lives",
    "flood_proven": "lives", "flood_answers": "lives", "flood_cancelled": "lives",
    "flood_want_unread": "lives", "flood_want": "lives", "flood_run": "lives",
    "run_unread": "lives", "flood_master": "lives", "flood_log": "lives",
    "cancel_of_another": "found", "two_cancels_at_once": "found", "cancels_of_all": "lives",
    "cancelled_of_none": "found", "cancel_unanswered": "lives", "list_unanswered": "slow",
    "list_of_rubbish": "lives", "page_of_random": "lives", "page_of_ones": "lives",
    "page_of_plausible": "lives", "page_of_lies": "lives", "blocking_listeners": "lives",
    "leaves_an_accomplice": "leaves",
    "half_to_auth": "found", "byte_to_auth": "found", "frame_to_auth": "found",
    "long_login_to_auth": "found", "long_secret_to_auth": "found",
    "place_out_of_range": "found", "nul_in_a_secret": "found", "any_questions": "lives",
    "flood_auth": "lives", "flood_auth_unread": "lives",
    "handshakes_to_keys": "lives", "any_to_keys": "lives", "million_to_keys": "lives",
    "nearly_to_keys": "lives", "old_to_keys": "lives", "certificates_to_keys": "lives",
    "other_keys": "lives", "half_to_keys": "found", "byte_to_keys": "found",
    "longer_to_keys": "found", "frame_to_keys": "found", "flood_keys": "lives",
    "flood_keys_unread": "lives", "deaf_to_keys": "lives", "socket_of_keys": "lives",
}
# Attacks of a worker that is confined, as every worker is. killed: the kernel ends the
# worker for the call, and the master says so.
if os.environ.get("REQD_SANDBOX") == "yes":
    ATTACKS |= {name: "killed" for name in (
        "runs_a_program", "makes_a_child", "opens_a_socket", "connects", "binds",
        "listens_anew", "traces_a_sibling", "reads_memory_of_a_sibling", "kills_a_sibling",
        "signals_a_thread", "takes_a_descriptor", "uses_a_ring")}
    ATTACKS |= {name: "lives" for name in (
        "opens_files", "makes_code", "limits_others", "outlives_the_master",
        "shuts_listeners", "sends_elsewhere", "serves_accomplices")}

failures = []


def now():
    return time.monotonic() * 1000


def complain(text):
    failures.append(text)
    print("  WRONG: " + text, flush=True)


def until(what, condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.002)


# --------------------------------------------------------------- honest clients ---

class Client:
    def __init__(self):
        self.s = socket.create_connection(("127.0.0.1", PORT))
        self.s.settimeout(PATIENCE)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile("rb")

    def ask(self, *words):
        data = b"*%d\r\n" % len(words)
        for w in words:
            w = w.encode() if isinstance(w, str) else w
            data += b"$%d\r\n%s\r\n" % (len(w), w)
        self.s.sendall(data)
        return self.reply()

    def reply(self):
        line = self.f.readline()
        if not line:
            raise ConnectionError("closed")
        if line[:1] == b"$":
            return self.f.read(int(line[1:]) + 2)[:-2]
        if line[:1] == b"*":
            return [self.reply() for _ in range(int(line[1:]))]
        return line.rstrip()

    def close(self):
        self.f.close()
        self.s.close()


def ping(c, text):
    return c.ask("PING"), b"+PONG"


def builtin(c, text):
    return c.ask("ECHO", text), text.encode()


def command(c, text):
    return c.ask("CALL", "echo", text), text.encode() + b"\n"


def talk(c, text):
    reply = c.ask("CALL", "talk", text)
    return reply[0] if isinstance(reply, list) else reply, text.encode()


def once(c, text):
    """Twice by the same name, which runs it once."""
    first = c.ask("CALL", "--id=" + text, "echo", text)
    return (first, c.ask("CALL", "--id=" + text, "echo", text)), (text.encode() + b"\n",) * 2


def password(c, text):
    """By password, which is known to come from here."""
    return c.ask("AUTH", "alice", PASSWORD), b"+OK"


def handshake(c, text):
    """A connection of its own, for which the process keys signs. On a busy machine the answer
    of keys may take longer than a worker waits for it."""
    for left in range(4 if SLACK > 1 else 0, -1, -1):
        try:
            s = TRUST.wrap_socket(socket.create_connection(("127.0.0.1", TLS_PORT), PATIENCE))
            break
        except ssl.SSLError:
            if not left:
                raise
    with s:
        s.sendall(b"PING\r\n")
        return s.recv(100), b"+PONG\r\n"


def web(c, text):
    h = http.client.HTTPConnection("127.0.0.1", WEB_PORT, timeout=PATIENCE)
    try:
        h.request("POST", "/call/echo?text=" + text)
        return h.getresponse().read(), text.encode() + b"\n"
    except http.client.HTTPException as e:
        raise ConnectionError(repr(e))
    finally:
        h.close()


TRUST = ssl.create_default_context(cafile=DIR + "/tls/server.crt")
TRUST.check_hostname = False
KINDS = {"handshake": (handshake, 100), "web": (web, 100), "password": (password, 200), "ping": (ping, 4), "builtin": (builtin, 10), "command": (command, 40),
         "talk": (talk, 6), "talk2": (talk, 6), "once": (once, 120), "fresh": (ping, 15)}


def honest(kind):
    """Calls until it is ended; a line for each call: when, how long, what was wrong."""
    ask, every = KINDS[kind]
    out = open("%s/honest/%s" % (DIR, kind), "w", buffering=1)
    c, n = None, 0
    while True:
        n += 1
        began, wrong = now(), ""
        try:
            c = c or Client()
            got, wanted = ask(c, "%s-%d-%d" % (kind, os.getpid(), n))
            if got != wanted:
                wrong = "got %r, wanted %r" % (got, wanted)
        except OSError as e:
            wrong = "lost: %r" % e
            c = None
        took = now() - began
        out.write("%.1f %.1f %s\n" % (began, took, wrong))
        if kind == "fresh" and c:
            c.close()
            c = None
        time.sleep(every / 1000)


def start_clients():
    pids = []
    for kind in KINDS:
        pid = os.fork()
        if pid == 0:
            try:
                honest(kind)
            finally:
                os._exit(1)
        pids.append(pid)
    return pids


def records():
    """(kind, began, ended, wrong) of all calls."""
    for kind in KINDS:
        with open("%s/honest/%s" % (DIR, kind)) as f:
            for line in f:
                words = line.rstrip("\n").split(" ", 2)
                if line.endswith("\n") and len(words) == 3:
                    began = float(words[0])
                    yield kind, began, began + float(words[1]), words[2]


# -------------------------------------------------------------- what reqd is like ---

def processes():
    """Pids by name: "worker 3", "broker"."""
    found = {"master": MASTER}
    with open("/proc/%d/task/%d/children" % (MASTER, MASTER)) as f:
        children = f.read().split()
    for pid in children:
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                words = f.read().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue
        name = words.rpartition("reqd: ")[2]
        if "--role=" in words:
            name = words.partition("--role=")[2].replace(" --slot=", " ")
            name = name if name.startswith("worker") else name.partition(" ")[0]
            if name.startswith("worker") and int(name[7:]) >= 64:
                name = "web %d" % (int(name[7:]) - 64)
        found[name.strip()] = int(pid)
    return found


def ctl(*words):
    return subprocess.run([REQCTL, "--control", DIR + "/control.sock", *words],
                          capture_output=True, text=True, timeout=PATIENCE + 30)


def events(slot, pid=None):
    """(ms, pid, word, text) of an evil worker."""
    with open(DIR + "/evil/events", errors="replace") as f:
        for line in f:
            words = line.rstrip("\n").split(" ", 4)
            if line.endswith("\n") and int(words[1]) == slot and pid in (None, int(words[2])):
                yield int(words[0]), int(words[2]), words[3], words[4] if len(words) > 4 else ""


def saw(slot, pid, word, since=0):
    return next((e for e in events(slot, pid) if e[2] == word and e[0] >= since), None)


# ----------------------------------------------------------------- one attack ---

def reload_beside(name, result):
    began = now()
    done = ctl("reload")
    result["reload"] = now() - began
    if done.returncode != 0:
        complain("%s: reload refused: %s" % (name, (done.stdout + done.stderr).strip()))


def look(name, result):
    began = now()
    done = ctl("status", "--json")
    result["status"] = now() - began
    try:
        json.loads(done.stdout, parse_constant=float)
    except ValueError as e:
        complain("%s: status cannot be read: %s" % (name, e))
    began = now()
    done = ctl("ps")
    result["ps"] = now() - began
    if done.returncode != 0:
        complain("%s: ps: %s" % (name, done.stderr.strip()))


def cancel_elsewhere(slot, result):
    """Each honest worker is asked for a call of the evil one, and then for another."""
    began = now()
    asked = set()
    clients = []
    while len(asked) < 4 and now() < began + 2000:
        c = Client()
        asked.add(int(c.ask("CLIENT", "ID")[1:]) >> 40)
        clients.append(c)

    def one(c):
        if c.ask("CANCEL", "%016x" % (slot << 32 | 1)) != b":0":
            complain("a call of nobody is cancelled")
        c.close()

    began = now()
    asking = [guarded(one, "cancel_unanswered", c) for c in clients]
    for t in asking:
        t.start()
    for t in asking:
        t.join()
    result["cancel"] = now() - began


def guarded(fn, name, *args):
    """Runs it beside an attack; what it throws is wrong."""
    def run():
        try:
            fn(*args)
        except Exception as e:
            complain("%s: %s: %r" % (name, fn.__name__, e))
    return threading.Thread(target=run)


def attack(name, slot, beside_slots=()):
    """beside_slots are those of other attacks at the same time."""
    result = {"name": name, "slot": slot}
    pid = until("an evil worker %d" % slot,
                lambda: (p := processes().get("%s %d" % (PLACE, slot - FIRST))) and saw(slot, p, "ready") and p)
    before = processes()
    result["from"] = since = now() // 1
    order = "%s/evil/order.%d" % (DIR, slot)
    with open(order, "w") as f:
        f.write(name)
    os.rename(order, "%s/evil/attack.%d" % (DIR, slot))
    until(name + " begins", lambda: saw(slot, pid, "begun", since))

    beside = [guarded(reload_beside, name, name, result),
              guarded(look, name, name, result)]
    if name == "cancel_unanswered":
        beside.append(guarded(cancel_elsewhere, name, slot, result))
    if name == "kept_pipes":
        beside.append(guarded(crowd, name, slot, pid, since, result))
    if name == "kept_leases":
        beside.append(guarded(starved, name, result))
    for t in beside:
        t.start()

    def replaced():
        there = processes().get("%s %d" % (PLACE, slot - FIRST))
        return there is not None and there != pid

    wanted = ATTACKS[name]
    if name == "serves_accomplices":
        beside.append(guarded(accomplices, name, slot, pid, since, result))
        beside[-1].start()
    if wanted == "killed":
        until(name + " ends", lambda: saw(slot, pid, "done", since) or replaced())
        if saw(slot, pid, "done", since):
            complain("%s: the worker lives" % name)
        line = "%s %d (%d) was killed for a forbidden system call" % (PLACE, slot - FIRST, pid)
        until(line, lambda: line in open(DIR + "/log", errors="replace").read())
    elif wanted == "leaves":
        until(name + " ends", lambda: saw(slot, pid, "done", since) and replaced())
    elif wanted in ("lives", "any"):
        until(name + " ends", lambda: saw(slot, pid, "done", since) or replaced())
        if wanted == "lives" and not saw(slot, pid, "done", since):
            complain("%s: the worker is gone" % name)
    else:
        until(name + " ends", lambda: replaced() or saw(slot, pid, "done", since), 2 * PATIENCE)
        bad = saw(slot, pid, "bad", since)
        if saw(slot, pid, "done", since) and not replaced():
            complain("%s: not found out" % name)
        elif wanted == "found" and bad:
            result["replaced"] = now() - bad[0]
            if result["replaced"] > REPLACED_MS:
                complain("%s: replaced only after %d ms" % (name, result["replaced"]))
    for t in beside:
        t.join()
    # Requests that the worker leaves open, and its claims about itself, go with
    # it.
    if wanted in ("lives", "any") and not replaced():
        os.kill(pid, signal.SIGKILL)
        until("the successor", replaced)
    result["until"] = now()
    after = processes()
    for who in before:
        ours = [slot, *beside_slots]
        if who not in ["%s %d" % (PLACE, i - FIRST) for i in ours] and before[who] != after.get(who):
            complain("%s: %s was %d and is %s" % (name, who, before[who], after.get(who)))
    result["notes"] = [e[3] for e in events(slot, pid) if e[2] == "note" and e[0] >= since]
    if "accomplices" in result:
        result["notes"] = [result["accomplices"]]
    if "crowd" in result:
        result["notes"].append(result["crowd"])
    for n in result["notes"]:
        if n.startswith("FAULT") or n.startswith("there is no such"):
            complain("%s: %s" % (name, n))
    for what, most in (("status", 1000), ("ps", 1000), ("cancel", 2000)):
        # A client that asks all workers waits for a silent one, as long as that
        # one has.
        if wanted != "slow" and result.get(what, 0) > most * max(1, SLACK / 4):
            complain("%s: %s took %d ms" % (name, what, result[what]))
    return result


def accomplices(slot, pid, since, result):
    """Clients of the unix socket, who wait for descriptors of the evil worker."""
    given, served = 0, 0
    while not saw(slot, pid, "done", since):
        clients = []
        for _ in range(8):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(0.05)
            s.connect(DIR + ("/web.sock" if PLACE == "web" else "/reqd.sock"))
            clients.append(s)
        for s in clients:
            try:
                while True:
                    data, fds, _, _ = socket.recv_fds(s, 1, 16)
                    given += len(fds)
                    for fd in fds:
                        os.close(fd)
                    if data == b"y":
                        served += 1
                    if data in (b"", b"y"):
                        break
            except OSError:
                pass
            s.close()
    result["accomplices"] = "%d accomplices were given %d descriptors" % (served, given)
    if given or not served:
        complain("serves_accomplices: " + result["accomplices"])


def crowd(slot, pid, since, result):
    """So many at once that the processes which the evil worker has had are used."""
    until("pipes are kept", lambda: saw(slot, pid, "note", since) or saw(slot, pid, "done", since))
    counts = [0, 0]

    def one(number):
        c = Client()
        c.s.settimeout(3)
        while not saw(slot, pid, "done", since):
            text = "crowd-%d-%d" % (number, counts[0])
            counts[0] += 1
            try:
                got = talk(c, text)
            except OSError:
                got = None
                c = Client()
                c.s.settimeout(3)
            if got != (text.encode(),) * 2:
                counts[1] += 1

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    result["crowd"] = "%d of %d answers of kept processes were wrong" % (counts[1], counts[0])


def starved(result):
    """The one who waits for a process of the pool has it in the end."""
    began = now()
    reply = Client().ask("CALL", "starved", "me")
    while not isinstance(reply, list) and now() < began + 20000:
        reply = Client().ask("CALL", "starved", "me")
    result["starved"] = now() - began
    if not isinstance(reply, list) or reply[0] != b"me":
        complain("the pool is starved for good: %r" % reply)


# ------------------------------------------------------------------- judgement ---

# A worker that keeps the pipes of a process that it has given back reads and writes
# them; nothing hinders it as long as it is not found out.
# The listeners are the same open files for all workers, until calls of the kernel
# that workers have no need of are refused to them.
# The other one turns on one processor, and its crowd of callers on the other.
MAY_DELAY = ("blocking_listeners", "kept_pipes")
# Ten seconds more, behind the other silence; a minute of questions.
ONLY_IN_LONG = ("silent_to_commit", "million_to_keys")
MAY_GARBLE = {"kept_pipes": ("talk", "talk2"), "sends_elsewhere": tuple(KINDS)}


def overlapping(calls, a, b):
    return [c for c in calls if c[1] <= b and c[2] >= a]


def worst(calls):
    out = {}
    for kind, began, ended, _ in calls:
        out[kind] = max(out.get(kind, 0), ended - began)
    return out


def judge(results, quiet):
    calls = list(records())
    garbled = {c for r in results for c in overlapping(calls, r["from"], r["until"])
               if c[3] and c[0] in MAY_GARBLE.get(r["name"], ())}
    if garbled:
        print("  %d calls answered from pipes that were kept" % len(garbled))
    # Calls may last beyond the attack that they belong to.
    calls = [c for c in calls if c not in garbled]
    base = {}
    n_quiet = 0
    for a, b in quiet:
        in_it = overlapping(calls, a, b)
        n_quiet += len(in_it)
        for kind, ms in worst(in_it).items():
            base[kind] = max(base.get(kind, 0), ms)
    print("  quiet: %d calls, at most ms: %s" % (
        n_quiet, " ".join("%s %.0f" % (k, v) for k, v in base.items())))
    for r in results:
        in_it = overlapping(calls, r["from"], r["until"])
        most = worst(in_it)
        late = {k: most[k] - base.get(k, 0) for k in most}
        who = max(late, key=late.get, default="")
        wrong = [c for c in in_it if c[3]]
        print("  %-26s %5d ms, %4d calls, %d wrong, later by %3.0f ms (%s)%s%s %s" % (
            r["name"], r["until"] - r["from"], len(in_it), len(wrong), max(0, late.get(who, 0)),
            who, ", replaced in %d ms" % r["replaced"] if "replaced" in r else "",
            "".join(", %s %d ms" % (k, r[k]) for k in ("reload", "ps", "cancel", "starved")
                    if r.get(k, 0) > 200), "; ".join(r["notes"])))
        if late.get(who, 0) > LATE_MS and r["name"] not in MAY_DELAY:
            complain("%s: %s is %d ms late" % (r["name"], who, late[who]))
        for c in wrong[:3]:
            complain("%s: %s: %s" % (r["name"], c[0], c[3][:200]))
        for kind in KINDS:
            if kind not in MAY_GARBLE.get(r["name"], ()) and r["until"] - r["from"] > 1000 and kind not in most:
                complain("%s: no call of %s has ended" % (r["name"], kind))
    inside = [(r["from"], r["until"]) for r in results]
    for c in calls:
        if c[3] and not any(c[1] <= b and c[2] >= a for a, b in inside):
            complain("with no attack: %s: %s" % (c[0], c[3][:200]))


def after(slot, n):
    """The evil slot that is n places behind another one."""
    return FIRST + (slot - FIRST + n) % EVIL


def main():
    results, quiet, slot = [], [], FIRST
    for i in range(EVIL):
        until("evil worker %d" % i, lambda: any(e[2] == "ready" for e in events(FIRST + i)))
    clients = start_clients()
    try:
        began = now()
        time.sleep(2)
        quiet.append((began + 500, now()))
        for _ in range(ROUNDS):
            names = ONLY or [n for n in ATTACKS if ROUNDS > 1 or n not in ONLY_IN_LONG]
            slow = [name for name in names if ATTACKS[name] == "slow"]
            for name in names:
                if name not in slow:
                    results.append(attack(name, slot))
                    slot = after(slot, 1)
            # The longest that they take is the time of one.
            slots = [after(slot, i) for i in range(len(slow))]
            together = [guarded(lambda n, s: results.append(attack(n, s, slots)), name, name, s)
                        for name, s in zip(slow, slots)]
            for t in together:
                t.start()
            for t in together:
                t.join()
            slot = after(slot, len(slow))
        began = now()
        time.sleep(1)
        quiet.append((began + 200, now()))
    except TimeoutError as e:
        complain("waited in vain: %s" % e)
    finally:
        for pid in clients:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    judge(results, quiet)
    print("  %d attacks, %d wrong" % (len(results), len(failures)))
    sys.exit(1 if failures else 0)


def fill():
    c = Client()
    for i in range(300):
        c.ask("CALL", "--id=fill-%d" % i, "true")


fill() if sys.argv[5:] else main()
