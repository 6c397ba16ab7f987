# SPDX-License-Identifier: ISC
"""Drives the handlers of examples/ over pipes, as a worker of reqd does.

handler-examples.py SOURCE-DIRECTORY BUILD-DIRECTORY

Replies are read by a strict decoder, so one byte too many or too few fails.
A handler that says nothing for PATIENCE seconds is killed. A thousand requests may take
longer: in shell each starts several processes.
"""
import hashlib
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

SOURCE, BUILD = (os.path.abspath(p) for p in sys.argv[1:3])
PATIENCE = float(os.environ.get("REQD_TEST_PATIENCE", 60))
ALL_BYTES = bytes(range(256)) * 3
MIB = 1 << 20


class Error(str):
    """An error reply."""


class Simple(str):
    """A simple string."""


def aggregate(kind, words):
    words = [w if isinstance(w, bytes) else w.encode() for w in words]
    return b"%s%d\r\n" % (kind, len(words)) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def request(*words):
    """A list at the end is pushed, piece by piece."""
    pieces = [*words[-1], b""] if isinstance(words[-1], list) else []
    words = words[:-1] if pieces else words
    return aggregate(b"*", words) + b"".join(aggregate(b">", ("input", p)) for p in pieces)


def decode(data, at=0):
    """The value at data[at:] and where it ends; IndexError: not whole."""
    end = data.index(b"\r\n", at)
    kind, line, at = data[at:at + 1], data[at + 1:end], end + 2
    if kind == b"+":
        return Simple(line.decode()), at
    if kind == b"-":
        assert re.match(rb"[A-Z][A-Z0-9_-]*( |$)", line), line
        return Error(line.decode()), at
    if kind == b":":
        assert re.fullmatch(rb"0|-?[1-9][0-9]*", line), line
        return int(line), at
    if kind == b",":
        assert re.fullmatch(rb"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)|nan", line), line
        return float(line), at
    if kind == b"_":
        assert line == b"", line
        return None, at
    if kind == b"#":
        return {b"t": True, b"f": False}[line], at
    assert re.fullmatch(rb"0|[1-9][0-9]*", line), (kind, line)
    n = int(line)
    if kind == b"$":
        assert data[at + n:at + n + 2] == b"\r\n", "bulk without its end"
        return data[at:at + n], at + n + 2
    assert kind in b"*%", kind
    items = []
    for _ in range(n * (2 if kind == b"%" else 1)):
        item, at = decode(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2])) if kind == b"%" else items), at


def run(command, data, channel=1):
    """All output, standard output, standard error and status for this input."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    extra = {}
    for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "HOME", "PYENV_ROOT"):
        if name in os.environ:
            environment[name] = os.environ[name]
    if channel == 3:
        environment["REQD_CHANNEL"] = "3"
        read_end, write_end = os.pipe()
        command = ["/bin/sh", "-c", 'exec 3>&%d; exec "$@"' % write_end, "sh", *command]
        extra = {"pass_fds": [write_end]}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment, cwd="/", **extra)
    replies, pieces = b"", []
    if channel == 3:
        os.close(write_end)
        reader = threading.Thread(target=lambda: pieces.extend(iter(lambda: os.read(read_end, MIB), b"")))
        reader.start()
    said = 0
    while True:
        try:
            out, err = process.communicate(data, timeout=PATIENCE)
            break
        except subprocess.TimeoutExpired as e:
            now = sum(map(len, [e.output or b"", e.stderr or b"", *pieces]))
        if now <= said:
            process.kill()
            process.communicate()
            raise AssertionError("no answer in time")
        said, data = now, None
    if channel == 3:
        reader.join()
        os.close(read_end)
        replies = b"".join(pieces)
    return (replies if channel == 3 else out), out, err, process.returncode


def values(data):
    found, at = [], 0
    while at < len(data):
        value, at = decode(data, at)
        found.append(value)
    return found


class Handler:
    """One example: how it is started, and a request with the reply it gets."""

    def __init__(self, name, command, ask, binary=True, channels=(1, 3)):
        self.name, self.command, self.ask = name, command, ask
        self.binary, self.channels = binary, channels

    def talk(self, *requests, tail=b"", status=0, channel=1, quiet=True):
        data = b"".join(request(*r) for r in requests) + tail
        replies, out, err, got = run(self.command, data, channel)
        assert got == status if status == 0 else got != 0, (got, err)
        assert channel == 1 or out == b"", out
        assert status != 0 or err == b"" or not quiet, err
        assert status == 0 or err != b"", "failed without a word"
        return values(replies)

    def check(self, text, ok):
        assert ok, text
        print("ok: %s: %s" % (self.name, text))


def upper(*words):
    return ("upper", *words), b" ".join(words).upper()


def digest(data):
    return ("digest", "sha256", data), hashlib.sha256(data).hexdigest().encode()


def checksum(data):
    pieces = [data[at:at + 65536] for at in range(0, len(data), 65536)]
    return ("sum", "sha256", pieces), hashlib.sha256(data).hexdigest().encode()


def entropy(data):
    n = len(data)
    shares = [data.count(bytes([b])) / n for b in set(data)]
    return ("entropy", data), {b"bytes": n, b"distinct": len(shares),
                               b"bits-per-byte": abs(-sum(p * math.log2(p) for p in shares))}


def words(data):
    found = re.findall(r"\w+", data.decode(errors="replace").lower())
    stop = "a an and are as at be by for from in is it of on or that the to was with".split()
    counts = {}
    for word in found:
        if word not in stop:
            counts[word] = counts.get(word, 0) + 1
    top = sorted(counts.items(), key=lambda item: -item[1])[:3]
    return ("words", data), {b"bytes": len(data), b"words": len(found), b"distinct": len(set(found)),
                             b"top": [[w.encode(), n] for w, n in top]}


def same(got, wanted):
    if isinstance(wanted, dict) and isinstance(got, dict) and got.keys() == wanted.keys():
        return all(same(got[k], wanted[k]) for k in wanted)
    if isinstance(wanted, float):
        return math.isclose(got, wanted, abs_tol=1e-9)
    return type(got) is type(wanted) and got == wanted


# ------------------------------------------------------- for all of them ---

def common(h):
    """ask(data): a request with data in it, and the reply to that."""
    ping, pong = ("PING",), Simple("PONG")
    for channel in h.channels:
        h.check("PING, on descriptor %d" % channel, h.talk(ping, channel=channel) == [pong])
        got = h.talk(h.ask(b"one two")[0], channel=channel)
        h.check("a request, on descriptor %d" % channel, same(got[0], h.ask(b"one two")[1]))
    h.check("nothing asked, nothing said", h.talk() == [])

    data = [b"", b"x", b"two words", b"lf\nand crlf\r\nin it\r\n", b"\r\n", b"$5\r\n*1\r\n", b" ",
            "žluťoučký".encode(), b"\xff\xfe\x80 no utf-8", b"-dash", b"%s%d\\n$HOME`id`*"]
    if h.binary:
        data += [b"\0", b"a\0b", ALL_BYTES]
    asked = [h.ask(d) for d in data]
    got = h.talk(*(a[0] for a in asked))
    h.check("%d replies to %d requests" % (len(got), len(data)), len(got) == len(data))
    for d, g, (_, wanted) in zip(data, got, asked):
        h.check("data %.30r" % d, same(g, wanted))

    big = (ALL_BYTES if h.binary else b"all work and no play ") * 2000
    asked, wanted = h.ask(big[:MIB])
    got = h.talk(asked, ping)
    h.check("an argument of %d bytes" % len(big[:MIB]), same(got[0], wanted) and got[1:] == [pong])

    asked = [h.ask(b"request %d" % i) for i in range(1000)]
    got = h.talk(*(a[0] for a in asked))
    h.check("1000 requests at once, in order",
            len(got) == 1000 and all(same(g, w) for g, (_, w) in zip(got, asked)))

    for verb in ("nonsense", "", "ping", "PINGPONG", "__proto__", "toString"):
        got = h.talk((verb,), ping)
        h.check("unknown verb %r is an error, and it goes on" % verb,
                len(got) == 2 and isinstance(got[0], Error) and got[1] == pong)

    whole = request(*h.ask(b"half of it")[0])
    for cut in (1, 2, 3, 4, 5, 8, len(whole) // 2, len(whole) - 3, len(whole) - 2, len(whole) - 1):
        got = h.talk(ping, tail=whole[:cut], status=1)
        h.check("input that ends %d bytes into a request" % cut, got == [pong])


# ---------------------------------------------------------- one by one ---

def store_perl(h):
    got = h.talk(("GET", "k"), ("SET", "k", ALL_BYTES), ("GET", "k"), ("SET", "", ""), ("GET", ""),
                 ("KEYS",), ("DEL", "k"), ("DEL", "k"), ("GET", "k"), ("SET", "k"), ("GET",))
    h.check("keeps and forgets", got[:9] == [None, b"OK", ALL_BYTES, b"OK", b"", [b"", b"k"], 1, 0, None])
    h.check("missing arguments are errors", all(isinstance(g, Error) for g in got[9:]))


def store_python(h):
    got = h.talk(("kv", "get", "k"), ("kv", "set", "k", ALL_BYTES), ("kv", "get", "k"), ("kv", "set", "", ""),
                 ("kv", "get", ""), ("kv", "keys"), ("kv", "delete", "k"), ("kv", "delete", "k"),
                 ("kv", "set", "k"), ("kv",), ("kv", "get", "a", "b"), ("kv", "keys"))
    h.check("keeps and forgets", got[:8] == [None, None, ALL_BYTES, None, b"", [b"", b"k"], True, False])
    h.check("missing arguments are errors", all(isinstance(g, Error) for g in got[8:11]))
    h.check("and it goes on", got[11:] == [[b""]])


def words_own_list(h):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        f.write("red Green\n")
        f.flush()
        other = Handler(h.name, h.command + [f.name], h.ask)
        got = other.talk(("words", b"red green blue the the"), ("words",), ("PING",))
    h.check("another list of words", got[0][b"top"] == [[b"the", 2], [b"blue", 1]])
    h.check("a missing argument is an error", isinstance(got[1], Error) and got[2] == Simple("PONG"))


def digest_errors(h):
    got = h.talk(("digest", "no-such", "x"), ("digest",), ("PING",))
    h.check("a wrong algorithm is an error", isinstance(got[0], Error) and isinstance(got[1], Error))
    h.check("and it goes on", got[2] == Simple("PONG"))


def sum_skips(h):
    """What it does not want of its input is not taken for a request."""
    got = h.talk(("sum", "no-such", [b"*1\r\n$4\r\nPING\r\n", ALL_BYTES]), ("sum", "md5", [b"a", b"b"]),
                 ("nonsense", [b"x"]), ("PING",))
    h.check("an answer before the end of its input", isinstance(got[0], Error))
    h.check("and it goes on", got[1] == hashlib.md5(b"ab").hexdigest().encode() and
            isinstance(got[2], Error) and got[3:] == [Simple("PONG")])


def entropy_errors(h):
    got = h.talk(("entropy",), ("entropy", ""), ("id=1-2\ncaller=uid:0\n", "entropy", "aa"))
    h.check("a missing argument is exit status 64", got[0].startswith("EXIT 64 usage"))
    h.check("no data", got[1] == {b"bytes": 0, b"distinct": 0, b"bits-per-byte": 0.0})
    h.check("a context changes nothing", got[2][b"bytes"] == 2)


def shell_nul(h):
    # bash warns about each NUL it drops.
    got = h.talk(("upper", b"a\0b"), ("upper", "next"), ("upper", b"\0" * 300), ("upper", "last\n"),
                 quiet="bash" not in h.name)
    h.check("NUL is refused, and no request is lost",
            isinstance(got[0], Error) and got[1] == b"NEXT" and isinstance(got[2], Error) and got[3:] == [b"LAST\n"])
    got = h.talk(("upper", "a", "", "b"), ("upper",))
    h.check("several words, and none", got == [b"A  B", b""])


def helper_of(path):
    with open(path, encoding="utf-8") as f:
        return re.search(r"^# ---- for every.*^# ---- end", f.read(), re.M | re.S).group(0)


def page_examples():
    """The program in reqd-handler(7), and a session with it, as they stand there."""
    with open(SOURCE + "/man/reqd-handler.7", encoding="utf-8") as f:
        page = f.read()
    page = page.replace("\\e", "\\").replace("\\(dq", '"').replace("\\(aq", "'")
    return re.findall(r"^\.Bd -literal -offset indent$\n(.*?)^\.Ed$", page[page.index(".Sh EXAMPLES"):], re.M | re.S)


def main():
    example = SOURCE + "/examples/"
    python = [sys.executable]

    with tempfile.TemporaryDirectory() as directory:
        page = directory + "/upper.py"
        program, session = page_examples()
        with open(page, "w", encoding="utf-8") as f:
            f.write(program)
        for name, path in (("upper.py", example + "upper.py"), ("reqd-handler(7)", page)):
            common(Handler(name, python + [path], upper, channels=(1,)))
        h = Handler("reqd-handler(7)", None, None)
        h.check("is under twenty lines", len([x for x in program.splitlines() if x]) < 20)
        command, _, output = session.partition("\n")
        command = command.removeprefix("$ ").replace("python3", sys.executable)
        got = subprocess.run(["/bin/sh", "-c", command], cwd=directory, stdout=subprocess.PIPE, check=True)
        h.check("the session goes as it says", got.stdout.decode().replace("\r\n", "\n") == output)

    h = Handler("words.py", python + [example + "words.py"], words)
    common(h)
    words_own_list(h)

    h = Handler("kv.py", python + [example + "kv.py"], lambda d: (("kv", "set", d, d), None))
    common(h)
    store_python(h)
    h.check("has the same helper as words.py", helper_of(example + "kv.py") == helper_of(example + "words.py"))

    h = Handler("sum.py", python + [example + "sum.py"], checksum)
    common(h)
    sum_skips(h)
    h.check("has the same helper as words.py", helper_of(example + "sum.py") == helper_of(example + "words.py"))

    h = Handler("entropy", [BUILD + "/examples/entropy"], entropy)
    h.ask = lambda d: entropy(d) if d else (("entropy", d), {b"bytes": 0, b"distinct": 0, b"bits-per-byte": 0.0})
    common(h)
    entropy_errors(h)

    shells = ["/bin/sh"] + [s for s in map(shutil.which, ("dash", "bash")) if s]
    for shell in dict.fromkeys(map(os.path.realpath, shells)):
        h = Handler("upper.sh in " + shell, [shell, example + "upper.sh"], upper, binary=False, channels=(1,))
        common(h)
        shell_nul(h)

    for name, program, check, ask in (
            ("store.pl", "perl", store_perl, lambda d: (("SET", d, d), b"OK")),
            ("digest.js", "node", digest_errors, digest)):
        if not shutil.which(program):
            print("skipped: %s: %s is not installed" % (name, program))
            continue
        h = Handler(name, [shutil.which(program), example + name], ask)
        common(h)
        check(h)


main()
