# SPDX-License-Identifier: ISC
"""Checks of python-kit.sh, with the client of the package: URL CHECK."""
import asyncio
import io
import os
import subprocess
import sys
import tempfile
import threading
import time

import reqd

url = sys.argv[1]


def client(**how):
    return reqd.connect(url, **how)


def value(*args, **keywords):
    return client().call(*args, **keywords).value


def raises(error, function, *args, **keywords):
    try:
        function(*args, **keywords)
    except error as e:
        return e
    raise AssertionError(f"no {error.__name__}")


def same(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


# ------------------------------------------------------------------ serving ---

def check_types():
    same(value("types", "t", b"\xff\0", 5, 0.5, True),
         [b"t", b"\xff\0", 5, 0.5, True, b"red", b"fast", b"str", b"bytes", b"int", b"float",
          b"bool"])
    same(value("types", "gr\u00fc\u00df", "", -(1 << 80), "1e3", "off", "blue", "slow")[:7],
         ["gr\u00fc\u00df".encode(), b"", -(1 << 80), 1000.0, False, b"blue", b"slow"])
    same(value("total", 1, 2, 3), 6)
    same(value("total"), 0)
    same(value("join", "-", ["a", "b"]), b"a-b")
    same(value("join", "-"), b"")
    same(value("whole", "n", input=b"12345"), [b"n", 5])
    same(value("types", text="t", raw="r", number=1, real=2, flag=False)[:5],
         [b"t", b"r", 1, 2.0, False])


def check_wrong_arguments():
    for words, text in (
            (["t", "r", "x", 1, True], "argument 'number' is no whole number"),
            (["t", "r", "1_0", 1, True], "argument 'number' is no whole number"),
            (["t", "r", " 1", 1, True], "argument 'number' is no whole number"),
            (["t", "r", 1, "1_0", True], "argument 'real' is no number"),
            (["t", "r", 1, 1, "maybe"], "argument 'flag' is neither yes nor no"),
            ([b"\xff", "r", 1, 1, True], "argument 'text' is no text in UTF-8"),
            (["t", "r", 1, 1, True, "green"], "argument 'color' is none of red, blue"),
            (["t", "r", 1, 1], "argument 'flag' is missing"),
            (["t", "r", 1, 1, True, "red", "fast", "x"],
             "types takes at most 7 arguments, not 8")):
        e = raises(reqd.Exit, value, "types", *words)
        same((e.code, e.text, e.status), ("ERR", text, 1))


def check_values():
    for what, wanted in {
            "dict": {"a": 1, b"b\xff": [1, [2, 3]], 3: None}, "big": 1 << 100,
            "negative": -(1 << 80), "int": -5, "edge": (1 << 63) - 1, "over": 1 << 63,
            "float": 0.25, "inf": float("inf"), "true": True, "none": None,
            "bytes": b"\0\r\n\xff", "text": "gr\u00fc\u00df".encode(), "set": {1, 2}, "empty": {},
            "point": {"x": 1, "y": 2.5}, "points": [{"x": 1, "y": 2}, {"x": 3, "y": 4}],
            "color": b"blue", "array": b"abc", "view": b"abc", "range": [0, 1, 2],
            "surrogate": b"\xff"}.items():
        same(value("values", what), wanted)


def check_names():
    """By the name of the service, and by its verb in any case."""
    import socket
    host, port = url.removeprefix("tcp://").split(":")
    with socket.create_connection((host, int(port))) as s:
        s.sendall(b"sum 1 2\r\nSum 3\r\n")
        got = b""
        while got.count(b"\n") < 2:
            got += s.recv(100)
        same(got, b":3\r\n:3\r\n")


def check_request():
    got = value("about", meta={"trace": "abc"}, timeout=30)
    same(got["trace"], b"abc")
    assert got["has"] is True and got["loaded"] is True, got
    assert got["id"] and got["caller"] and got["peer"], got
    assert 0 < got["remaining"] <= 30, got
    same(got["account"], got["caller"])
    same(value("about")["trace"], None)


def check_input():
    same(value("pushed", "all", input=b"x" * 300000), 300000)
    same(value("pushed", "lines", input=b"a\nb\nc"), 3)
    same(value("pushed", "none", input=b"x" * 200000), b"none")
    assert value("pushed", "first", input=b"x" * 200000) > 0
    same(value("pushed", "all"), 0)


def request(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def served(*words, records):
    """The records that a handler without reqd sends for these, which it reads one by one."""
    import socket

    env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, subprocess.Popen([sys.executable, os.environ["KIT"], *words], stdin=its,
                                stdout=its, stderr=subprocess.DEVNULL, env=env) as handler:
        its.close()
        ours.settimeout(60)
        try:
            for record in records:
                ours.send(record)
            ours.shutdown(socket.SHUT_WR)
            got = list(iter(lambda: ours.recv(10000), b""))
        except BaseException:
            handler.kill()
            raise
        same(handler.wait(), 0)
    return got


def check_batch():
    """Requests that come together get their replies together; each record is a write."""
    three = [request(b"total", n) for n in (b"1", b"2", b"3")]
    together = [b"".join(three)]
    same(served(records=together), [b":1\r\n:2\r\n:3\r\n"])
    same(served("single", records=together), [b":1\r\n", b":2\r\n", b":3\r\n"])
    slow = request(b"bad", b"wait")
    same(served(records=[slow + slow + three[0]]), [b"_\r\n", b"_\r\n", b":1\r\n"])


def check_output():
    pieces = list(client().stream("steps", 3))
    same(b"".join(pieces), b"step 0\nstep 1\nstep 2\n")
    same(value("steps", 3), 3)
    same(b"".join(client().stream("pushed", "show", input=[b"one\n", "two\n"])), b"one\ntwo\n")


# --------------------------------------------------------------------- bad ---

def check_errors():
    for how, code, text, status in (
            ("raise", "ERR", "KeyError: 'no\\nsuch'", 1),
            ("error", "NOTFOUND", "no such key", 1), ("status", "EXIT", "broken", 7),
            ("exit", "EXIT", "wrong usage", 1), ("mute", "ERR", "Mute", 1),
            ("base", "ERR", "BaseException: of the base", 1), ("memory", "ERR", "MemoryError", 1),
            ("nest", "ERR", "ValueError: a reply nests at most 8 deep", 1),
            ("circle", "ERR", "ValueError: a reply nests at most 8 deep", 1),
            ("type", "ERR", "TypeError: a reply cannot be of type object", 1),
            ("change", "ERR", "IndexError: list index out of range", 1),
            ("serve", "ERR", "RuntimeError: serve() runs already", 1)):
        before = value("bad", "pid")
        e = raises(reqd.Exit, value, "bad", how)
        same((how, e.code, e.text, e.status), (how, code, text, status))
        same(value("bad", "pid"), before)
    for how, start in (("recurse", "RecursionError: "), ("never", "TypeError: "),
                       ("surrogate", "UnicodeEncodeError: "), ("digits", "ValueError: ")):
        e = raises(reqd.Exit, value, "bad", how)
        assert e.text.startswith(start), (how, e.text)
    same(value("bad", "exit0"), None)


def check_survives():
    pid = value("bad", "pid")
    same(value("bad", "print"), b"")
    same(value("bad", "fork"), 0)
    same(value("bad", "fork-exit"), 5)
    same(value("bad", "fork-raise"), 1)
    same(value("bad", "thread"), [b"another thread than that of the function"])
    same(value("bad", "pid"), pid)


def check_dies():
    for how in ("kill", "segv", "quit", "close"):
        pid = value("bad", "pid")
        e = raises(reqd.HandlerDied, value, "bad", how)
        assert e.may_have_run
        assert value("bad", "pid") != pid, how
    e = raises(reqd.Timeout, value, "bad", "sleep", timeout=0.3)
    assert e.may_have_run
    same(value("total", 1), 1)


def check_leaks():
    """The limit of memory ends the process between two requests; the next one serves."""
    first = value("bad", "pid")
    for _ in range(8):
        value("bad", "leak")
    for _ in range(600):
        if value("bad", "pid") != first:
            return
        time.sleep(0.1)     # reqd weighs the process from time to time
    raise AssertionError("the process still serves")


# -------------------------------------------------------------------- async ---

def check_async():
    async def run():
        async with await reqd.connect_async(url) as c:
            got = await asyncio.gather(*(c.call("meet", 8) for _ in range(8)))
            assert len({r.value[0] for r in got}) == 8, "each has the id of its own request"
            same(len({r.value[1] for r in got}), 1)
            got = await asyncio.gather(
                *(c.call("later", f"t{i}", (7 - i) * 10, meta={"trace": str(i)}) for i in range(8)))
            same([r.value for r in got], [[b"t%d" % i, b"%d" % i] for i in range(8)])
            got = await asyncio.gather(c.call("later", "raise"), c.call("later", "input"),
                                       c.call("later", "good"), return_exceptions=True)
            same(str(got[0]), "ERR ValueError: later")
            same(str(got[1]), "ERR RuntimeError: an async function cannot read pushed input")
            same(got[2].value[0], b"good")
            pieces = [p async for p in c.stream("talk", "5")]
            same(b"".join(pieces), b"1\n2\n3\n4\n5\n")
            task = asyncio.create_task(c.call("slow"))
            await asyncio.sleep(0.2)
            task.cancel()
            try:
                await task
                raise AssertionError("was not cancelled")
            except asyncio.CancelledError:
                pass
    asyncio.run(run())


def check_held():
    """A request that is answered later ends with its loop, and with its task."""
    code = """
import os
import reqd
from reqd import _reqd, _serve

held, refusals = [], []

class Loop(_serve.Loop):
    drain = None

    def spawn(self, call, args, keywords, request):
        held.append(request)
        if len(held) == 2:
            refused()
            request.reply(2)

    def wait(self, fd):
        if len(held) == 1 and not refusals:
            raise KeyError("stop")

def refused():
    for function in (held[0].reply, held[0].fail):
        try:
            function(ValueError("late"))
            refusals.append("taken")
        except RuntimeError as e:
            refusals.append(str(e))

async def later():
    pass

function = _serve.Service(later, ["later"]).compiled()
for _ in range(2):
    r, w = os.pipe()
    os.write(w, b"*1\\r\\n$5\\r\\nlater\\r\\n")
    os.close(w)
    os.dup2(r, 0)
    try:
        assert _reqd.serve(Loop(), {b"later": function}, None, True) == 0
    except KeyError:
        refused()
assert refusals == ["the loop of the request has ended"] * 4, refusals
try:
    held[1].reply(3)
except RuntimeError as e:
    assert str(e) == "the request has been answered", e
"""
    out = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE,
                         env={**os.environ, "MALLOC_PERTURB_": "165"}).stdout
    same(out, b":2\r\n")
    # The first function that runs cancels the others, which have not begun.
    got = served("async", records=[request(b"later", b"cancel") + 2 * request(b"later", b"x"),
                                   request(b"total", b"1")])
    text = b"-ERR RuntimeError: the function was cancelled\r\n"
    same(b"".join(got), b"*2\r\n$6\r\ncancel\r\n_\r\n" + 2 * text + b":1\r\n")


def check_own_request():
    """A thread of an async function has the request of that, while another function runs."""
    got = served("async", records=[request(b"id=1-1\n", b"later", b"thread"),
                                    request(b"id=2-2\n", b"bad", b"tell")])
    same(b"".join(got), b"*2\r\n$3\r\n1-1\r\n_\r\n$3\r\n2-2\r\n")


# ------------------------------------------------------------------- client ---

def check_commands():
    c = client()
    r = c.call("talk", "3")
    same((r.stdout, r.status, r.outcome, str(r)), (b"1\n2\n3\n", 0, "exit", "1\n2\n3\n"))
    assert r.id and r.usec > 0
    same(c.call("copy", input="text").stdout, b"text")
    with tempfile.TemporaryFile() as f:
        f.write(b"of a file")
        f.seek(3)
        same(c.call("copy", input=f).stdout, b"a file")
    same(c.call("copy", input=io.StringIO("gr\u00fc\u00df" * 20000)).stdout,
         ("gr\u00fc\u00df" * 20000).encode())
    same(c.call("copy", input=(b"%d " % i for i in range(4))).stdout, b"0 1 2 3 ")
    with open("/dev/zero", "rb", buffering=0) as zero:
        raises(reqd.TooBig, c.call, "copy", input=zero)
    one = c.call("talk", "1", id="one-of-my-own").stdout
    same(c.call("talk", "1", id="one-of-my-own").stdout, one)
    e = raises(reqd.Exit, c.call, "fail")
    same((e.status, e.stdout, e.stderr, e.may_have_run), (3, b"out\n", b"broken\n", True))
    same(c.call("fail", check=False).status, 3)
    same(raises(reqd.Signal, c.call, "signal").signal, 9)
    raises(reqd.Timeout, c.call, "slow", timeout=0.2)
    raises(reqd.Unavailable, c.call, "nostart")
    assert not raises(reqd.BadArg, c.call, "talk").may_have_run
    raises(reqd.Denied, c.call, "nothing-like-this")
    raises(ValueError, c.call, "talk", "1", number="1")
    raises(ZeroDivisionError, c.call, "copy", input=(1 // 0 for _ in range(1)))
    same(c.call("talk", "1").stdout, b"1\n")
    assert c.server.startswith("reqd ")


def check_connections():
    """Calls of several threads at once, over as many connections."""
    c, got = client(), []

    def run():
        got.append(c.call("talk", "2").stdout)
    threads = [threading.Thread(target=run) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(got, [b"1\n2\n"] * 8)
    for connection in c._idle:      # as a server that restarts does
        connection.cancel()
    same(c.call("talk", "1").stdout, b"1\n")
    c.close()
    raises(ValueError, c.call, "talk", "1")
    e = raises(reqd.NotConnected, reqd.connect, "tcp://127.0.0.1:1")
    assert not e.may_have_run and e.is_passing
    raises(ValueError, reqd.connect, "http://127.0.0.1")


def check_retry():
    """Only what was certainly not started is called again."""
    c = client()
    with c.stream("alone") as first:
        same(next(first), b"began\n")
        assert not raises(reqd.Busy, c.call, "alone").may_have_run
        timer = threading.Timer(0.3, open(os.environ["GO"], "w").close)
        timer.start()
        same(c.call("alone", retry=20, timeout=30).stdout, b"began\n")
        same(list(first), [])
    e = raises(reqd.Exit, c.call, "fail", retry=20)
    same(e.status, 3)


def check_stream():
    c = client()
    with c.stream("endless") as pieces:
        assert next(pieces).startswith(b"y\n")
    with c.stream("fail") as pieces:
        same(next(pieces), b"out\n")
        e = raises(reqd.Exit, next, pieces)
        same((e.status, e.stderr), (3, b"broken\n"))
    same(c.call("talk", "1").stdout, b"1\n")


def check_cancel():
    """A call that has given its connection back does not break off the call that has it next."""
    c = client()
    [first], give_back, cancelled = c._idle, c._give_back, threading.Event()
    given = threading.Event()

    def late(connection):
        give_back(connection)
        given.set()
        cancelled.wait(30)
    c._give_back = late
    stream = c.stream("talk", "1")
    assert given.wait(30)
    closer = threading.Thread(target=stream.close)
    use, cancel = stream._use, stream._use.cancel
    use.cancel = lambda: (cancel(), cancelled.set())
    closer.start()
    closer.join()
    assert c._take() is first, "the connection is broken"
    assert not raises(reqd.Cancelled, client()._once, None, None, use=use).may_have_run

    async def run():
        c = await reqd.connect_async(url)
        [first], give_back = c._client._idle, c._client._give_back
        loop, ended = asyncio.get_running_loop(), threading.Event()

        def late(connection):
            give_back(connection)
            loop.call_soon_threadsafe(task.cancel)
            ended.wait(30)
        c._client._give_back = late
        task = asyncio.create_task(c.call("talk", "1"))
        try:
            await task
            raise AssertionError("was not cancelled")
        except asyncio.CancelledError:
            ended.set()
        assert c._client._take() is first, "the connection is broken"
    asyncio.run(run())


def check_extension():
    """Wrong uses of the extension module, which the package does not make."""
    from reqd import _reqd
    connection, got, wrong = client()._take(), [], []

    def output(stream, data):
        got.append(data)
        raises(RuntimeError, connection.call, "steps", (), None, lambda *_: wrong.append(1), 0,
               None, (), 0)
    connection.call("steps", ((None, b"3"),), None, output, 0, None, (), 0)
    same((b"".join(got), wrong), (b"step 0\nstep 1\nstep 2\n", []))
    assert len(got) > 1, got

    name = "".join(["of", " its own"])
    before = sys.getrefcount(name)
    for _ in range(10):
        raises(ValueError, _reqd.Function, print, "f", (), 0, False, False, (name, 99, None), False)
    same(sys.getrefcount(name), before)


def check_login():
    url, pin = os.environ["TLS"], os.environ["PIN"]
    with open(os.environ["TOKEN"]) as f:
        token = f.read().strip()
    got = reqd.connect(url, pin=pin, login="alice", token=token).call("about").value
    same((got["account"], got["login"]), (b"alice", b"alice"))
    same(reqd.connect(url, pin=pin).call("about").value["login"], None)
    raises(reqd.Untrusted, reqd.connect, url, pin="sha256:" + "A" * 43)
    raises(reqd.Untrusted, reqd.connect, url)
    raises(reqd.Refused, reqd.connect, url, pin=pin, login="alice", token=token[:-1] + "x")


def check_interrupt():
    """A signal ends a wait for the server."""
    code = f"""
import reqd, signal, os
def alarm(*_): raise KeyError("alarm")
signal.signal(signal.SIGALRM, alarm)
c = reqd.connect({url!r})
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    c.call("slow")
except KeyError as e:
    print("stopped by", e)
"""
    out = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout
    same(out, b"stopped by 'alarm'\n")


globals()["check_" + sys.argv[2]]()
