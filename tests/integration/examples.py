#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Runs the examples of a document and compares what they print.

    examples.py FILE FROM=TO...

Every line "    $ COMMAND" is run with sh; the indented lines below it, up to
the next command or an empty line, are what it must print (stdout and stderr
together). "..." stands for anything. FROM=TO replaces text in commands and
expectations first, so that a test can use a port and a directory of its own.
All commands share one shell, so that an export holds.
"""
import re
import subprocess
import sys


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


def main():
    path = sys.argv[1]
    replace = [a.split("=", 1) for a in sys.argv[2:]]
    shell = subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    count = failed = 0
    for command, wanted in examples(path, replace):
        shell.stdin.write(command + "\nprintf '\\n\\001\\n'\n")
        shell.stdin.flush()
        got = ""
        while not got.endswith("\n\001\n"):
            line = shell.stdout.readline()
            if not line:
                break
            got += line
        got = got[:-len("\n\001\n")]
        count += 1
        if matches(wanted, got):
            print("ok:", command)
        else:
            failed += 1
            print("FAIL: $", command, "\n--- wanted\n" + "\n".join(wanted), "\n--- got\n" + got)
    print(count, "examples,", failed, "wrong")
    return 1 if failed or not count else 0


sys.exit(main())
