# SPDX-License-Identifier: ISC
"""The parameters of a function, read from its annotations."""
import enum
import inspect
import types
import typing

STR, BYTES, INT, FLOAT, BOOL, OTHER = range(6)
KINDS = {str: STR, bytes: BYTES, int: INT, float: FLOAT, bool: BOOL}
NOTHING = inspect.Parameter.empty
LISTS = (list, tuple, typing.List, typing.Tuple, typing.Sequence)


class Parameter:
    """One parameter: its kind, and what the configuration of reqd can know of it."""

    def __init__(self, name, annotation, default):
        self.name = name
        self.default = default
        self.repeats = False
        self.must_be_given = True
        self.choices = None
        self.convert = None
        annotation = self._without_none(annotation)
        origin = typing.get_origin(annotation) or annotation
        if origin in LISTS or isinstance(origin, type) and issubclass(origin, (list, tuple)):
            self.repeats = True
            inner = [a for a in typing.get_args(annotation) if a is not Ellipsis]
            annotation = self._without_none(inner[0]) if inner else str
        self.kind = self._kind(annotation)

    @staticmethod
    def _without_none(annotation):
        """Returns X of Optional[X] and of X | None."""
        union = (typing.Union, getattr(types, "UnionType", typing.Union))
        if typing.get_origin(annotation) in union:
            left = [a for a in typing.get_args(annotation) if a is not type(None)]
            if len(left) == 1:
                return left[0]
        return annotation

    def _kind(self, annotation):
        if annotation in (NOTHING, typing.Any):
            return STR
        if annotation in KINDS:
            return KINDS[annotation]
        if typing.get_origin(annotation) is typing.Literal:
            self._choose({str(v): v for v in typing.get_args(annotation)})
            return OTHER
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            self._choose({str(member.value): member for member in annotation})
            return OTHER
        if callable(annotation):  # Path, Decimal, UUID: made of the text
            self.convert = annotation
            return OTHER
        raise TypeError(f"argument '{self.name}': no value of a request can be {annotation!r}")

    def _choose(self, values):
        self.choices = values

        def convert(text):
            try:
                return values[text]
            except KeyError:
                raise ValueError(f"is none of {', '.join(values)}") from None
        self.convert = convert

    def row(self):
        return self.name, self.kind, self.convert


class Signature:
    """All parameters of a function."""

    def __init__(self, function):
        self.positional = []
        self.input = None
        self.n_required = 0
        self.as_list = False
        hints = typing.get_type_hints(function)
        self.returns = hints.pop("return", None)
        for p in inspect.signature(function).parameters.values():
            self._take(p, Parameter(p.name, hints.get(p.name, p.annotation), p.default))

    @property
    def repeats(self):
        return bool(self.positional) and self.positional[-1].repeats

    def _take(self, p, parameter):
        if p.kind is p.KEYWORD_ONLY and p.name == "input":
            if parameter.kind not in (STR, BYTES):
                raise TypeError("the input is str or bytes")
            self.input = parameter
            return
        if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD):
            raise TypeError(f"'{p.name}': arguments are given by position; "
                            "only 'input' can be given by keyword")
        if self.repeats:
            raise TypeError(f"'{p.name}' stands behind an argument that repeats")
        if p.kind is p.VAR_POSITIONAL:
            parameter.repeats = True
            parameter.must_be_given = False
        elif parameter.repeats:
            self.as_list = True
        if p.default is NOTHING and p.kind is not p.VAR_POSITIONAL:
            self.n_required += 1
        self.positional.append(parameter)
