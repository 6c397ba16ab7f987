#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs the examples of a document and compares what they print.

    examples.py FILE FROM=TO...

Every line "    $ COMMAND" is run with sh; the indented lines below it, up to
the next command or an empty line, are what it must print on a terminal of 80
columns (stdout and stderr together). "..." stands for anything. FROM=TO
replaces text in commands and expectations first, so that a test can use a
port and a directory of its own. All commands share one shell, so that an
export holds; it begins with the PATH that a user has.
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios


def examples(path, replace):
    text = open(path, encoding="utf-8").read()
    for old, new in replace:
        text = text.replace(old, new)
    command, wanted = None, []
    for line in text.splitlines():
        body = line[4:] if line.startswith("    ") else None
        if body is not None and body.startswith("$ "):
            if command:
                yield command, wanted
            command, wanted = body[2:], []
        elif command and body:
            wanted.append(body)
        elif command:
            yield command, wanted
            command, wanted = None, []
    if command:
        yield command, wanted


def matches(wanted, got):
    pattern = "\n".join(re.escape(w).replace(r"\.\.\.", ".*") for w in wanted)
    return re.fullmatch(pattern, got.rstrip("\n"))


def start_shell():
    """A shell whose output is a terminal, and the other side of that."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = dict(os.environ, TERM="dumb", PATH="/usr/local/bin:/usr/bin:/bin")
    shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=theirs, stderr=theirs,
                             env=env, text=True)
    os.close(theirs)
    return shell, ours


def run(shell, terminal, command):
    shell.stdin.write(command + "\nprintf '\\n\\001\\n'\n")
    shell.stdin.flush()
    got = b""
    while not got.endswith(b"\n\001\r\n"):
        try:
            data = os.read(terminal, 65536)
        except OSError:     # nobody has it open any more
            break
        got += data
    return got.decode().replace("\r\n", "\n").removesuffix("\n\001\n")


def main():
    path = sys.argv[1]
    replace = [a.split("=", 1) for a in sys.argv[2:]]
    shell, terminal = start_shell()
    count = failed = 0
    for command, wanted in examples(path, replace):
        got = run(shell, terminal, command)
        count += 1
        if matches(wanted, got):
            print("ok:", command)
        else:
            failed += 1
            print("FAIL: $", command, "\n--- wanted\n" + "\n".join(wanted), "\n--- got\n" + got)
    print(count, "examples,", failed, "wrong")
    return 1 if failed or not count else 0


sys.exit(main())
