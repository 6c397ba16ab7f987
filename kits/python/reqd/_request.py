# SPDX-License-Identifier: ISC
"""What a function can ask about its request, and the input that is pushed behind it."""
from . import _reqd


class Meta:
    """The values that the client gave with --meta=KEY:VALUE; keys in any case."""

    def __getitem__(self, key):
        value = _reqd.meta(key)
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key, default=None):
        value = _reqd.meta(key)
        return default if value is None else value

    def __contains__(self, key):
        return _reqd.meta(key) is not None


class Request:
    """The request that the running function answers.

    Each value is None where reqd does not tell it: the service needs "context = yes".
    """

    meta = Meta()

    @property
    def id(self):
        """Its id, as in the log of reqd."""
        return _reqd.context("id")

    @property
    def caller(self):
        """The account or the address that calls."""
        return _reqd.context("caller")

    @property
    def account(self):
        """The name under which the caller has logged in, else caller."""
        return _reqd.context("login") or _reqd.context("caller")

    @property
    def login(self):
        """The name under which the caller has logged in, or None."""
        return _reqd.context("login")

    @property
    def peer(self):
        """The address that the call comes from."""
        return _reqd.context("peer")

    def context(self, key):
        """Another word of the context, see reqd-handler(7)."""
        return _reqd.context(key)

    def remaining(self):
        """The seconds until the request times out and reqd kills this process."""
        return _reqd.remaining()


class Input:
    """The input of the request, piece by piece. Memory does not grow with the input."""

    def __iter__(self):
        return iter(_reqd.input, None)

    def read(self):
        """All that is left of the input."""
        return b"".join(self)

    def lines(self):
        """The lines of the input, each with its line feed."""
        rest = b""
        for piece in self:
            head, found, tail = piece.rpartition(b"\n")
            if found:
                yield from (rest + head + found).splitlines(keepends=True)
                rest = tail
            else:
                rest += piece
        if rest:
            yield rest
