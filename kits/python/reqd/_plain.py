# SPDX-License-Identifier: ISC
"""Plain values of others: what a reply can hold, of what programs like to return."""
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import fractions
import os
import uuid

TEXTS = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, fractions.Fraction,
         uuid.UUID)


def plain(value):
    """Returns a simpler value, which may itself be one that needs this."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, TEXTS):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    for method in ("model_dump", "tolist"):  # of pydantic; of numpy, torch, pandas
        if callable(getattr(type(value), method, None)):
            return getattr(value, method)()
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if isinstance(value, collections.abc.Set):
        return set(value)
    if isinstance(value, collections.abc.Iterable):
        return list(value)
    raise TypeError(f"a reply cannot be of type {type(value).__name__}")
