#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Checks every example of configuration in a manual page with "reqd -t".

    conf-examples.py PAGE REQD DIRECTORY

Every key (".It Ic KEY No = ...") of a page must have an example: the lines
".Dl" below it, one of which sets the key. They are put where they belong, by
the section of the page. Every display that begins with a section is a file
of its own. Accounts, groups and directories of an example may be missing here.
"""
import os
import re
import subprocess
import sys

HOLDERS = (
    (".Sh SETTINGS OUTSIDE", "top"), (".Ss The log section", "top"),
    (".Ss The control section", "top"), (".Sh LISTENERS", "listen"), (".Sh ROLES", "role"),
    (".Sh SERVICES", "service"), (".Ss Handlers", "handler"), (".Ss The limits", "service"),
    (".Ss Arguments", "argument"), (".Ss Webhooks", "webhook"), (".Ss The hmac", "hmac"),
    (".Ss The token", "token"), (".Sh FILES", None),
)
# The type or setting that an argument must have for a key.
TYPES = {"min": "integer", "max": "integer", "values": "choice", "value": "flag",
         "below": "path", "pattern": "pattern"}
MISSING_HERE = re.compile(r"there is no (account|group) |reqd needs root|"
                          r": directory .*: No such file or directory|: (warning|note): |"
                          r": '(certificate|key|client-ca|client-crl)' in listen .*: No such file or directory|"
                          r": sandbox-(read|write) .*: No such file or directory|"
                          r": program /usr/local/bin/\w+: No such file or directory|"
                          r": 'secret' in webhook .*: No such file or directory")


def plain(line):
    for escape, text in ((r"\(dq", '"'), (r"\(aq", "'"), (r"\en", r"\n"), (r"\e", "\\"),
                         (r"\&", "")):
        line = line.replace(escape, text)
    return line


def examples(page):
    """Yields the place of each key, the key, and its example."""
    holder, key, lines = None, None, []
    for line in page:
        starts = [where for start, where in HOLDERS if line.startswith(start)]
        if starts or line.startswith((".It Ic ", ".Sh ")):
            if key:
                yield holder, key, "\n".join(lines)
            key, lines = None, []
        if starts:
            holder = starts[0]
        elif line.startswith(".Sh "):
            holder = None
        elif line.startswith(".It Ic ") and holder:
            key = line.split()[2]
        elif line.startswith(".Dl ") and key:
            lines.append(plain(line[4:]))


def displays(page):
    block = None
    for line in page:
        if line.startswith(".Bd"):
            block = []
        elif line.startswith(".Ed"):
            yield "\n".join(block)
            block = None
        elif block is not None:
            block.append(plain(line))


def arguments(text):
    return "".join('argument "%s" {}\n' % name for name in set(re.findall(r"\{(\w+)\}", text)))


def placed(holder, key, text, directory):
    """The files in which an example may stand; one of them must be right."""
    if holder == "top":
        return [text]
    if key == "client-crl":
        text = 'client-ca = "/nonexistent/ca.crt"\n' + text
    if holder == "listen":
        return ['listen "%s" {\n%s\n}' % (url, text)
                for url in ("tcp://127.0.0.1:7373", "unix://%s/x.sock" % directory,
                            "tls://127.0.0.1:7374", "fd://name", "http://127.0.0.1:8080")]
    if holder == "role":
        if key in ("rate", "calls", "connections"):
            text = 'net = {"unix"}\n' + text
        return ['role "r" {\n%s\n}' % text]
    if holder == "argument":
        kind = "type = %s\n" % TYPES[key] if key in TYPES else ""
        return ['service "x" {\ncommand = {"/bin/echo", "{a}"}\nargument "a" {\n%s%s\n}\n}' %
                (kind, text)]
    if holder in ("webhook", "hmac", "token"):
        usual = {"verify": "stripe" if holder == "webhook" else holder, "secret": '{"/etc/secret"}'}
        usual.pop(key, None)
        words = re.findall(r'"(\w+)=', text) if key == "values" else []
        return ['service "x" {\ncommand = {"/bin/true"%s}\n%swebhook "w" {\n%s%s\n}\n}' % (
            "".join(', "{%s}"' % word for word in words),
            "".join('argument "%s" { optional = yes }\n' % word for word in words),
            "".join("%s = %s\n" % pair for pair in usual.items()), text)]
    if key.startswith("sandbox-"):
        text = "sandbox = basic\n" + text
    program = "" if key in ("command", "handler") else (
        'handler = {"/bin/cat"}\n' if holder == "handler" else 'command = {"/bin/true"}\n')
    if key == "path":
        program = 'command = {"/bin/true", "{app}"}\n'
    return ['service "x" {\n%s%s%s\n}' % (program, arguments(text), text)]


def errors(reqd, directory, text):
    """What reqd -t says of it, without what this machine lacks."""
    if not re.search(r"^ *user =", text.split("{")[0], re.M) and os.geteuid() == 0:
        text = 'user = "daemon"\n' + text
    if not re.search(r'^ *listen "', text, re.M):
        text += '\nlisten "unix://%s/l.sock" { name = "mesh" }' % directory
    for role in ("local", "admins", "guests", "staff", "github-nets"):
        if 'role "%s"' % role not in text:
            text = 'role "%s" { net = {"unix"} }\n' % role + text
    os.makedirs(directory + "/services.d", exist_ok=True)
    path = directory + "/example.conf"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n")
    p = subprocess.run([reqd, "-c", path, "-t"], capture_output=True, text=True, check=False)
    said = p.stderr.splitlines()
    if p.returncode != 0 and not said:
        return ["status %d" % p.returncode]
    return [line for line in said if not MISSING_HERE.search(line)]


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        page = f.read().splitlines()
    reqd, directory = sys.argv[2:]
    count = wrong = 0
    for holder, key, text in examples(page):
        count += 1
        said = [errors(reqd, directory, file) for file in placed(holder, key, text, directory)]
        if not re.search(r"(^|[{ ])%s = " % re.escape(key), text):
            said = [["its example does not set it: %s" % (text or "there is none")]]
        if all(said):
            wrong += 1
            print("%s:" % key, *said[0], sep="\n    ")
    for text in displays(page):
        if not re.match(r"(service|listen|role) ", text):
            continue
        count += 1
        said = errors(reqd, directory, text)
        if said:
            wrong += 1
            print(text, *said, sep="\n    ")
    print(count, "examples,", wrong, "wrong")
    return 1 if wrong or not count else 0


sys.exit(main())
