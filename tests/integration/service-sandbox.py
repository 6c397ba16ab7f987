# SPDX-License-Identifier: ISC
"""
service-sandbox act DIRECTORY PORT PID: tries actions, one line each: "NAME ok" or "NAME ERRNO".
service-sandbox check LEVEL VERSION NONE TRIED: compares the actions of a service in a sandbox
with those of the same account without one. An action that the sandbox leaves has the same
result; one that it takes is refused.

Each action runs in a process of its own. No action does harm where it is allowed: what changes
the machine has arguments that the kernel refuses, after it has looked at the rights or before,
and never with the error of a sandbox.
"""
import ctypes
import errno
import os
import platform
import signal
import socket
import subprocess
import sys
import threading

ACTIONS = {}            # name: (function, levels that take it, version of Landlock that does)
REFUSED = {"EPERM", "EACCES", "ENOSYS", "EXDEV"}
BOTH, STRICT, NONE = ("basic", "strict"), ("strict",), ()
libc = ctypes.CDLL(None, use_errno=True)
DIRECTORY, PORT, PID = "", 0, 0

# x86_64, then the numbers that other architectures share.
X86 = {"mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308,
       "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "bpf": 321,
       "perf_event_open": 298, "ptrace": 101, "process_vm_readv": 310, "add_key": 248,
       "request_key": 249, "keyctl": 250, "settimeofday": 164, "clock_settime": 227,
       "adjtimex": 159, "reboot": 169, "swapon": 167, "iopl": 172, "ioperm": 173,
       "userfaultfd": 323, "open_by_handle_at": 304, "fanotify_init": 300, "sethostname": 170,
       "acct": 163, "kcmp": 312, "move_pages": 279, "clone": 56, "socketpair": 53}
ARM = {"mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268,
       "init_module": 105, "finit_module": 273, "delete_module": 106, "kexec_load": 104, "bpf": 280,
       "perf_event_open": 241, "ptrace": 117, "process_vm_readv": 270, "add_key": 217,
       "request_key": 218, "keyctl": 219, "settimeofday": 170, "clock_settime": 112,
       "adjtimex": 171, "reboot": 142, "swapon": 224, "userfaultfd": 282,
       "open_by_handle_at": 265, "fanotify_init": 262, "sethostname": 161, "acct": 89, "kcmp": 272,
       "move_pages": 239, "clone": 220}
NEW = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428,
       "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
       "pidfd_getfd": 438, "mount_setattr": 442}
NUMBERS = dict(ARM if platform.machine() == "aarch64" else X86, **NEW)


def action(name, taken, version=1):
    """A function that does it, and the levels that take it away."""
    def add(function):
        assert name not in ACTIONS, name
        ACTIONS[name] = (function, taken, version)
        return function
    return add


def call(name, *args):
    ctypes.set_errno(0)
    if libc.syscall(NUMBERS[name], *(ctypes.c_long(a) for a in args)) < 0:
        raise OSError(ctypes.get_errno(), name)


def read(path):
    with open(path, "rb") as f:
        f.read(1)


def write(path):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, b"x")
    os.close(fd)


# ------------------------------------------------------------- to be read ---
for path, taken in (
        ("/etc/passwd", NONE), ("/usr/bin/env", NONE), ("/proc/self/status", NONE),
        ("/proc/meminfo", NONE), ("/var/lib/dpkg/status", STRICT), ("/var/log/lastlog", STRICT),
        ("/dev/zero", NONE), ("/dev/urandom", NONE), ("/dev/kmsg", BOTH), ("/dev/mem", BOTH),
        ("/proc/1/environ", BOTH), ("/sys/kernel/mm/transparent_hugepage/enabled", STRICT)):
    action("read " + path, taken)(lambda path=path: read(path))
for path, taken in (
        ("/etc", NONE), ("/usr", NONE), ("/opt", NONE), ("/proc", NONE), ("/proc/1/cwd/", BOTH),
        ("/", BOTH), ("/var", BOTH), ("/home", BOTH), ("/root", BOTH), ("/tmp", BOTH),
        ("/var/tmp", BOTH), ("/boot", BOTH), ("/mnt", BOTH), ("/media", BOTH), ("/dev", BOTH),
        ("/run", STRICT), ("/srv", STRICT), ("/sys", STRICT), ("/var/lib", STRICT),
        ("/var/cache", STRICT)):
    action("list " + path, taken)(lambda path=path: os.listdir(path))
action("read what sandbox-read has", NONE)(lambda: read(DIRECTORY + "/open/file"))
action("list what sandbox-read has", NONE)(lambda: os.listdir(DIRECTORY + "/open"))
action("read beside it", BOTH)(lambda: read(DIRECTORY + "/closed/file"))
action("list beside it", BOTH)(lambda: os.listdir(DIRECTORY + "/closed"))
action("read through a symlink", BOTH)(lambda: read(DIRECTORY + "/open/link"))
action("read by .. of an open directory", BOTH)(lambda: read(DIRECTORY + "/open/../closed/file"))
action("read by /proc/self/root", BOTH)(
    lambda: read("/proc/self/root%s/closed/file" % DIRECTORY))


# ---------------------------------------------------------- to be written ---
def own(name):
    return os.path.join(os.environ["TMPDIR"], name)


for path, taken in (
        ("/etc", BOTH), ("/usr", BOTH), ("/var/lib", BOTH), ("/var/tmp", BOTH), ("/tmp", BOTH),
        ("/dev/shm", BOTH), ("/run", BOTH)):
    @action("make a file in " + path, taken)
    def _(path=path):
        name = "%s/reqd-sandbox-%d" % (path, os.getpid())
        write(name)
        os.unlink(name)
for path in ("/dev/null", "/dev/zero"):
    action("write " + path, NONE)(lambda path=path: write(path))
action("write what sandbox-write has", NONE)(lambda: write(DIRECTORY + "/writable/new"))
action("write what sandbox-read has", BOTH)(lambda: write(DIRECTORY + "/open/writable-for-all"))
action("write beside it", BOTH)(lambda: write(DIRECTORY + "/closed/file"))
action("truncate beside it", BOTH, 3)(lambda: os.truncate(DIRECTORY + "/closed/file", 0))
action("remove beside it", BOTH)(lambda: os.unlink(DIRECTORY + "/closed/doomed"))
action("make a file of its own", NONE)(lambda: write(own("file")))
action("truncate it", NONE)(lambda: os.truncate(make(own("cut")), 0))
action("change its mode", NONE)(lambda: os.chmod(make(own("mode")), 0o700))
action("make a directory of its own", NONE)(lambda: os.mkdir(own("directory")))
action("make a symlink of its own", NONE)(lambda: os.symlink("/", own("symlink")))
action("make a fifo of its own", NONE)(lambda: os.mkfifo(own("fifo")))
action("make a device of its own", BOTH)(lambda: os.mknod(own("device"), 0o20666, 0x103))
@action("make a file in its home", NONE)
def _():
    if "SANDBOX" in os.environ:
        assert os.environ["HOME"] == os.environ["TMPDIR"]
    write(own("home"))


action("link a foreign file into it", BOTH)(
    lambda: os.link(DIRECTORY + "/closed/file", own("linked")))


def make(path):
    write(path)
    return path


@action("rename from one directory of its own to another", NONE, 2)
def _():
    os.mkdir(own("from"))
    os.mkdir(own("to"))
    os.rename(make(own("from/file")), own("to/file"))
    os.unlink(own("to/file"))
    os.rmdir(own("to"))


# ----------------------------------------------------------------- to run ---
def run(path):
    subprocess.run([path], check=True, stdout=subprocess.DEVNULL)


action("run /usr/bin/true", NONE)(lambda: run("/usr/bin/true"))
action("run a script of the shell", NONE)(
    lambda: subprocess.run(["/bin/sh", "-c", "x=$(echo y | cat) && test $x = y"], check=True))
action("run what sandbox-read has", BOTH)(lambda: run(DIRECTORY + "/open/program"))
action("run beside it", BOTH)(lambda: run(DIRECTORY + "/closed/program"))


@action("run what it has written", BOTH)
def _():
    with open(own("program"), "w") as f:
        f.write("#!/bin/sh\n")
    os.chmod(own("program"), 0o700)
    run(own("program"))


@action("start a thread", NONE)
def _():
    t = threading.Thread(target=int)
    t.start()
    t.join()


@action("fork", NONE)
def _():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


# ---------------------------------------------------------------- network ---
for name, family, kind in (
        ("tcp", socket.AF_INET, socket.SOCK_STREAM), ("udp", socket.AF_INET, socket.SOCK_DGRAM),
        ("unix", socket.AF_UNIX, socket.SOCK_STREAM), ("netlink", socket.AF_NETLINK, socket.SOCK_RAW)):
    action("make a socket of " + name, STRICT)(
        lambda family=family, kind=kind: socket.socket(family, kind).close())
action("make a pair of sockets", NONE)(lambda: [s.close() for s in socket.socketpair()])
action("connect by tcp", STRICT)(
    lambda: socket.create_connection(("127.0.0.1", PORT)).close())


@action("listen by tcp", STRICT)
def _():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()


@action("connect to a unix socket", STRICT)
def _():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(DIRECTORY + "/unix")


@action("connect to an abstract socket", BOTH, 6)
def _():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0reqd-sandbox-%d" % PID)


# ---------------------------------------------------------------- signals ---
action("signal process 1", BOTH, 6)(lambda: os.kill(1, 0))
action("signal a foreign process", BOTH, 6)(lambda: os.kill(PID, 0))
action("signal itself", NONE)(lambda: os.kill(os.getpid(), 0))


@action("end a child", NONE)
def _():
    p = subprocess.Popen(["/bin/sleep", "600"])
    p.send_signal(signal.SIGTERM)
    p.wait()


# ------------------------------------------------------------------ calls ---
WRONG = -1              # an address that no process has
for name, args in (
        ("mount", (WRONG, WRONG, WRONG, 0, 0)), ("umount2", (WRONG, 0)),
        ("pivot_root", (WRONG, WRONG)), ("chroot", (WRONG,)), ("unshare", (0x1,)),
        ("setns", (-1, 0)), ("init_module", (0, 0, WRONG)), ("finit_module", (-1, WRONG, 0)),
        ("delete_module", (WRONG, 0)), ("kexec_load", (0, 99, 0, 0x7fffffff)), ("bpf", (99, 0, 0)),
        ("perf_event_open", (WRONG, 0, -1, -1, 0)), ("ptrace", (99, 0, 0, 0)),
        ("process_vm_readv", (0x7ffffff0, 0, 0, 0, 0, 0)), ("add_key", (WRONG, 0, 0, 0, 0)),
        ("request_key", (WRONG, 0, 0, 0)), ("keyctl", (9999, 0, 0)),
        ("settimeofday", (WRONG, 0)), ("clock_settime", (0, WRONG)), ("adjtimex", (WRONG,)),
        ("reboot", (0, 0, 0, 0)), ("swapon", (WRONG, 0)), ("iopl", (99,)), ("ioperm", (99999, 1, 1)),
        ("userfaultfd", (0x7fffffff,)), ("open_by_handle_at", (-1, WRONG, 0)),
        ("fanotify_init", (0x7fffffff, 0)), ("sethostname", (WRONG, 1)), ("acct", (WRONG,)),
        ("kcmp", (0x7ffffff0, 0x7ffffff0, 0, 0, 0)), ("move_pages", (0x7ffffff0, 0, 0, 0, 0, 0)),
        ("io_uring_setup", (0, WRONG)), ("io_uring_enter", (-1, 0, 0, 0, 0, 0)),
        ("io_uring_register", (-1, 0, 0, 0)), ("open_tree", (-1, WRONG, 0)),
        ("move_mount", (-1, WRONG, -1, WRONG, 0)), ("fsopen", (WRONG, 0)),
        ("fsconfig", (-1, 99, 0, 0, 0)), ("fsmount", (-1, 0, 0)), ("fspick", (-1, WRONG, 0)),
        ("pidfd_getfd", (-1, -1, 0)), ("mount_setattr", (-1, WRONG, 0, WRONG, 0))):
    if name in NUMBERS:
        action("call " + name, BOTH)(lambda name=name, args=args: call(name, *args))


@action("make a namespace of its account", BOTH)
def _():
    call("unshare", 0x10000000)


@action("clone into a namespace of its account", BOTH)
def _():
    if platform.machine() not in ("x86_64", "aarch64"):
        raise OSError(errno.EPERM, "not tried")
    pid = libc.syscall(NUMBERS["clone"], ctypes.c_long(0x10000000 | signal.SIGCHLD), 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone")
    os.waitpid(pid, 0)


# -------------------------------------------------------------------- all ---
def attempt(function):
    """The result of an action in a process of its own, as a word."""
    try:
        function()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    except subprocess.CalledProcessError as e:
        return "status %d" % e.returncode
    return "ok"


def act():
    for name, (function, _, _) in ACTIONS.items():
        ends = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.write(ends[1], attempt(function).encode())
            os._exit(0)
        os.close(ends[1])
        result = os.read(ends[0], 100).decode()
        os.close(ends[0])
        os.waitpid(pid, 0)
        print("%s: %s" % (name, result or "died"), flush=True)


def results(path):
    with open(path) as f:
        return dict(line.rstrip("\n").rsplit(": ", 1) for line in f)


def check(level, version, none, tried):
    wrong, taken, shown = 0, 0, 0
    for name, (_, levels, since) in ACTIONS.items():
        got, free = tried.get(name), none.get(name)
        if free is None or got is None:
            right = False
        elif level in levels and version >= since:
            taken += 1
            shown += free not in REFUSED
            right = got in REFUSED or (got == free and got == "ENOENT")
        elif level in levels or since > version:
            right = True        # this kernel cannot take it, or not give it
        else:
            right = got == free
        if not right:
            wrong += 1
            print("%s: %s: %s without a sandbox, %s in it" % (level, name, free, got))
    print("%s: %d actions, %d to be refused, of which %d are done or judged without a sandbox; "
          "%d wrong" % (level, len(ACTIONS), taken, shown, wrong))
    return wrong == 0


def main():
    global DIRECTORY, PORT, PID
    if sys.argv[1] == "act":
        DIRECTORY, PORT, PID = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        act()
        return 0
    level, version, none, tried = sys.argv[2], int(sys.argv[3]), *map(results, sys.argv[4:6])
    return 0 if check(level, version, none, tried) else 1


if __name__ == "__main__":
    sys.exit(main())
