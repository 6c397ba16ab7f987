# SPDX-License-Identifier: ISC
"""The exceptions of the package: what a function replies, and how a call can end."""


class Error(Exception):
    """An error with a code. Raised by a function, it is the reply: "-CODE text".

    With status, 1 to 255, the reply is that of a program that has exited with it.
    """

    code = "ERR"

    def __init__(self, code="ERR", text="", *, status=None):
        super().__init__(code, text)
        self.code = code
        self.text = text
        self.status = status

    def __str__(self):
        return f"{self.code} {self.text}".strip()


class CallError(Error):
    """A call that has not ended well. Its classes are the outcomes of reqctl(1).

    may_have_run is false where the call has had no effect for certain.
    """

    may_have_run = True
    #: A call that ended so may be made again after a while: nothing was started.
    is_passing = False
    result = None

    def __init__(self, text, result=None, code=None):
        super().__init__(code or type(self).__name__.upper(), text)
        if result is not None:
            self.result = result
            self.may_have_run = result.may_have_run

    def __str__(self):
        return self.text

    def _field(self, name, default):
        return default if self.result is None else getattr(self.result, name)

    @property
    def stdout(self):
        """The output that the program made, as bytes."""
        return self._field("stdout", b"")

    @property
    def stderr(self):
        """What the program wrote to standard error, as bytes."""
        return self._field("stderr", b"")

    @property
    def id(self):
        """The id of the request, as in the log of the server; "" if it got none."""
        return self._field("id", "")


class Exit(CallError):
    """The program ended with another status than 0, or the handler replied an error.

    code is that of the error reply, or EXIT.
    """

    def __init__(self, text, result=None):
        error = result.error.split(" ", 1) if result is not None and result.error else ["EXIT"]
        super().__init__(text, result, code=error[0].lstrip("-"))
        if len(error) > 1:
            self.text = error[1]
        self.status = self._field("status", 1)
        number, _, rest = self.text.partition(" ")
        if self.code == "EXIT" and number.isdecimal():
            self.text = rest or text

    def __str__(self):
        return f"{self.code} {self.text}" if self.code != "EXIT" else self.text


class Signal(CallError):
    """A signal killed the program: see signal."""

    @property
    def signal(self):
        """The number of the signal."""
        return self._field("signal", 0)


class Timeout(CallError):
    """The time was over; the program was killed."""


class Cancelled(CallError):
    """The call was cancelled; the program was killed."""


class TooBig(CallError):
    """The program made more output than it may; it was killed."""


class Busy(CallError):
    """Not started: too many other requests."""
    is_passing = True


class NoStart(CallError):
    """Not started: the program cannot be run."""


class Lost(CallError):
    """A part of the server died; the program may have run."""


class BadArg(CallError):
    """Not started: an argument was refused."""


class Denied(CallError):
    """Not started: there is no such service, or it is not allowed."""


class Draining(CallError):
    """Not started: the server is stopping, or the service is drained."""
    is_passing = True


class Unavailable(CallError):
    """Not started: the service cannot serve now."""
    is_passing = True


class HandlerDied(CallError):
    """The process of the service died or broke the protocol; it may have run."""


class Failed(CallError):
    """Any other error of the server or of the connection."""


class NotConnected(Failed):
    """No server could be reached, or the connection broke."""


class Refused(Failed):
    """The server refused the connection or the login."""


class Untrusted(Failed):
    """The server is not the one that was meant; nothing was sent."""


#: By the words that libreqd has for the outcomes.
OUTCOMES = {
    "exit": Exit, "signal": Signal, "timeout": Timeout, "cancelled": Cancelled,
    "toobig": TooBig, "busy": Busy, "nostart": NoStart, "lost": Lost, "badarg": BadArg,
    "denied": Denied, "draining": Draining, "unavail": Unavailable, "handler": HandlerDied,
}
