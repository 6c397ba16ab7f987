# SPDX-License-Identifier: ISC
"""The calling side: connections, calls, streams, and the same for asyncio."""
import asyncio
import collections
import concurrent.futures
import functools
import io
import os
import random
import select
import threading
import time

from . import _reqd

from . import _errors

GRACE = 10          # seconds that a server may be late with the answer of a call that timed out
STDERR_KEPT = 1 << 16   # bytes of the standard error of a stream
WAITING_MAX = 16    # pieces of a stream that wait for their reader


class Broken(Exception):
    """What libreqd returned in place of a result: code, text, and whether a call was sent."""


_reqd.Connection._raises(Broken)

_BROKEN = {
    -3: _errors.NotConnected, -4: _errors.Timeout, -5: _errors.NotConnected,
    -7: _errors.TooBig, -8: _errors.Refused, -11: _errors.Untrusted,
}


def _error_of(broken):
    code, text, was_sent = broken.args
    if code == -1:
        return MemoryError(text)
    if code == -2:
        return ValueError(text)
    error = _BROKEN.get(code, _errors.Failed)(text)
    error.may_have_run = was_sent
    if isinstance(error, _errors.NotConnected):
        error.is_passing = not was_sent
    return error


class Result:
    """A call that has ended: its output, status and value."""

    __slots__ = ("outcome", "status", "signal", "may_have_run", "truncated", "stdout", "stderr",
                 "usec", "id", "error", "value", "has_value", "text")

    def __init__(self, fields):
        for name, value in zip(self.__slots__, fields):
            setattr(self, name, value)

    def __str__(self):
        return self.stdout.decode(errors="replace")

    def __repr__(self):
        return f"<Result {self.outcome} {self.status} id={self.id}>"

    def check(self):
        """Returns the result of a call that ended well, or raises its exception."""
        if self.outcome == "exit" and self.status == 0:
            return self
        raise _errors.OUTCOMES.get(self.outcome, _errors.Failed)(self.text, self)


# ------------------------------------------------------------------ request ---

def _word(value):
    """Returns an argument as the bytes that reqd gets."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode(errors="surrogateescape")
    if isinstance(value, bool):
        return b"yes" if value else b"no"
    if isinstance(value, (int, float)):
        return repr(value).encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, os.PathLike):
        return os.fsencode(value)
    return str(value).encode()


def _words(args, named):
    if args and named:
        raise ValueError("arguments are given by position or by name, not both")
    for name, value in named.items() if named else ((None, v) for v in args):
        if value is None:
            continue    # an argument that is left out
        for one in value if isinstance(value, (list, tuple)) else (value,):
            yield name, _word(one)


def _milliseconds(seconds):
    return max(1, round(seconds * 1000)) if seconds is not None else 0


class Input:
    """Where the input of a call comes from: what libreqd reads, and whether it can do so again."""

    def __init__(self, source):
        self.again = source is None or isinstance(source, (str, bytes, bytearray, memoryview))
        if isinstance(source, str):
            source = source.encode()
        self.source = source

    def open(self):
        source = self.source
        if source is None or isinstance(source, int):
            return source
        if isinstance(source, (bytes, bytearray, memoryview)):
            return io.BytesIO(source).read
        if isinstance(source, io.FileIO):
            return source.fileno()
        if isinstance(source, io.TextIOBase):
            if hasattr(source, "buffer"):
                return source.buffer.read1
            return lambda size: source.read(max(1, size // 4))
        if hasattr(source, "read1"):
            return source.read1
        if hasattr(source, "read"):
            return source.read
        return _pieces(iter(source))


def _pieces(source):
    """Returns a read(size) of an iterator over bytes or texts."""
    rest = b""

    def read(size):
        nonlocal rest
        while not rest:
            piece = next(source, None)
            if piece is None:
                return b""
            rest = piece.encode() if isinstance(piece, str) else bytes(piece)
        piece, rest = rest[:size], rest[size:]
        return piece
    return read


class _Call:
    """One call, as often as it is made."""

    def __init__(self, service, args, named, input, timeout, id, meta):
        self.service = service
        self.words = tuple(_words(args, named))
        self.input = Input(input)
        self.timeout = timeout
        self.id = id
        self.meta = tuple((str(k), str(v)) for k, v in (meta or {}).items())

    def make(self, connection, output, left):
        deadline = _milliseconds(left + GRACE) if left is not None else 0
        return Result(connection.call(self.service, self.words, self.input.open(), output,
                                      _milliseconds(left), self.id, self.meta, deadline))


class _Use:
    """The connection that a call has now, for another thread that cancels the call.

    The call lets go of it before other calls may have it: cancel() meets no other call.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._connection = None
        self._cancelled = False

    def begin(self, connection):
        """Returns false when the call has been cancelled meanwhile."""
        with self._lock:
            if not self._cancelled:
                self._connection = connection
            return not self._cancelled

    def end(self):
        with self._lock:
            self._connection = None

    def cancel(self):
        with self._lock:
            self._cancelled = True
            if self._connection is not None:
                self._connection.cancel()


# ------------------------------------------------------------------- client ---

class Client:
    """A server, with as many connections as there are calls at the same time."""

    def __init__(self, url=None, *, login=None, token=None, ca=None, pin=None,
                 connect_timeout=10, retry=0):
        self._how = (url, login, token, os.fspath(ca) if ca is not None else None, pin,
                     _milliseconds(connect_timeout))
        self._retry = retry
        self._lock = threading.Lock()
        self._idle = []
        self._closed = False
        self._give_back(self._dial())

    # -- connections --

    def _dial(self):
        connection = _reqd.Connection()
        try:
            connection.connect(*self._how)
        except Broken as e:
            error = _error_of(e)
            if isinstance(error, _errors.CallError):
                error.may_have_run = False
                error.is_passing = isinstance(error, (_errors.NotConnected, _errors.Timeout))
            raise error from None
        return connection

    def _take(self):
        while True:
            with self._lock:
                if self._closed:
                    raise ValueError("the client is closed")
                if not self._idle:
                    break
                connection = self._idle.pop()
            poll = select.poll()
            poll.register(connection.about()[2], select.POLLIN)
            if not poll.poll(0):    # else the server has closed it meanwhile
                return connection
        return self._dial()

    def _give_back(self, connection):
        with self._lock:
            if not self._closed and len(self._idle) < 64:
                self._idle.append(connection)

    @property
    def server(self):
        """Name and version of the server."""
        connection = self._take()
        self._give_back(connection)
        return connection.about()[1]

    def close(self):
        """Closes the connections that are idle; the others after their calls."""
        with self._lock:
            self._closed = True
            self._idle.clear()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # -- calls --

    def call(self, service, *args, input=None, timeout=None, id=None, meta=None, named=None,
             check=True, retry=None, **arguments):
        """Calls a service and returns its Result; raises the exception of its outcome.

        Arguments by position, or by name; named={"dry-run": True} for names that are no
        words of Python. retry: how often a call that was certainly not started is repeated.
        check=False: every result is returned.
        """
        call = _Call(service, args, {**(named or {}), **arguments}, input, timeout, id, meta)
        return self._make(call, check, retry)

    def _make(self, call, check=True, retry=None, use=None):
        left = self._retry if retry is None else retry
        due = time.monotonic() + call.timeout if call.timeout is not None else None
        pause = 0.05
        while True:
            try:
                result = self._once(call, None, due, use)
                if check or left > 0 and _may_repeat(result):
                    result.check()
                return result
            except _errors.CallError as e:
                if left <= 0 or not e.is_passing or e.may_have_run or not call.input.again:
                    raise
                wait = pause * random.uniform(0.5, 1.5)
                if due is not None and time.monotonic() + wait >= due:
                    raise
            left -= 1
            time.sleep(wait)
            pause = min(pause * 2, 5)

    def _once(self, call, output, due=None, use=None):
        use = use or _Use()
        connection = self._take()
        if not use.begin(connection):
            self._give_back(connection)
            error = _errors.Cancelled("the call was cancelled")
            error.may_have_run = False
            raise error
        left = due - time.monotonic() if due is not None else call.timeout
        try:
            result = call.make(connection, output, left)
        except Broken as e:
            raise _error_of(e) from None
        finally:
            use.end()
        self._give_back(connection)
        return result

    def stream(self, service, *args, input=None, timeout=None, id=None, meta=None, named=None,
               **arguments):
        """Calls a service and returns an iterator over its output, as it is made."""
        call = _Call(service, args, {**(named or {}), **arguments}, input, timeout, id, meta)
        return Stream(self, call)


def _may_repeat(result):
    error = _errors.OUTCOMES.get(result.outcome, _errors.Failed)
    return error.is_passing and not result.may_have_run


class Stream:
    """The output of a call, piece by piece; at its end the exception of its outcome.

    result is the Result after the end. Leaving a "with" block cancels the call.
    """

    def __init__(self, client, call):
        self.result = None
        self.stderr = b""
        self._changed = threading.Condition()
        self._pieces = collections.deque()
        self._error = None
        self._ended = False
        self._stopped = False
        self._use = _Use()
        self._thread = threading.Thread(target=self._run, args=(client, call), daemon=True)
        self._thread.start()

    def _run(self, client, call):
        error = result = None
        try:
            result = client._once(call, self._on_output, use=self._use)
        except BaseException as e:
            error = e
        with self._changed:
            self.result, self._error, self._ended = result, error, True
            self._changed.notify_all()

    def _on_output(self, stream, data):
        with self._changed:
            if stream == 2:
                self.stderr = (self.stderr + data)[-STDERR_KEPT:]
                return
            self._changed.wait_for(lambda: self._stopped or len(self._pieces) < WAITING_MAX)
            if self._stopped:
                raise _errors.Cancelled("the stream was closed")
            self._pieces.append(data)
            self._changed.notify_all()

    def __iter__(self):
        return self

    def __next__(self):
        with self._changed:
            self._changed.wait_for(lambda: self._pieces or self._ended)
            if self._pieces:
                self._changed.notify_all()
                return self._pieces.popleft()
        self._thread.join()
        if self._stopped:
            raise StopIteration
        if self._error is not None:
            raise self._error
        if self.result.has_value is False:
            self.result.stderr = self.result.stderr or self.stderr
        self.result.check()
        raise StopIteration

    def close(self):
        """Cancels the call if it still runs."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._use.cancel()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if not self._ended:
            self.close()


def connect(url=None, **how):
    """Connects to a server: tls://HOST, tcp://HOST:PORT, unix:///PATH; by default that of
    $REQD_SERVER or of this machine. See Client for the rest."""
    return Client(url, **how)


# ------------------------------------------------------------------ asyncio ---

class AsyncClient:
    """A client whose calls are awaited. Each runs in a thread, where libreqd waits for it."""

    def __init__(self, client, threads):
        self._client = client
        self._threads = threads

    async def _run(self, function, *args, **keywords):
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, functools.partial(function, *args, **keywords))

    async def call(self, service, *args, input=None, timeout=None, id=None, meta=None, named=None,
                   check=True, retry=None, **arguments):
        """Does Client.call. A task that is cancelled cancels its call."""
        call = _Call(service, args, {**(named or {}), **arguments}, input, timeout, id, meta)
        use = _Use()
        try:
            return await self._run(self._client._make, call, check, retry, use)
        except asyncio.CancelledError:
            use.cancel()
            raise

    async def stream(self, service, *args, **keywords):
        """Does Client.stream: async for piece in client.stream(...)."""
        stream = await self._run(self._client.stream, service, *args, **keywords)
        end = object()
        try:
            while True:
                piece = await self._run(next, stream, end)
                if piece is end:
                    return
                yield piece
        finally:
            if not stream._ended:
                await self._run(stream.close)

    async def close(self):
        self._client.close()
        self._threads.shutdown(wait=False)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        await self.close()


async def connect_async(url=None, *, threads=64, **how):
    """Does connect for asyncio; threads: how many calls run at the same time at most."""
    pool = concurrent.futures.ThreadPoolExecutor(threads, "reqd")
    client = await asyncio.get_running_loop().run_in_executor(
        pool, functools.partial(Client, url, **how))
    return AsyncClient(client, pool)
