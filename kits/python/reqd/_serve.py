# SPDX-License-Identifier: ISC
"""The serving side: functions become services, and serve() answers their requests."""
import asyncio
import contextvars
import functools
import inspect
import os
import sys
import traceback

from . import _reqd

from . import _plain
from ._errors import CallError, Error
from ._signature import Signature


class Service:
    """A function that answers requests under some names."""

    def __init__(self, function, names):
        self.function = function
        self.names = names
        self.signature = Signature(function)
        self.is_async = inspect.iscoroutinefunction(function)
        if inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__name__}: an async function cannot yield output")
        self.call = _streaming(function) if inspect.isgeneratorfunction(function) else function

    def compiled(self):
        s = self.signature
        return _reqd.Function(
            self.call, self.function.__name__, tuple(p.row() for p in s.positional),
            s.n_required, s.repeats, s.as_list, s.input.row() if s.input else None, self.is_async)


#: What the program has declared: services by function, and functions that run before ready.
services = []
startups = []


def _streaming(function):
    """What a generator yields is output before the reply; what it returns is the reply."""
    @functools.wraps(function)
    def run(*args, **keywords):
        pieces = function(*args, **keywords)
        try:
            while True:
                _reqd.output(next(pieces))
        except StopIteration as end:
            return end.value
        finally:
            pieces.close()
    return run


def service(*args, name=None, names=()):
    """Makes a function a service: @reqd.service, or @reqd.service("name", "VERB").

    Without a name it has that of the function, with "-" for "_".
    """
    if len(args) == 1 and callable(args[0]):
        function = args[0]
        names = [name] if name else list(names)
        if not names:
            names = [function.__name__]
            if "_" in function.__name__:
                names.append(function.__name__.replace("_", "-"))
        for other in services:
            for taken in set(other.names) & set(names):
                raise ValueError(f"two functions are called {taken}")
        services.append(Service(function, names))
        _streams.guard()
        return function
    given = list(args) + ([name] if name else []) + list(names)
    if not all(isinstance(n, str) and n for n in given):
        raise TypeError("names of a service are texts")
    return lambda function: service(function, names=given)


def startup(function):
    """Makes a function run once, before the process is ready; such as load the model."""
    startups.append(function)
    return function


def output(data, stream=1):
    """Sends output before the reply, for callers that want to see it while it is made."""
    _reqd.output(data, stream)


# ------------------------------------------------------------------ streams ---

class Streams:
    """The descriptors of a handler, while the program is not yet ready.

    From the first service on, what is printed goes to the log, and no program that is
    started takes a request away. libreqd does the same while it serves.
    """

    def __init__(self):
        self.saved = None

    def guard(self):
        # reqd tells a handler its service, but no caller. A command has both.
        if (self.saved is None and "REQD_SERVICE" in os.environ
                and "REQD_CALLER" not in os.environ and "REQD_PYTHON_GUARD" not in os.environ):
            os.environ["REQD_PYTHON_GUARD"] = str(os.getpid())
            saved_in, saved_out = os.dup(0), os.dup(1)
            empty = os.open(os.devnull, os.O_RDONLY)
            os.dup2(empty, 0)
            os.close(empty)
            if "REQD_CHANNEL" not in os.environ:
                os.dup2(2, 1)
            self.saved = saved_in, saved_out

    def give_back(self):
        if sys.stdout is not None:
            if self.saved is None and "REQD_CHANNEL" not in os.environ:
                # Text that still waits to be written belongs to the log.
                real = os.dup(1)
                os.dup2(2, 1)
                sys.stdout.flush()
                os.dup2(real, 1)
                os.close(real)
            else:
                sys.stdout.flush()
            if hasattr(sys.stdout, "reconfigure"):
                sys.stdout.reconfigure(line_buffering=True)
        if self.saved is not None:
            saved_in, saved_out = self.saved
            os.dup2(saved_in, 0)
            os.dup2(saved_out, 1)
            os.close(saved_in)
            os.close(saved_out)
            self.saved = None


_streams = Streams()


# --------------------------------------------------------------------- loop ---

def log_failure(exception, request_id):
    """Writes the whole traceback to the log, each line under the id of the request."""
    prefix = f"{request_id}: " if request_id else ""
    try:
        text = "".join(traceback.format_exception(type(exception), exception,
                                                  exception.__traceback__))
    except Exception as second:  # str() of the exception failed
        text = f"{type(exception).__name__}, which cannot be told: {type(second).__name__}\n"
    lines = "".join(f"{prefix}{line}\n" for line in text.splitlines())
    data = lines.encode(errors="backslashreplace")
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
        while data:
            data = data[os.write(2, data):]
    except OSError:
        pass  # without a log there is only the reply


def _one_line(exception):
    try:
        text = " ".join(str(exception).split())
    except Exception:
        text = ""
    name = type(exception).__name__
    return f"{name}: {text}" if text else name


class Loop:
    """What the loop in C asks of Python."""

    wait = drain = current = None

    @staticmethod
    def failure(exception, request_id):
        """Returns code, text and exit status (-1: none) of the reply."""
        def told(code, text, status=-1):
            return (code.encode(errors="replace"), text.encode(errors="replace"), status)
        if isinstance(exception, Error) and not isinstance(exception, CallError):
            status = exception.status if isinstance(exception.status, int) else -1
            return told(str(exception.code), str(exception.text), status)
        if isinstance(exception, SystemExit):  # of a script that has become a service
            if exception.code is None or exception.code == 0:
                return told("", "", 0)
            if isinstance(exception.code, int):
                return told("", "", exception.code & 255 or 255)
            return told("", str(exception.code), 1)
        log_failure(exception, request_id)
        return told("ERR", _one_line(exception))

    plain = staticmethod(_plain.plain)
    spawn = None

    def close(self):
        """Called when no request comes any more."""


class AsyncLoop(Loop):
    """The same, where functions are async: they run while requests are read."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.tasks = set()
        self.held = contextvars.ContextVar("reqd.held", default=None)
        self.current = self.held.get
        self.watched = None

    def spawn(self, call, args, keywords, held):
        context = contextvars.copy_context()
        context.run(self.held.set, held)
        task = context.run(self.loop.create_task, self._answer(call, args, keywords, held))
        self.tasks.add(task)
        task.add_done_callback(functools.partial(self._ended, held))

    def _ended(self, held, task):
        self.tasks.discard(task)
        if task.cancelled():    # perhaps before _answer has begun
            held.fail(RuntimeError("the function was cancelled"))

    @staticmethod
    async def _answer(call, args, keywords, held):
        try:
            value = await call(*args, **(keywords or {}))
        except (asyncio.CancelledError, GeneratorExit):
            raise   # _ended replies; or the loop has ended, and nobody waits
        except BaseException as e:
            held.fail(e)
            if isinstance(e, KeyboardInterrupt):
                raise
        else:
            held.reply(value)

    def wait(self, fd):
        if self.watched != fd:
            self.loop.add_reader(fd, self.loop.stop)
            self.watched = fd
        self.loop.run_forever()

    def drain(self):
        if self.watched is not None:
            self.loop.remove_reader(self.watched)
        while self.tasks:
            self.loop.run_until_complete(asyncio.wait(set(self.tasks)))

    def run(self, coroutine):
        self.loop.run_until_complete(coroutine)

    def close(self):
        self.run(self.loop.shutdown_asyncgens())
        self.loop.close()


def _names(chosen):
    names = {}
    for s in chosen:
        compiled = s.compiled()
        for name in s.names:
            names[name.encode()] = compiled
    return names


def _refuse_wrong_place():
    if not services:
        raise RuntimeError("serve() needs a function with @reqd.service")
    if os.environ.get("REQD_CHANNEL") is None and os.isatty(0) and _streams.saved is None:
        sys.exit("This program is a handler of reqd: reqd starts it and sends it requests.\n"
                 f"Try it with: python3 -m reqd {sys.argv[0]}")


def serve(*, batch=True):
    """Answers requests until reqd needs this process no more.

    Replies to requests that have come together are sent with one write, where "pipeline"
    lets several come. batch=False sends each at once.
    """
    if _trial is not None:
        _trial()
    main = sys.modules.get("__main__")
    if getattr(main, "__spec__", None) is None and "__mp_main__" in sys.modules:
        return  # a child of multiprocessing that imports the program again
    _refuse_wrong_place()
    loop = AsyncLoop() if any(s.is_async for s in services) else Loop()
    try:
        for function in startups:
            made = function()
            if inspect.iscoroutine(made):
                if not isinstance(loop, AsyncLoop):
                    loop = AsyncLoop()
                loop.run(made)
    except Exception as e:
        log_failure(e, None)
        sys.exit(1)
    names = _names(services)
    any_name = next(iter(names.values())) if len(services) == 1 else None
    _streams.give_back()
    status = _reqd.serve(loop, names, any_name, batch)
    loop.close()
    if status != 0:
        sys.exit(status)


#: Set by "python3 -m reqd": ends the program at serve().
_trial = None
