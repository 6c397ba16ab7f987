# SPDX-License-Identifier: ISC
"""The handlers of python-kit.sh: good functions, and all kinds of bad ones."""
import asyncio
import ctypes
import dataclasses
import enum
import os
import signal
import subprocess
import sys
import threading
import time
import typing

import reqd

os.write(1, b"garbage before the first service\n") if "early" in sys.argv else None
print("printed before serve()")
loaded = []


@reqd.startup
def load():
    if "broken" in sys.argv:
        raise RuntimeError("no model here")
    loaded.append(os.getpid())


# --------------------------------------------------------------------- good ---

class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: float


@reqd.service
def types(text: str, raw: bytes, number: int, real: float, flag: bool, color: Color = Color.RED,
          how: typing.Literal["fast", "slow"] = "fast") -> list:
    """All types of arguments.

    Args:
        text: any text
        number: a whole number
    """
    return [text, raw, number, real, flag, color, how, type(text).__name__, type(raw).__name__,
            type(number).__name__, type(real).__name__, type(flag).__name__]


@reqd.service
def values(what: str):
    return {
        "dict": {"a": 1, b"b\xff": [1, (2, 3)], 3: None},
        "big": 1 << 100, "negative": -(1 << 80), "int": -5, "edge": (1 << 63) - 1,
        "over": 1 << 63, "float": 0.25, "inf": float("inf"), "true": True, "none": None,
        "bytes": b"\0\r\n\xff", "text": "gr\u00fc\u00df", "set": {1, 2}, "empty": {},
        "point": Point(1, 2.5), "points": [Point(1, 2), Point(3, 4)], "color": Color.BLUE,
        "array": bytearray(b"abc"), "view": memoryview(b"abc"), "range": range(3),
        "surrogate": os.fsdecode(b"\xff"),
    }[what]


@reqd.service("total", "SUM")
def total(*numbers: int):
    return sum(numbers)


@reqd.service
def join(sep: str, words: list[str] = ()):
    return sep.join(words)


@reqd.service
def whole(name: str, *, input: bytes):
    return [name, len(input)]


@reqd.service
def pushed(how: str):
    if how == "none":
        return "none"
    if how == "first":
        return len(next(iter(reqd.input)))
    if how == "lines":
        return sum(1 for _ in reqd.input.lines())
    if how == "show":
        for piece in reqd.input:
            reqd.output(piece)
        return None
    return sum(len(piece) for piece in reqd.input)


@reqd.service
def about():
    r = reqd.request
    return {"id": r.id, "caller": r.caller, "account": r.account, "login": r.login, "peer": r.peer,
            "remaining": r.remaining(), "trace": r.meta.get("trace"), "has": "trace" in r.meta,
            "loaded": loaded == [os.getpid()]}


@reqd.service
def steps(n: int):
    for i in range(n):
        yield f"step {i}\n"
    return n


# ---------------------------------------------------------------------- bad ---

@reqd.service
def bad(how: str):
    return BAD[how]()


def raises():
    print("about to raise")
    raise KeyError("no\nsuch")


def error():
    raise reqd.Error("NOTFOUND", "no such key")


def status():
    raise reqd.Error("EXIT", "broken", status=7)


def exits():
    sys.exit("wrong usage")


def recurses():
    return recurses()


def nests():
    v = []
    for _ in range(9):
        v = [v]
    return v


def circle():
    v = []
    v.append(v)
    return v


class Never:
    """Becomes itself when made plain."""

    def tolist(self):
        return self


class Mute(Exception):
    def __str__(self):
        raise ValueError("mute")


def mute():
    raise Mute()


def base():
    raise BaseException("of the base")


def memory():
    raise MemoryError()


def prints():
    print("printed")
    sys.stdout.flush()
    os.write(1, b"written\n")
    subprocess.run(["echo", "echoed"], check=True)
    return subprocess.run(["cat"], check=True, stdout=subprocess.PIPE).stdout


def forks():
    """The child returns, too."""
    child = os.fork()
    if child == 0:
        return "child"
    _, code = os.waitpid(child, 0)
    return code


def forks_and_exits():
    child = os.fork()
    if child == 0:
        sys.exit(5)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def forks_and_raises():
    child = os.fork()
    if child == 0:
        raise ValueError("in the child")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def forks_and_lives():
    if os.fork() == 0:
        time.sleep(600)
    return "parent"


asked, told = threading.Event(), threading.Event()


def own_id():
    """The id in a thread, while another function runs."""
    asked.wait(30)
    try:
        return reqd.request.id
    finally:
        told.set()


def tells():
    asked.set()
    told.wait(30)
    return reqd.request.id


def thread():
    """Another thread has no request of its own."""
    told = []

    def run():
        try:
            reqd.output("x")
        except RuntimeError as e:
            told.append(str(e))
    t = threading.Thread(target=run)
    t.start()
    t.join()
    return told


def leaks():
    kept.append(bytearray(os.urandom(1 << 20) * 20))
    return len(kept)


def changes():
    """The list becomes shorter while the reply is made of it."""
    v = []

    class Item:
        def tolist(self):
            v.clear()
            return 1
    v.extend([Item(), Item(), Item()])
    return v


kept = []
BAD = {
    "raise": raises, "error": error, "status": status, "exit": exits, "exit0": lambda: sys.exit(0),
    "recurse": recurses, "nest": nests, "circle": circle, "never": Never, "mute": mute,
    "base": base, "memory": memory, "print": prints, "fork": forks, "fork-exit": forks_and_exits,
    "fork-raise": forks_and_raises, "fork-live": forks_and_lives, "thread": thread,
    "wait": lambda: time.sleep(0.01), "leak": leaks, "change": changes, "type": lambda: object(),
    "surrogate": lambda: "\ud800", "digits": lambda: 10 ** 5000,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segv": lambda: ctypes.string_at(0), "quit": lambda: os._exit(3),
    "close": lambda: os.closerange(3, 100), "tell": tells, "serve": reqd.serve,
    "pid": os.getpid, "sleep": lambda: time.sleep(600),
}

if "async" in sys.argv:
    running = 0

    @reqd.service
    async def meet(n: int):
        """Answers when n calls run at the same time."""
        global running
        running += 1
        while running % n:
            await asyncio.sleep(0.001)
        return [reqd.request.id, os.getpid()]

    @reqd.service
    async def later(text: str, ms: int = 0):
        if text == "thread":
            text = await asyncio.to_thread(own_id)
        await asyncio.sleep(ms / 1000)
        if text == "raise":
            raise ValueError("later")
        if text == "input":
            return reqd.input.read()
        if text == "cancel":
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        return [text, reqd.request.meta.get("trace")]

    @reqd.startup
    async def load_later():
        await asyncio.sleep(0)

reqd.serve(batch="single" not in sys.argv)
