# SPDX-License-Identifier: ISC
"""logins-model.py DIR PORT REQCTL: asks a real reqd who may call what, and compares each
answer with a model that is written here from reqd.conf(5) alone.

Callers: over TCP from two addresses and over a unix socket as three accounts, with no
login or with one of several tokens. Services: each allows another set of roles. Between
rounds one thing changes and reqd reloads; connections of each round live on, and are
asked again beside new ones.
"""
import grp
import importlib.util
import os
import pwd
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("tokens", os.path.join(here, "login-tokens.py"))
tokens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tokens)

directory, port, reqctl = sys.argv[1], int(sys.argv[2]), sys.argv[3]
is_root = os.getuid() == 0
nobody = pwd.getpwnam("nobody")
daemon = pwd.getpwnam("daemon")
me = pwd.getpwuid(os.getuid())

# ---------------------------------------------------------------- the rules ---

# name, then what it asks for. "net" holds exact addresses and "unix".
roles = {
    "here": {"net": ["127.0.0.1"]},
    "there": {"net": ["127.0.0.9"]},
    "socket": {"net": ["unix"]},
    "user": {"user": ["nobody"]},
    "group": {"group": [grp.getgrgid(daemon.pw_gid).gr_name]},
    "alice": {"login": ["alice"]},
    "people": {"login": ["alice", "ci"], "user": ["nobody"]},
    "alice-here": {"login": ["alice"], "net": ["127.0.0.1", "unix"]},
    "both": {"all": ["alice", "here"]},
    "chain": {"all": ["both", "people"]},
    "all-socket": {"all": ["people"], "net": ["unix"]},
    "bob": {"login": ["bob"]},
}
order = list(roles)
services = {"s-" + name: [name] for name in order}
services["s-none"] = []
services["s-two"] = ["there", "chain"]
services["s-many"] = ["user", "bob", "both"]

names = ["plain", "narrow", "off", "old", "future", "from-here", "from-socket", "ci", "bob", "spare"]
secrets = {name: tokens.make_token() for name in names}
credentials = {
    "plain": {"login": "alice"},
    "narrow": {"login": "alice", "services": ["s-alice", "s-both", "s-none"]},
    "off": {"login": "alice", "off": True},
    "old": {"login": "alice", "expires": "2020-02-29"},
    "future": {"login": "alice", "expires": "2099-12-31"},
    "from-here": {"login": "alice", "from": ["127.0.0.1"]},
    "from-socket": {"login": "ci", "from": ["unix"]},
    "ci": {"login": "ci"},
    "bob": {"login": "bob"},
}


def take(name):
    def change():
        credentials.pop(name)
    return change


def put(name, **words):
    def change():
        credentials[name] = words
    return change


def rule(name, **asked):
    def change():
        roles[name] = asked
    return change


def allow(name, allowed):
    def change():
        services[name] = allowed
    return change


changes = [
    ("a token goes", take("plain")),
    ("a token comes back", put("plain", login="alice")),
    ("a token is turned off", put("ci", login="ci", off=True)),
    ("a token is turned on", put("off", login="alice")),
    ("a token expires", put("future", login="alice", expires="2021-01-01")),
    ("a token lives again", put("old", login="alice", expires="2098-01-01")),
    ("a token moves", put("from-here", login="alice", **{"from": ["127.0.0.9"]})),
    ("a token is for other services", put("narrow", login="alice", services=["s-people"])),
    ("a role loses a login", rule("people", login=["ci"], user=["nobody"])),
    ("a role gets a place", rule("alice", login=["alice"], net=["127.0.0.9"])),
    ("a service is for others", allow("s-two", ["group", "bob"])),
    ("a token changes hands", put("bob", login="alice")),
]


def quote(values):
    return "{" + ", ".join('"%s"' % v for v in values) + "}"


def write_files():
    with open(os.path.join(directory, "base.conf")) as f:
        text = f.read()
    for name in order:
        text += 'role "%s" { %s }\n' % (
            name, " ".join("%s = %s" % (k, quote(v)) for k, v in roles[name].items()))
    user = 'user = "nobody"\n' if is_root else ""
    for name, allowed in services.items():
        text += 'service "%s" {\ncommand = {"/bin/echo", "%s"}\n%s%slog = none\n}\n' % (
            name, name, user, "allow = %s\n" % quote(allowed) if allowed else "")
    lines = ""
    for name, c in credentials.items():
        words = []
        if c.get("off"):
            words.append("off")
        for key in ("services", "from"):
            if key in c:
                words.append("%s=%s" % (key, "|".join(c[key])))
        if "expires" in c:
            words.append("expires=" + c["expires"])
        lines += "%s:%s:%s\n" % (c["login"], tokens.secret_of(secrets[name]), ",".join(words))
    for path, content, mode in (("reqd.conf", text, 0o644), ("logins", lines, 0o600)):
        new = os.path.join(directory, path + ".new")
        with open(new, "w") as f:
            f.write(content)
        os.chmod(new, mode)
        os.rename(new, os.path.join(directory, path))


# ---------------------------------------------------------------- the model ---

class Caller:
    def __init__(self, place, account, token):
        self.place = place          # an address or "unix"
        self.account = account      # of a unix socket
        self.token = token          # name of the token shown; None
        self.login = None           # after a yes
        self.credential = None

    def text(self):
        return "%s %s %s" % (self.place, self.account and self.account.pw_name, self.token)


def is_usable(name, place):
    c = credentials.get(name)
    if c is None or c.get("off"):
        return False
    if "expires" in c and c["expires"] < "2026":
        return False
    return "from" not in c or place in c["from"]


def has_role(caller, name):
    asked = roles[name]
    if "net" in asked and caller.place not in asked["net"]:
        return False
    people = [k for k in ("user", "group", "login") if k in asked]
    if people:
        if caller.login is not None:
            if caller.login not in asked.get("login", []):
                return False
        else:
            a = caller.account
            if a is None:
                return False
            in_group = any(grp.getgrnam(g).gr_gid == a.pw_gid or a.pw_name in grp.getgrnam(g).gr_mem
                           for g in asked.get("group", []))
            if a.pw_name not in asked.get("user", []) and not in_group:
                return False
    return all(has_role(caller, r) for r in asked.get("all", []))


def is_admin(caller):
    return caller.login is None and caller.account is not None and (
        caller.account.pw_uid == 0 or caller.account.pw_uid == me.pw_uid)


def expected(caller, service):
    """"yes", "no" or "login": run, unknown service, or be told to log in."""
    mine = credentials.get(caller.credential)
    if caller.login is not None:
        # The id of a credential is of login and secret: another login is another one.
        if not is_usable(caller.credential, caller.place) or mine["login"] != caller.login:
            return "login"
        if "services" in mine and service not in mine["services"]:
            return "no"
    if is_admin(caller):
        return "yes"
    has = [r for r in order if has_role(caller, r)]
    if caller.login is None and not has:
        return "login"
    return "yes" if set(has) & set(services[service]) else "no"


# ---------------------------------------------------------------- asking ---

def connect(caller):
    if caller.place != "unix":
        return tokens.Client(("127.0.0.1", port), (caller.place, 0))
    if not is_root or caller.account.pw_uid == 0:
        return tokens.Client(os.path.join(directory, "reqd.sock"))
    os.setgroups([])
    os.setegid(caller.account.pw_gid)
    os.seteuid(caller.account.pw_uid)
    try:
        return tokens.Client(os.path.join(directory, "reqd.sock"))
    finally:
        os.seteuid(0)
        os.setegid(0)


def log_in(caller, c):
    """Shows the token; the answer must be that of the model."""
    if caller.token is None:
        return
    got = c.ask("AUTH", secrets[caller.token])
    if is_usable(caller.token, caller.place):
        if got != "+OK":
            sys.exit("%s: %s for a good token" % (caller.text(), got))
        caller.login = credentials[caller.token]["login"]
        caller.credential = caller.token
    elif not got.startswith("-WRONGPASS"):
        sys.exit("%s: %s for a bad token" % (caller.text(), got))


n_cells = 0
n_of = {"yes": 0, "no": 0, "login": 0}


def ask_all(caller, c, when):
    global n_cells
    for name in services:
        c.send("CALL", name)
    for name in services:
        got, wanted = c.receive(), expected(caller, name)
        is_right = {"yes": got == name + "\n", "no": str(got).startswith("-NOSERVICE "),
                    "login": got == "-NOAUTH Authentication required."}[wanted]
        if not is_right:
            sys.exit("%s, %s, as %s: %s got %r, wanted %s" % (
                when, caller.text(), caller.login, name, got, wanted))
        n_cells += 1
        n_of[wanted] += 1


def places():
    yield "127.0.0.1", None
    yield "127.0.0.9", None
    for account in ([me, nobody, daemon] if is_root else [me]):
        yield "unix", account


def open_all():
    opened = []
    for place, account in places():
        for token in [None] + names:
            caller = Caller(place, account, token)
            c = connect(caller)
            log_in(caller, c)
            opened.append((caller, c))
    return opened


def reload():
    done = subprocess.run([reqctl, "--control", os.path.join(directory, "control.sock"), "reload"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("reload: " + done.stdout + done.stderr)


write_files()
reload()
old = open_all()
for caller, c in old:
    ask_all(caller, c, "at first")
for text, change in changes:
    change()
    write_files()
    reload()
    for caller, c in old:
        ask_all(caller, c, text + ", old connection")
    new = open_all()
    for caller, c in new:
        ask_all(caller, c, text + ", new connection")
    for caller, c in new:
        c.close()
for caller, c in old:
    c.close()
print("%d cells equal: %d yes, %d no, %d told to log in" % (
    n_cells, n_of["yes"], n_of["no"], n_of["login"]))
if n_cells < 2000 or min(n_of.values()) < 100:
    sys.exit("too few cells")
