# SPDX-License-Identifier: ISC
"""The sections of reqd.conf(5) that annotations and docstrings describe."""
import inspect
import re

from ._signature import BOOL, FLOAT, INT, NOTHING

GOOGLE = re.compile(r"^\s+\*?(\w+)\s*(?:\([^)]*\))?:\s*(\S.*)$")
SPHINX = re.compile(r"^\s*:param (?:[^:]* )?\*?(\w+):\s*(\S.*)$")


def quoted(text):
    """Returns a text as the configuration has it."""
    out = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + out.replace("\t", "\\t") + '"'


def summary(function):
    """Returns the first line of the docstring, or ""."""
    doc = inspect.getdoc(function) or ""
    return doc.split("\n", 1)[0].strip().rstrip(".")


def helps(function):
    """Returns {parameter: text}, of "text: ..." under "Args:" and of ":param text: ..."."""
    found = {}
    in_args = False
    for line in (inspect.getdoc(function) or "").splitlines():
        if re.match(r"^(Args|Arguments|Parameters):\s*$", line):
            in_args = True
            continue
        if line and not line[0].isspace():
            in_args = False
        match = SPHINX.match(line) or in_args and GOOGLE.match(line)
        if match:
            found[match.group(1)] = match.group(2).strip().rstrip(".")
    return found


def _text(parameter, value):
    if parameter.kind == BOOL:
        return "yes" if value else "no"
    return getattr(value, "value", value)


def argument(parameter, is_last, text):
    """Returns the line of one argument."""
    words = []
    if parameter.kind == INT:
        words.append("type = integer")
    elif parameter.kind == FLOAT:
        words.append("type = decimal")
    elif parameter.kind == BOOL:
        words.append('type = choice  values = {"yes", "no"}')
    elif parameter.choices:
        words.append("type = choice  values = {" + ", ".join(map(quoted, parameter.choices)) + "}")
    if parameter.repeats:
        words.append("repeat = yes")
        if parameter.default is not NOTHING or not parameter.must_be_given:
            words.append("optional = yes")
    elif parameter.default is None:
        if not is_last:
            raise ValueError(f"argument '{parameter.name}': only the last argument may be left "
                             "out without a value in its place; give it a default other than None")
        words.append("optional = yes")
    elif parameter.default is not NOTHING:
        words.append(f"default = {quoted(_text(parameter, parameter.default))}")
    if text:
        words.append(f"help = {quoted(text)}")
    name = parameter.name.lower().strip("_")
    return f"argument {quoted(name)} {{ {'  '.join(words)} }}".replace("{  }", "{}")


def reads_input(function):
    """True if the function looks at reqd.input: then its input is pushed."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and "input" in code.co_names and "reqd" in code.co_names


def section(service, program):
    """Returns the section of one service; program are the words that start it."""
    function, signature = service.function, service.signature
    lines = []
    if summary(function):
        lines.append(f"summary = {quoted(summary(function))}")
    lines.append("handler = {" + ", ".join(map(quoted, program)) + "}")
    lines.append("processes { min = 1  max = 4 }")
    lines.append("ready = ping")
    lines.append("context = yes")
    if service.is_async:
        lines.append("pipeline = 16")
    verbs = [n for n in service.names[1:] if n.replace("-", "_") != service.names[0]]
    if verbs:
        lines.append("verb = {" + ", ".join(map(quoted, verbs)) + "}")
    if signature.input:
        needed = signature.input.default is NOTHING
        lines.append(f"input = {'required' if needed else 'optional'}")
    elif reads_input(function):
        lines.append("input = pushed")
    texts = helps(function)
    for p in signature.positional:
        lines.append(argument(p, p is signature.positional[-1], texts.get(p.name)))
    lines.append('allow = {"local"}')
    body = "".join(f"    {line}\n" for line in lines)
    return f"service {quoted(service.names[0])} {{\n{body}}}\n"
