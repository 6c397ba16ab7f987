# SPDX-License-Identifier: ISC
"""Services of reqd in Python, and calls of them: reqd-python(7).

    import reqd

    @reqd.service
    def sentiment(text: str, limit: int = 5) -> dict:
        ...

    reqd.serve()
"""
from . import _reqd

from ._errors import (BadArg, Busy, CallError, Cancelled, Denied, Draining, Error, Exit, Failed,
                      HandlerDied, Lost, NoStart, NotConnected, Refused, Signal, Timeout, TooBig,
                      Unavailable, Untrusted)
from ._client import AsyncClient, Client, Result, Stream, connect, connect_async
from ._request import Input, Request
from ._serve import output, serve, service, startup

#: The request that the running function answers.
request = Request()
#: The input of that request, where the service has "input = pushed".
input = Input()

__version__ = _reqd.version()
__all__ = [
    "service", "startup", "serve", "output", "request", "input", "Request", "Input",
    "connect", "connect_async", "Client", "AsyncClient", "Result", "Stream",
    "Error", "CallError", "Exit", "Signal", "Timeout", "Cancelled", "TooBig", "Busy", "NoStart",
    "Lost", "BadArg", "Denied", "Draining", "Unavailable", "HandlerDied", "Failed",
    "NotConnected", "Refused", "Untrusted",
]
