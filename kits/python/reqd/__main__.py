# SPDX-License-Identifier: ISC
"""Tries a handler without a server, and prints its configuration."""
import argparse
import contextlib
import inspect
import os
import pathlib
import runpy
import socket
import subprocess
import sys
import time

from reqd import _conf, _reqd, _serve
from reqd._client import Broken

HELP = """\
Lists the functions of a handler, calls one, or measures it, all without a server.

  python3 -m reqd FILE                     the functions and their arguments
  python3 -m reqd FILE NAME ARGUMENT...    one call; prints the reply
  python3 -m reqd --measure FILE NAME ...  many calls, for a second
  python3 -m reqd --conf FILE              the services, for reqd.conf(5)
"""


class _Served(BaseException):
    """The program has come to serve(): all its functions are known."""


def load(path):
    """Runs the program up to serve(); returns its services."""
    def stop():
        raise _Served
    _serve._trial = stop
    sys.path.insert(0, str(path.parent))
    sys.argv = [str(path)]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            runpy.run_path(str(path), run_name="__main__")
    except _Served:
        return _serve.services
    sys.exit(f"{path} has ended without a call of reqd.serve()")


def show(services):
    for s in services:
        text = _conf.summary(s.function)
        print(f"{' '.join(s.names)}{inspect.signature(s.function)}")
        if text:
            print(f"    {text}")
    return 0


def print_conf(services, path):
    program = ["/usr/bin/python3", str(path)]
    try:
        print("\n".join(_conf.section(s, program) for s in services), end="")
    except ValueError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


class Handler:
    """The program as reqd starts it, at the other end of a socket."""

    def __init__(self, path):
        ours, its = socket.socketpair()
        package = str(pathlib.Path(__file__).resolve().parent.parent)
        env = {k: v for k, v in os.environ.items()
               if k not in ("REQD_CHANNEL", "REQD_CALLER", "REQD_PYTHON_GUARD",
                            "PYTHONUNBUFFERED")}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [package, env.get("PYTHONPATH")]))
        env["REQD_SERVICE"] = path.stem
        self.process = subprocess.Popen([sys.executable, str(path)], stdin=its, stdout=its, env=env)
        its.close()
        self.connection = _reqd.Connection()
        self.connection.attach(ours.detach())
        self.ask([b"PING"])

    def ask(self, words):
        """Returns "error" or "value", and the value; prints output that comes before."""
        self.connection.send(tuple(words), 0)
        while True:
            kind, value = self.connection.receive()
            if kind != "push":
                return kind, value
            stream = sys.stderr if value[1] == b"stderr" else sys.stdout
            stream.buffer.write(value[2])
            stream.flush()

    def end(self):
        self.connection.close()
        return self.process.wait(10)


def request(words):
    context = f"id=trial\ncaller={os.environ.get('USER', '')}\npeer=trial\ndeadline-ms=60000\n"
    return [context.encode(), *(os.fsencode(w) for w in words)]


def shown(value):
    """Returns the value as Python writes it, with text where bytes are text."""
    if isinstance(value, bytes):
        try:
            return repr(value.decode())
        except UnicodeDecodeError:
            return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, set) and value:
        return "{" + ", ".join(map(shown, value)) + "}"
    return repr(value)


def call(handler, words):
    kind, value = handler.ask(request(words))
    if kind == "error":
        print(value, file=sys.stderr)
        return 1
    if isinstance(value, bytes):
        sys.stdout.buffer.write(value + (b"" if value.endswith(b"\n") else b"\n"))
    else:
        print(shown(value))
    return 0


def cpu_seconds(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def measure(handler, words):
    asked = request(words)
    times, errors = [], 0
    cpu = cpu_seconds(handler.process.pid)
    end = time.perf_counter() + 1
    while (began := time.perf_counter()) < end:
        errors += handler.ask(asked)[0] == "error"
        times.append(time.perf_counter() - began)
    cpu = cpu_seconds(handler.process.pid) - cpu
    times.sort()
    print(f"{len(times)} calls in a second, {errors} errors; "
          f"{cpu / len(times) * 1e6:.1f} us of CPU each in the handler")
    print("time of a call: " + ", ".join(
        f"{name} {times[min(len(times) - 1, int(len(times) * part))] * 1e6:.0f} us"
        for name, part in (("half", 0.5), ("99 %", 0.99), ("all", 1))))
    return 1 if errors else 0


def main():
    p = argparse.ArgumentParser(prog="python3 -m reqd", usage=argparse.SUPPRESS, description=HELP,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--conf", action="store_true", help="print the configuration")
    p.add_argument("--measure", action="store_true", help="measure calls for a second")
    p.add_argument("file", metavar="FILE", type=pathlib.Path)
    p.add_argument("words", metavar="NAME ARGUMENT", nargs=argparse.REMAINDER)
    args = p.parse_args()
    path, words = args.file.resolve(), args.words
    for option in ("--conf", "--measure"):  # behind FILE, too
        if words[:1] == [option]:
            setattr(args, option[2:], True)
            words = words[1:]
    if not path.is_file():
        p.error(f"there is no file {args.file}")
    if args.measure and not words:
        p.error("--measure needs the name of a function")
    if args.conf:
        return print_conf(load(path), path)
    if not words:
        return show(load(path))
    try:
        handler = Handler(path)
        status = (measure if args.measure else call)(handler, words)
    except Broken as e:
        sys.exit(f"{path}: {e.args[1]}")
    handler.end()
    return status


if __name__ == "__main__":
    sys.exit(main())
