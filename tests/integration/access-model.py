# SPDX-License-Identifier: ISC
"""access-model.py DIR REQCTL PLAIN TLS BEHIND BEHIND-TLS MUST ACCOUNT ROUNDS [SEED]: asks a
real reqd who may call what, under random configurations, and compares each answer with a
model that is written here from reqd.conf(5) and PROTOCOL.md alone. MUST is the port of a
listener that requires a certificate.

Callers are known by account, group, place, token, password, the key of a login, or the
names of a certificate. DIR/pki has the identities, DIR/keys the hashes of their keys.

Each round changes one thing of the configuration, or all of it, and reloads. Connections of
earlier rounds are asked again beside new ones. Before that, a matrix: each kind of caller,
each rule that lets it in and then does not.

ACCOUNT is that of reqd when root has started it, else empty.
"""
import grp
import importlib.util
import ipaddress
import os
import pwd
import random
import socket
import ssl
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("tokens", os.path.join(here, "login-tokens.py"))
tokens = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tokens)

directory, reqctl = sys.argv[1:3]
PORTS = dict(zip(("plain", "tls", "behind", "behind-tls", "must"), map(int, sys.argv[3:8])))
account, rounds = sys.argv[8], int(sys.argv[9])
seed = sys.argv[10] if len(sys.argv) > 10 and sys.argv[10] else str(random.randrange(10 ** 9))
dice = random.Random(seed)
print("  seed %s, %d rounds" % (seed, rounds), flush=True)
is_root = os.getuid() == 0
PROXY = "127.0.0.77"
OLD = 24                # connections that live on
TODAY, YESTERDAY = (time.strftime("%Y-%m-%d", time.gmtime(time.time() - n * 86400)) for n in (0, 1))
# A test that runs over midnight would judge the last day by two calendars.
LAST_DAY = [TODAY] if time.gmtime().tm_hour < 22 else []


# ------------------------------------------------------------------- people ---

class Account:
    """A caller on a unix socket: its numbers, and the groups of its process."""
    def __init__(self, uid, gid, groups=()):
        self.uid, self.gid, self.groups = uid, gid, list(groups)

    def __str__(self):
        return "uid:%d(%d,%s)" % (self.uid, self.gid, self.groups)


def account_of(name, groups=()):
    p = pwd.getpwnam(name)
    return Account(p.pw_uid, p.pw_gid, groups)


def lone_member():
    """An account that the database lists as a member of a group, and that group."""
    for g in grp.getgrall():
        for name in g.gr_mem:
            try:
                if pwd.getpwnam(name).pw_uid != 0:
                    return name, g.gr_name
            except KeyError:
                pass
    return None, None


member, member_group = lone_member()
if is_root:
    accounts = [account_of("root"), account_of("nobody"), account_of("daemon"),
                account_of("bin", [grp.getgrnam("adm").gr_gid]), Account(12345, 23456, [23457]),
                account_of(account)]
    if member is not None:
        accounts.append(account_of(member))
else:
    accounts = [Account(os.getuid(), os.getgid(), os.getgroups())]
users = ["nobody", "daemon", "bin", "1", "65534"] + ([member] if member else [])
groups = ["daemon", "adm", "bin", "2", grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name]
groups += [member_group] if member_group else []
nets = ["unix", "127.0.0.1", "127.0.0.0/8", "127.0.0.8/29", "127.0.1.1", PROXY, "10.0.0.0/8",
        "10.1.0.0/16", "192.0.2.7", "0.0.0.0/0", "2001:db8::/32", "2001:db8:1::/48", "::/0",
        "2001:db8::5", "::1"]
direct = ["127.0.0.1", "127.0.0.9", "127.0.1.1"]
proxied = ["10.1.2.3", "10.9.9.9", "192.0.2.7", "192.0.2.8", "2001:db8::5", "2001:db8:1::5",
           "2001:db9::5"]
logins = ["alice", "bob", "ci", "web-1"]
listeners = ["plain", "sock", "tls", "behind", "behind-tls", "must"]
# The listeners that trust an authority; that behind the proxy knows no more than keys.
TRUSTING = ["tls", "must"]

# Credentials are called LOGIN.DIGIT (a token), LOGIN.pw (a password) or LOGIN.IDENTITY (the
# key of an identity, which may be that of a certificate).
secrets = {"%s.%d" % (login, n): tokens.make_token() for login in logins for n in range(3)}
passwords = {login + ".pw": "the secret of " + login for login in ("alice", "bob", "web-1")}
hashes = {name: subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=word + "\n",
                               capture_output=True, text=True, check=True).stdout.strip()
          for name, word in passwords.items()}
with open(os.path.join(directory, "keys")) as f:
    key_hashes = dict(line.split() for line in f)
credentials = sorted(secrets) + sorted(passwords) + [
    "%s.%s" % (login, name) for login in ("alice", "bob") for name in sorted(key_hashes)]

# The names in the certificates of DIR/pki, and who has signed each; id0 and id1 are keys alone.
WEB, DB, OPS = "URI:spiffe://prod/web/7", "URI:spiffe://prod/db/1", "DNS:ops.example.org"
ANN, STAR, DOTS = "EMAIL:ann@example.org", "DNS:*.example.org", "URI:spiffe://prod/web/../db/1"
names_of = {"uri": [WEB], "dns": [OPS], "email": [ANN], "many": [DB, OPS, ANN], "star": [STAR],
            "dots": [DOTS], "foreign": [WEB, OPS], "id0": [], "id1": []}
signer_of = {name: "other" if name == "foreign" else "root" for name in names_of
             if not name.startswith("id")}
REVOKED = ["uri", "dns", "email"]       # by the longer list of revoked certificates
cert_rules = [WEB, DB, OPS, ANN, "URI:spiffe://prod/web/*", "URI:spiffe://prod/*",
              "URI:spiffe://prod/db/*", "DNS:prod.example.org"]
services = ["s%d" % n for n in range(6)]
role_names = ["r%d" % n for n in range(7)]


# ------------------------------------------------------------ configurations ---

def some(values, most=3):
    return dice.sample(values, dice.randint(1, min(most, len(values))))


def random_role(earlier):
    role = {}
    while not role:
        if dice.random() < .5:
            role["net"] = some(nets)
        if dice.random() < .3:
            role["user"] = some(users)
        if dice.random() < .3:
            role["group"] = some(groups)
        if dice.random() < .4:
            role["login"] = some(logins)
        if dice.random() < .3:
            role["cert"] = some(cert_rules)
        if earlier and dice.random() < .3:
            role["all"] = some(earlier)
    return role


def random_service(roles):
    service = {"allow": some(roles, 4) if dice.random() < .9 else [],
               "deny": some(roles, 2) if dice.random() < .4 else [],
               "listen": some(listeners, 4) if dice.random() < .3 else []}
    return service


def random_credential():
    c = {}
    if dice.random() < .15:
        c["off"] = True
    if dice.random() < .3:
        c["expires"] = dice.choice(["2020-02-29", YESTERDAY, "2099-12-31", "2031-01-01"] + LAST_DAY)
    if dice.random() < .3:
        c["services"] = some(services, 4)
    if dice.random() < .3:
        c["from"] = some(nets)
    return c


class Config:
    """Roles in their order, services, and credentials by the name of their token."""
    def __init__(self):
        self.roles = {}
        for name in role_names[:dice.randint(1, len(role_names))]:
            self.roles[name] = random_role(list(self.roles))
        self.services = {name: random_service(list(self.roles)) for name in services}
        self.credentials = {}
        self.authority, self.is_revoked = dice.choice(["root", "root", "other"]), False
        if dice.random() < .9:
            for name in dice.sample(credentials, dice.randint(0, len(credentials))):
                self.put(name)

    def put(self, name):
        """Adds or changes a credential. A key has one owner: it may change hands."""
        if identity_of(name):
            for other in list(self.credentials):
                if identity_of(other) == identity_of(name):
                    del self.credentials[other]
        self.credentials[name] = random_credential()

    def has_keys(self):
        return any(identity_of(name) for name in self.credentials)

    def change(self):
        """Changes one thing."""
        kind = dice.randrange(6)
        if kind == 0:
            name = dice.choice(list(self.roles))
            self.roles[name] = random_role([r for r in self.roles if r < name])
        elif kind == 1:
            self.services[dice.choice(services)] = random_service(list(self.roles))
        elif kind == 2 and dice.random() < .5:
            self.is_revoked = not self.is_revoked
        elif kind == 2:
            self.authority = "root" if self.authority == "other" else "other"
        else:
            name = dice.choice(credentials)
            if name in self.credentials and dice.random() < .5:
                del self.credentials[name]
            else:
                self.put(name)

    def text(self):
        text = ""
        for name, role in self.roles.items():
            text += 'role "%s" { %s }\n' % (
                name, " ".join("%s = %s" % (key, quote(role[key])) for key in role))
        user = 'user = "nobody"\n' if is_root else ""
        for name, s in self.services.items():
            lists = "".join("%s = %s\n" % (key, quote(s[key])) for key in s if s[key])
            text += ('service "%s" {\ncommand = {"/bin/echo", "%s", "{word}"}\n%s%slog = none\n'
                     'argument "word" {}\n}\n') % (name, name, user, lists)
        return text

    def lines(self):
        lines = ""
        for name, c in self.credentials.items():
            words = ["off"] if c.get("off") else []
            words += ["%s=%s" % (key, "|".join(c[key])) for key in ("services", "from") if key in c]
            words += ["expires=" + c["expires"]] if "expires" in c else []
            lines += "%s:%s%s\n" % (login_of(name), secret_text(name),
                                    ":" + ",".join(words) if words else "")
        return lines


def quote(values):
    return "{" + ", ".join('"%s"' % v for v in values) + "}"


def login_of(name):
    return name.split(".")[0]


def identity_of(name):
    """The identity whose key a credential is; "" for a token or a password."""
    last = name.split(".")[1]
    return last if last in key_hashes else ""


def secret_text(name):
    if identity_of(name):
        return key_hashes[identity_of(name)]
    return hashes[name] if name in hashes else tokens.secret_of(secrets[name])


with open(os.path.join(directory, "base.conf")) as f:
    base = f.read()


def read(*path):
    with open(os.path.join(directory, *path)) as f:
        return f.read()


def load(config):
    write(base + config.text(), config.lines(), read("pki", config.authority + ".crt"),
          read("pki", "long.crl" if config.is_revoked else "short.crl"))


def write(text, lines, authorities, revoked):
    for path, content, mode in (("reqd.conf", text, 0o644), ("logins", lines, 0o600),
                                ("ca.pem", authorities, 0o644), ("crl.pem", revoked, 0o644)):
        new = os.path.join(directory, path + ".new")
        with open(new, "w") as f:
            f.write(content)
        os.chmod(new, mode)
        os.rename(new, os.path.join(directory, path))
    done = subprocess.run([reqctl, "--control", os.path.join(directory, "control.sock"), "reload"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        print(text + lines)
        sys.exit("seed %s: reload: %s%s" % (seed, done.stdout, done.stderr))


# ---------------------------------------------------------------- the model ---

def is_place(place, names):
    """place: an address, or None for a unix socket."""
    if place is None:
        return "unix" in names
    address = ipaddress.ip_address(place)
    for name in names:
        if name != "unix" and address in ipaddress.ip_network(name):
            return True
    return False


def is_user(name, who):
    return who.uid == (int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid)


def is_in_group(name, who):
    g = grp.getgrgid(int(name)) if name.isdigit() else grp.getgrnam(name)
    if g.gr_gid == who.gid or g.gr_gid in who.groups:
        return True
    for one in g.gr_mem:
        try:
            if pwd.getpwnam(one).pw_uid == who.uid:
                return True
        except KeyError:
            pass
    return False


def is_cert(rule, name):
    """A star at the end stands for any rest without a segment of dots."""
    if not rule.endswith("/*"):
        return rule == name
    return name.startswith(rule[:-1]) and not {".", ".."} & set(name[len(rule) - 1:].split("/"))


class Caller:
    """token: a token or password that it shows by AUTH; cert: the identity that it shows by
    TLS where it is asked for one."""
    def __init__(self, listener, place, who=None, token=None, cert=None):
        self.listener, self.place, self.who = listener, place, who
        self.token, self.cert = token, cert
        self.shown = None       # the token or password by which it has logged in
        self.was_asked = False  # ... for a certificate
        self.key = None         # the credential of the key that it is, or was, known by
        self.was_verified = False       # its certificate has been good
        self.is_out = False     # it was known by something that is good no longer
        self.credential, self.names = None, []  # what it is known by now

    def __str__(self):
        return "%s at %s token %s shown %s cert %s" % (self.who or self.place, self.listener,
                                                       self.token, self.shown, self.cert)

    def kind(self):
        """The kind of secret that it has, for the counts."""
        if self.token is not None:
            return "password" if self.token in passwords else "token"
        if self.cert is not None:
            return names_of[self.cert][0].split(":")[0] if names_of[self.cert] else "key"
        return "account" if self.who else "address"

    def learn(self, config):
        """Finds by what it is known under these rules."""
        key, is_verified = None, False
        if self.was_asked and asks(config, self.listener):
            found = [n for n in config.credentials if identity_of(n) == self.cert]
            key = found[0] if found and is_good(config, found[0], self.place) else None
            is_verified = key is None and self.listener in TRUSTING and \
                signer_of.get(self.cert) == config.authority and \
                not (config.is_revoked and self.cert in REVOKED)
        self.was_verified = self.was_verified or is_verified
        if key is not None and self.shown is None:
            self.key = key
        if self.shown is not None:
            self.is_out = not is_good(config, self.shown, self.place)
        elif self.key is not None:
            self.is_out = key is None
        else:
            self.is_out = self.was_verified and not is_verified
        if self.listener == "must" and key is None and not is_verified:
            self.is_out = True
        self.credential, self.names = self.shown or self.key, []
        if self.credential is None and is_verified:
            self.names = names_of[self.cert]
        return self

    def is_people(self, role):
        if self.credential is not None:
            return login_of(self.credential) in role.get("login", [])
        if self.names:
            return any(is_cert(rule, name) for rule in role.get("cert", []) for name in self.names)
        if self.who is None:
            return False
        return any(is_user(u, self.who) for u in role.get("user", [])) or \
            any(is_in_group(g, self.who) for g in role.get("group", []))

    def roles(self, config):
        """The roles that the caller has, in order."""
        if self.is_out:
            return []
        has = []
        for name, role in config.roles.items():
            people = any(key in role for key in ("user", "group", "login", "cert"))
            if ("net" not in role or is_place(self.place, role["net"])) and \
                    (not people or self.is_people(role)) and \
                    all(other in has for other in role.get("all", [])):
                has.append(name)
        return has

    def is_admin(self):
        if self.shown is not None or self.who is None:
            return False
        return self.who.uid == 0 or self.who.uid == os.getuid() or \
            (account != "" and self.who.uid == pwd.getpwnam(account).pw_uid)

    def must_log_in(self, config):
        if self.is_out or self.credential is not None or self.names:
            return self.is_out
        return not self.is_admin() and not self.roles(config) and \
            (bool(config.credentials) or self.listener in TRUSTING)

    def may_call(self, config, name):
        s = config.services[name]
        if s["listen"] and self.listener not in s["listen"]:
            return False
        if self.is_admin():
            return True
        has = self.roles(config)
        if any(r in has for r in s["deny"]) or not any(r in has for r in s["allow"]):
            return False
        if self.credential is None:
            return True
        return name in config.credentials[self.credential].get("services", services)

    def text(self):
        """What WHOAMI says of the caller; None where the model says nothing."""
        if self.credential is not None:
            return "login:" + login_of(self.credential)
        return "cert:" + self.names[0] if self.names else None


def asks(config, listener):
    """True if the listener asks for certificates: there is an authority, or a key of a login."""
    return listener in TRUSTING or (listener == "behind-tls" and config.has_keys())


def is_good(config, token, place):
    c = config.credentials.get(token)
    if c is None or c.get("off") or c.get("expires", "9999") < TODAY:
        return False
    return "from" not in c or is_place(place, c["from"])


def auth_answer(config, caller):
    """The answer to AUTH, by its beginning. Who is not on this machine comes by TLS or by a
    proxy that is named."""
    return "+OK" if is_good(config, caller.token, caller.place) else "-WRONGPASS "


# ------------------------------------------------------------------- asking ---

def trust_with(identity):
    trust = ssl.create_default_context(cafile=os.path.join(directory, "tls", "server.crt"))
    trust.check_hostname = False
    if identity is not None:
        trust.load_cert_chain(os.path.join(directory, "pki", identity + ".pem"))
    return trust


trusts = {identity: trust_with(identity) for identity in [None] + list(names_of)}


class Client(tokens.Client):
    """The same over any connected socket."""
    def __init__(self, s):
        self.s = s
        self.s.settimeout(60)
        self.f = s.makefile("rb")


def header(source):
    other = "198.51.100.1" if ":" not in source else "2001:db8::1"
    return ("PROXY TCP%s %s %s 4242 7373\r\n" % ("6" if ":" in source else "4", source, other)).encode()


def open_unix(who):
    s = socket.socket(socket.AF_UNIX)
    if not is_root:
        s.connect(os.path.join(directory, "reqd.sock"))
        return s
    os.setgroups(who.groups)
    os.setegid(who.gid)
    os.seteuid(who.uid)
    try:
        s.connect(os.path.join(directory, "reqd.sock"))
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])
    return s


def open_inet(listener, place, cert):
    is_behind = listener.startswith("behind") and not place.startswith("127.") or place == PROXY
    s = socket.create_connection(("127.0.0.1", PORTS[listener]), 60,
                                 (PROXY if is_behind else place, 0))
    if is_behind:
        s.sendall(b"PROXY UNKNOWN\r\n" if place == PROXY else header(place))
    return s if listener in ("plain", "behind") else trusts[cert].wrap_socket(s)


def fail(config, caller, when, what):
    print(config.text() + config.lines())
    sys.exit("seed %s: %s, %s: %s" % (seed, when, caller, what))


n_cells = {"yes": 0, "no": 0, "login": 0}
n_of_kind = {}
n_other = n_kept_out = 0


def is_kept_out(caller):
    """The handshake fails, of which TLS 1.3 tells by the first answer."""
    try:
        c = Client(open_inet(caller.listener, caller.place, caller.cert))
        return c.ask("PING") is None
    except OSError:
        return True


def connect(config, caller, when):
    """Opens the connection of a caller, who shows its secret, if it has one. None: the listener
    rightly lets nobody in who has none."""
    global n_other, n_kept_out
    caller.was_asked = caller.cert is not None and asks(config, caller.listener)
    caller.learn(config)
    if caller.listener == "must" and caller.is_out:
        if not is_kept_out(caller):
            fail(config, caller, when, "is let in, and its certificate is not good")
        n_kept_out += 1
        return None
    c = Client(open_unix(caller.who) if caller.who else
               open_inet(caller.listener, caller.place, caller.cert))
    if caller.token is None:
        return c
    words = [login_of(caller.token), passwords[caller.token]] if caller.token in passwords else \
        [secrets[caller.token]]
    got, wanted = c.ask("AUTH", *words), auth_answer(config, caller)
    if not str(got).startswith(wanted):
        fail(config, caller, when, "AUTH got %r, wanted %r" % (got, wanted))
    n_other += 1
    if wanted == "+OK":
        caller.shown = caller.token
    return c


def ask_all(config, caller, c, when):
    """Calls every service, one of them with all that it needs; asks for roles, the list, the
    reason and the explanation."""
    global n_other
    caller.learn(config)
    runs = dice.choice(services)
    for name in services:
        c.send("CALL", name, *(["hi"] if name == runs else []))
    c.send("WHOAMI")
    c.send("SERVICES")
    c.send("WHY", runs)
    c.send("CALL", "--explain", runs, "hi")
    must = caller.must_log_in(config)
    may = [name for name in services if caller.may_call(config, name)]
    for name in services:
        got = c.receive()
        wanted = "login" if must else "yes" if name in may else "no"
        is_right = {
            "yes": got == name + " hi\n" if name == runs else str(got).startswith("-BADARG "),
            "no": str(got).startswith("-NOSERVICE "),
            "login": got == "-NOAUTH Authentication required."}[wanted]
        if not is_right:
            fail(config, caller, when, "%s got %r, wanted %s" % (name, got, wanted))
        n_cells[wanted] += 1
    n_of_kind[caller.kind()] = n_of_kind.get(caller.kind(), 0) + len(services)
    got = c.receive()
    got = dict(zip(got[::2], got[1::2]))
    if got["roles"] != caller.roles(config) or got["admin"] != caller.is_admin() or \
            (not caller.is_out and caller.text() not in (None, got["caller"])):
        fail(config, caller, when, "WHOAMI got %r, wanted roles %r, admin %r, caller %r" % (
            got, caller.roles(config), caller.is_admin(), caller.text()))
    got, wanted = c.receive(), "-NOAUTH Authentication required." if must else may
    if (got[::2] if isinstance(got, list) else got) != wanted:
        fail(config, caller, when, "SERVICES got %r, wanted %r" % (got, wanted))
    got, wanted = c.receive(), None if runs in may and not must else "denied"
    if got[:2] != ["outcome", wanted]:
        fail(config, caller, when, "WHY %s got %r, wanted %r" % (runs, got, wanted))
    got = c.receive()
    opening = [r for r in caller.roles(config) if r in config.services[runs]["allow"]]
    role = opening[0] if opening and not caller.is_admin() else None
    if must or (runs not in may and not caller.is_admin()):
        is_right = str(got).startswith("-NOAUTH " if must else "-NOSERVICE ")
    else:
        got = dict(zip(got[::2], got[1::2]))
        is_right = (got["outcome"], got["role"]) == (None if runs in may else "denied", role)
    if not is_right:
        fail(config, caller, when, "--explain %s got %r, wanted role %r" % (runs, got, role))
    n_other += 4


n_places = 0


def fresh_place(listener):
    """A place that no password has been shown from: wrong ones make their source wait."""
    global n_places
    n_places += 1
    high, low = n_places // 250, n_places % 250 + 1
    if listener in ("plain", "tls"):
        return "127.2.%d.%d" % (high, low)
    return dice.choice(["10.1.%d.%d" % (high, low), "10.2.%d.%d" % (high, low),
                        "2001:db8:1:%x::5" % n_places, "2001:db8:%x::5" % (n_places + 1)])


def password_caller(listener, name):
    if listener != "sock":
        return Caller(listener, fresh_place(listener), None, name)
    fresh_place("plain")
    return Caller("sock", None, Account(30000 + n_places, 30000 + n_places), name)


def random_caller():
    kind, token = dice.randrange(16), dice.choice([None, None] + sorted(secrets))
    if kind < 4:
        return Caller("sock", None, dice.choice(accounts), token)
    if kind < 7:
        return Caller(dice.choice(["plain", "tls", "behind", "behind-tls"]), dice.choice(direct),
                      None, token)
    if kind < 10:
        return Caller(dice.choice(["behind", "behind-tls"]), dice.choice(proxied + [PROXY]), None,
                      token)
    if kind < 12:
        usable = ["plain", "tls", "behind", "behind-tls"] + (["sock"] if is_root else [])
        return password_caller(dice.choice(usable), dice.choice(sorted(passwords)))
    listener = dice.choice(["tls", "tls", "must", "behind-tls"])
    # A login by AUTH takes the place of what TLS has shown.
    return Caller(listener, dice.choice(direct + (proxied if listener == "behind-tls" else [])), None,
                  token if dice.random() < .3 else None, dice.choice(sorted(names_of)))


# ---------------------------------------------------------------- the matrix ---

def matrix_config(kind, rule, is_after):
    """A configuration with one rule that lets the caller in, until it does not any more."""
    role = {"uid": {"user": ["daemon"]}, "group": {"group": ["adm"]}, "net": {"net": ["10.0.0.0/8"]},
            "none": {"net": ["192.0.2.7"]}, "DNS": {"cert": [OPS]}, "EMAIL": {"cert": [ANN]},
            "URI": {"cert": ["URI:spiffe://prod/web/*"]}}.get(kind, {"login": ["alice"]})
    config = Config()
    config.authority, config.is_revoked = "root", rule == "revoked" and is_after
    if rule == "authority" and is_after:
        config.authority = "other"
    config.roles = {"who": role, "place": {"net": ["unix", "0.0.0.0/0", "::/0"]},
                    "never": {"net": ["2001:db8::1"]}, "both": {"all": ["who", "place"]}}
    if kind == "none":
        # A caller without any role.
        config.roles["place"] = {"net": ["192.0.2.7"]}
    config.services = {name: {"allow": ["who"], "deny": [], "listen": []} for name in services}
    name = {"password": "alice.pw", "key": "alice.id0"}.get(kind, "alice.0")
    config.credentials = {name: {}, "bob.0": {}}
    first, c = config.services["s0"], config.credentials[name]
    if rule == "allow":
        first["allow"] = ["never"] if is_after else ["who"]
    elif rule == "deny":
        first["deny"] = ["who"] if is_after else ["never"]
    elif rule == "all":
        first["allow"] = ["both"]
        config.roles["both"]["all"] = ["who", "never"] if is_after else ["who", "place"]
    elif rule == "services":
        c["services"] = ["s1", "s2"] if is_after else ["s0", "s1"]
    elif rule == "from":
        c["from"] = ["192.0.2.7"] if is_after else ["unix", "127.0.0.0/8", "10.0.0.0/8"]
    elif rule == "off" and is_after:
        c["off"] = True
    elif rule == "expired":
        c["expires"] = YESTERDAY if is_after else "2099-12-31"
    elif rule == "gone" and is_after:
        del config.credentials[name]
    return config


def matrix_callers(kind):
    if kind == "token":
        yield lambda: Caller("tls", "127.0.0.1", None, "alice.0")
        yield lambda: Caller("sock", None, accounts[-1], "alice.0")
        yield lambda: Caller("behind-tls", "10.1.2.3", None, "alice.0")
    elif kind == "password":
        yield lambda: password_caller("tls", "alice.pw")
        yield lambda: password_caller("behind-tls", "alice.pw")
        if is_root:
            yield lambda: password_caller("sock", "alice.pw")
    elif kind == "key":
        yield lambda: Caller("tls", "127.0.0.1", None, None, "id0")
        yield lambda: Caller("must", "127.0.0.1", None, None, "id0")
        yield lambda: Caller("behind-tls", "10.1.2.3", None, None, "id0")
    elif kind in ("URI", "DNS", "EMAIL"):
        yield lambda: Caller("tls", "127.0.0.1", None, None, kind.lower())
        yield lambda: Caller("must", "127.0.0.1", None, None, kind.lower())
        yield lambda: Caller("tls", "127.0.0.1", None, None, "many")
    elif kind == "net":
        yield lambda: Caller("behind", "10.1.2.3")
        yield lambda: Caller("behind-tls", "10.9.9.9")
    elif kind == "none":
        yield lambda: Caller("plain", "127.0.0.9")
        yield lambda: Caller("tls", "127.0.0.9")
    elif is_root:
        yield lambda: Caller("sock", None, accounts[2 if kind == "uid" else 3])


def matrix():
    n = 0
    of_all, of_logins = ["allow", "deny", "all"], ["services", "from", "off", "expired", "gone"]
    rules = {"token": of_all + of_logins, "password": of_all + of_logins, "key": of_all + of_logins,
             "URI": of_all + ["revoked", "authority"], "DNS": of_all + ["revoked", "authority"],
             "EMAIL": of_all + ["revoked", "authority"]}
    for kind in ("uid", "group", "net", "none", *rules):
        for rule in rules.get(kind, of_all):
            old = []
            for is_after in (False, True):
                config = matrix_config(kind, rule, is_after)
                load(config)
                when = "%s x %s, %s" % (kind, rule, "after" if is_after else "before")
                for caller, c in old:
                    ask_all(config, caller, c, when + ", old connection")
                    n += 1
                for make in matrix_callers(kind):
                    caller = make()
                    c = connect(config, caller, when)
                    n += 1
                    if c is None:
                        continue
                    ask_all(config, caller, c, when + ", new connection")
                    old.append((caller, c))
            for caller, c in old:
                c.close()
    return n


# --------------------------------------------------------------- the rounds ---

n_matrix = matrix()
config, old = Config(), []
for n in range(rounds):
    if n % 5 == 0 or dice.random() < .2:
        config = Config()
    else:
        config.change()
    load(config)
    for caller, c in old:
        ask_all(config, caller, c, "round %d, old connection" % n)
    for _ in range(8):
        caller = random_caller()
        c = connect(config, caller, "round %d" % n)
        if c is None:
            continue
        ask_all(config, caller, c, "round %d, new connection" % n)
        old.append((caller, c))
    while len(old) > OLD:
        old.pop(dice.randrange(len(old)))[1].close()
for caller, c in old:
    c.close()
# As it was at the beginning: without the process that checks passwords.
write(base, "", read("pki", "root.crt"), read("pki", "short.crl"))
print("  %d places of the matrix, %d configurations, %d calls equal (%d yes, %d no, %d told to "
      "log in), %d other answers, %d kept out" % (
          n_matrix, rounds, sum(n_cells.values()), n_cells["yes"], n_cells["no"],
          n_cells["login"], n_other, n_kept_out))
print("  calls by what callers have: " + ", ".join(
    "%s %d" % (kind, n_of_kind[kind]) for kind in sorted(n_of_kind)))
if min(n_cells.values()) < rounds or min(n_of_kind.values()) < 100 or len(n_of_kind) < 8 - (not is_root):
    sys.exit("too few cells of a kind")
