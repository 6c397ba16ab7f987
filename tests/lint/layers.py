#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Draws the calls between the files of src and holds them to a table.

    layers.py --top DIR --build DIR --conf FILE [--print | --dot]

A file calls another one when its object needs a function or a variable that the
other one's object has; nm tells. So the address of a function in a table counts
as a call, and a call through a pointer does not: what flows upwards goes through
an interface that the lower side declares. The sources are asked only for their
#include lines.

A line of code, in *.c and *.h, is one that is not empty after its comments are
taken away. layers.conf explains what is held to it.
"""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys

# Made by the build, which may run in the source directory.
GENERATED = ("completions.h",)
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')
SYMBOL = re.compile(r"(.*\.o): (\S+) ([A-Za-z])\b")
CIRCLE_CUTS = 5


class Failure(Exception):
    """The lint cannot be run, or its table is wrong."""


class Skip(Exception):
    """This machine or build lacks something."""


# -------------------------------------------------------------------- table ---

class Table:
    """layers.conf."""

    def __init__(self, path, name):
        self.name = name
        self.layers = {}
        self.limits = {}
        self.circles = collections.defaultdict(list)
        self.nouns = {}
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                words = line.split("#")[0].replace(":", " : ", 1).split()
                if words and not self.take(words):
                    raise Failure(f"{name}:{number}: not understood: {line.strip()}")
        for layer, below in self.layers.items():
            for other in below:
                if other not in self.layers:
                    raise Failure(f"{name}: '{layer}' may call '{other}', which has no row")
                if layer in self.reach(other):
                    raise Failure(f"{name}: '{layer}' and '{other}' may call each other")

    def take(self, words):
        kind, rest = words[0], words[1:]
        if kind in ("layer", "noun") and len(rest) >= 2 and rest[1] == ":":
            rows = self.layers if kind == "layer" else self.nouns
            if rest[0] in rows:
                return False
            rows[rest[0]] = rest[2:]
            return True
        if kind == "limit" and len(rest) in (2, 4) and all(n.isdigit() for n in rest[1::2]):
            if rest[0] in self.limits or rest[2:3] not in ([], ["goal"]):
                return False
            self.limits[rest[0]] = [int(n) for n in rest[1::2]]
            return True
        if kind == "allow-circle" and len(rest) == 2 and rest[1].isdigit():
            self.circles[rest[0]].append(int(rest[1]))
            return True
        return False

    def reach(self, layer):
        """The layer and all that it may call, directly or through others."""
        seen, todo = set(), [layer]
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += self.layers.get(at, [])
        return seen

    def layer_of(self, path):
        """The nearest row for a file below src, or its directory without one."""
        place = os.path.dirname(path) or path
        at = place
        while at and at not in self.layers:
            at = os.path.dirname(at)
        return at or place

    def may(self, layer, other):
        return layer == other or other in self.layers.get(layer, [])


# -------------------------------------------------------------------- files ---

def sources_below(src):
    """The C files below src, by their paths there."""
    found = []
    for place, _, names in os.walk(src):
        found += [os.path.relpath(os.path.join(place, n), src)
                  for n in names if n.endswith((".c", ".h")) and n not in GENERATED]
    return sorted(found)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def count_code(text):
    """Lines that are not empty without their comments."""
    def bare(match):
        token = match.group()
        return token if token[0] in "\"'" else "\n" * token.count("\n") or " "
    return sum(1 for line in COMMENT.sub(bare, text).split("\n") if line.strip())


def source_of(obj, sources):
    """The source of an object, or None when it is not there any more.

    libtool puts objects into .libs, and automake puts the name of the target
    before that of the source where the target has flags of its own.
    """
    place, name = os.path.split(obj)
    if os.path.basename(place) == ".libs":
        place = os.path.dirname(place)
    name = name[:-2]
    while True:
        path = os.path.join(place, name + ".c")
        if path in sources:
            return path
        if "-" not in name:
            return None
        name = name.split("-", 1)[1]


def find_objects(build, sources):
    """Source -> its object."""
    objects = {}
    root = os.path.join(build, "src")
    for place, _, names in os.walk(root):
        for name in sorted(names):
            if name.endswith(".o"):
                obj = os.path.join(place, name)
                source = source_of(os.path.relpath(obj, root), sources)
                if source is not None:
                    objects.setdefault(source, obj)
    if not objects:
        raise Skip(f"nothing is built in {build}")
    missing = sorted(s for s in sources if s.endswith(".c") and s not in objects)
    if missing:
        raise Failure("no makefile builds, or nobody has built: " +
                      " ".join("src/" + m for m in missing))
    return objects


# -------------------------------------------------------------------- calls ---

def ask_nm(objects):
    """Object -> [(symbol, its letter)]. Objects for the optimizer of the link
    are known to the compiler's own nm, or to nm with a plugin."""
    tools = [t for t in (os.environ.get("NM"), "nm", "gcc-nm", "llvm-nm") if t and shutil.which(t)]
    if not tools:
        raise Skip("nm is not installed")
    for tool in tools:
        done = subprocess.run([tool, "-A", "-P"] + sorted(objects), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, universal_newlines=True, check=False)
        symbols = collections.defaultdict(list)
        for line in done.stdout.splitlines():
            match = SYMBOL.match(line)
            if match and not match.group(2).startswith("__gnu_lto"):
                symbols[match.group(1)].append(match.group(2, 3))
        if all(obj in symbols for obj in objects):
            return symbols
    raise Skip(f"these objects are unknown to {' and '.join(tools)}")


class Graph:
    """Which file calls which, and by which names."""

    def __init__(self, objects, table):
        self.objects = objects
        self.files = sorted(objects)
        self.calls = {f: {} for f in self.files}
        symbols = ask_nm(set(objects.values()))
        homes = collections.defaultdict(list)
        for source in self.files:
            for name, letter in symbols[objects[source]]:
                # Weak ones are in capitals too; small letters are static.
                if letter.isupper() and letter != "U":
                    homes[name].append(source)
        for source in self.files:
            for name, letter in symbols[objects[source]]:
                if letter not in "Uvw" or name not in homes:
                    continue
                home = homes[name]
                if len(home) > 1:
                    # Programs that are not linked together may each have one.
                    home = [h for h in home if table.may(table.layer_of(source), table.layer_of(h))]
                if len(home) != 1:
                    raise Failure(f"src/{source} calls {name}, which is in each of " +
                                  " ".join("src/" + h for h in homes[name]) +
                                  ": give them names of their own")
                self.calls[source].setdefault(home[0], set()).add(name)

    def where(self, source, name):
        """FILE:LINE of the first use of a name, where there is debug information."""
        done = subprocess.run(["nm", "-l", "-u", self.objects[source]], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, universal_newlines=True, check=False)
        for line in done.stdout.splitlines():
            symbol, _, place = line.strip().partition("\t")
            if symbol.split()[-1:] == [name] and "/src/" in place and not place.endswith(":0"):
                return "src/" + place.rpartition("/src/")[2]
        return "src/" + source

    def circles(self, without=None):
        """Sets of files that all reach each other, biggest first (Tarjan)."""
        number, low, stack, found = {}, {}, [], []

        def visit(at):
            number[at] = low[at] = len(number)
            stack.append(at)
            for other in sorted(self.calls[at]):
                if (at, other) == without:
                    continue
                if other not in number:
                    visit(other)
                    low[at] = min(low[at], low[other])
                elif other in stack:
                    low[at] = min(low[at], number[other])
            if low[at] == number[at]:
                circle = set(stack[stack.index(at):])
                del stack[stack.index(at):]
                if len(circle) > 1:
                    found.append(circle)

        for source in self.files:
            if source not in number:
                visit(source)
        return sorted(found, key=lambda c: (-len(c), sorted(c)))

    def example(self, circle):
        """A shortest way from a file of a circle back to it."""
        best = None
        for start in sorted(circle):
            came, todo = {start: None}, collections.deque([start])
            while todo:
                at = todo.popleft()
                if start in self.calls[at]:
                    way = [start]
                    while at is not None:
                        way.insert(0, at)
                        at = came[at]
                    if best is None or len(way) < len(best):
                        best = way
                    break
                for other in sorted(self.calls[at]):
                    if other in circle and other not in came:
                        came[other] = at
                        todo.append(other)
        return best

    def cuts(self, circle):
        """The calls without which a circle is smallest: (files left, names, a, b)."""
        found = []
        for a in circle:
            for b in set(self.calls[a]) & circle:
                left = [len(c) for c in self.circles(without=(a, b)) if c <= circle]
                found.append((max(left, default=0), len(self.calls[a][b]), a, b))
        return sorted(found)


# ------------------------------------------------------------------- report ---

def noun_of(circle, nouns):
    """The noun that all files of a circle belong to, or None."""
    for noun, files in nouns.items():
        if circle <= set(files):
            return noun
    stems = sorted(f[:-2] for f in circle)
    if all(s == stems[0] or s.startswith(stems[0] + "-") for s in stems):
        return stems[0]
    return None


def few(names):
    names = sorted(names)
    return " ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


class Lint:
    def __init__(self, args):
        self.src = os.path.join(args.top, "src")
        self.table = Table(args.conf, os.path.relpath(args.conf, args.top))
        self.sources = sources_below(self.src)
        self.texts = {s: read(os.path.join(self.src, s)) for s in self.sources}
        self.graph = Graph(find_objects(args.build, set(self.sources)), self.table)
        self.errors = []

    def wrong(self, text):
        self.errors.append(text)

    def check_rows(self):
        for layer in sorted({self.table.layer_of(s) for s in self.sources}):
            if layer not in self.table.layers:
                self.wrong(f"src/{layer}: no row in {self.table.name}: add 'layer {layer}: ...' "
                           "with what it may call")

    def check_arrow(self, place, layer, other, what):
        if layer in self.table.layers and not self.table.may(layer, other):
            below = " ".join(self.table.layers[layer]) or "nothing"
            self.wrong(f"{place}: {layer} {what}, but {layer} may use {below} "
                       f"({self.table.name}): let {layer} declare a callback, or move the function")

    def check_includes(self):
        for source in self.sources:
            for number, line in enumerate(self.texts[source].split("\n"), 1):
                match = INCLUDE.match(line)
                if match and "/" in match.group(1):
                    self.check_arrow(f"src/{source}:{number}", self.table.layer_of(source),
                                     self.table.layer_of(match.group(1)),
                                     f'includes "{match.group(1)}"')

    def check_calls(self):
        for source in self.graph.files:
            layer = self.table.layer_of(source)
            for other, names in sorted(self.graph.calls[source].items()):
                if self.table.may(layer, self.table.layer_of(other)):
                    continue
                for name in sorted(names):
                    self.check_arrow(self.graph.where(source, name), layer,
                                     self.table.layer_of(other), f"calls {name}() of src/{other}")

    def count_lines(self):
        lines = collections.Counter()
        for source, text in self.texts.items():
            n = count_code(text)
            lines[self.table.layer_of(source)] += n
            lines["all"] += n
        return lines

    def check_lines(self):
        lines = self.count_lines()
        print("lines of code:")
        for layer, n in sorted(lines.items(), key=lambda item: item[1]):
            bounds = self.table.limits.get(layer)
            note = ""
            if bounds:
                note = f"   at most {bounds[0]}" + "".join(f", goal {g}" for g in bounds[1:])
            print(f"  {layer:8} {n:6}{note}")
            if bounds and n > bounds[0]:
                self.wrong(f"{layer}: {n} lines of code, at most {bounds[0]} ({self.table.name}): "
                           "remove as many as were added")

    def print_circle(self, key, circle, cuts):
        print(f"circle of {len(circle)} files in {key}: {' '.join(sorted(circle))}")
        way = self.graph.example(circle)
        print("  such as:")
        for a, b in zip(way, way[1:]):
            names = self.graph.calls[a][b]
            print(f"    {a} -> {b} via {few(names)} ({self.graph.where(a, min(names))})")
        if cuts:
            print("  smallest without one of these:")
            for left, n, a, b in self.graph.cuts(circle)[:CIRCLE_CUTS]:
                print(f"    {a} -> {b} ({few(self.graph.calls[a][b])}): {left or 'no'} files left")

    def check_nouns(self):
        for noun, files in self.table.nouns.items():
            for source in files:
                if source not in self.graph.calls:
                    self.wrong(f"{self.table.name}: noun {noun}: there is no src/{source}")
            if len({self.table.layer_of(f) for f in files}) > 1:
                self.wrong(f"{self.table.name}: noun {noun}: its files are in several directories")

    def check_circles(self, cuts):
        found = collections.defaultdict(list)
        needed = set()
        for circle in self.graph.circles():
            noun = noun_of(circle, self.table.nouns)
            if noun is not None:
                needed.add(noun)
                continue
            found[" and ".join(sorted({self.table.layer_of(f) for f in circle}))].append(circle)
        for key, circles in sorted(found.items(), key=lambda item: -len(item[1][0])):
            for circle in circles:
                self.print_circle(key, circle, cuts)
        if not found:
            print("no circle of calls is larger than one noun")
        for noun in sorted(set(self.table.nouns) - needed):
            self.wrong(f"{self.table.name}: noun {noun}: no circle needs it: remove the line")
        for key in sorted(set(found) | set(self.table.circles)):
            # One through several directories has a call upwards, which is the error.
            if " and " not in key:
                self.hold_circles(key, [len(c) for c in found[key]],
                                  sorted(self.table.circles[key], reverse=True))

    def hold_circles(self, key, sizes, allowed):
        """Both biggest first. A circle worse than its line is an error, and so is a
        line worse than its circle."""
        name = self.table.name
        for i in range(max(len(sizes), len(allowed))):
            size = sizes[i] if i < len(sizes) else 0
            most = allowed[i] if i < len(allowed) else 0
            if size > most:
                self.wrong(f"{key}: a circle of {size} files, " +
                           (f"at most {most} ({name})" if most else "larger than one noun") +
                           ": cut one of its calls, see above")
            elif size and size < most:
                self.wrong(f"{key}: a circle has become smaller; so that it stays so, write "
                           f"'allow-circle {key} {size}' instead of {most} into {name}")
            elif size < most:
                self.wrong(f"{key}: a circle is gone; so that it stays so, remove "
                           f"'allow-circle {key} {most}' from {name}")

    def print_graph(self):
        for source in self.graph.files:
            print(f"{source}:")
            for other, names in sorted(self.graph.calls[source].items()):
                print(f"    {other}: {' '.join(sorted(names))}")

    def print_dot(self):
        """One box for each directory; arrows of a circle are red."""
        circle_of = {f: i for i, c in enumerate(self.graph.circles()) for f in c}
        layers = collections.defaultdict(list)
        for source in self.graph.files:
            layers[self.table.layer_of(source)].append(source)
        print("digraph calls {\n\trankdir = LR;\n\tnode [shape = box];")
        for layer, files in sorted(layers.items()):
            print(f'\tsubgraph "cluster_{layer}" {{\n\t\tlabel = "{layer}";')
            for source in files:
                print(f'\t\t"{source}" [label = "{os.path.basename(source)[:-2]}"];')
            print("\t}")
        for source in self.graph.files:
            for other, names in sorted(self.graph.calls[source].items()):
                red = circle_of.get(source, -1) == circle_of.get(other, -2)
                print(f'\t"{source}" -> "{other}" [tooltip = "{few(names)}"'
                      f'{", color = red" if red else ""}];')
        print("}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--top", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--conf", required=True)
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--dot", action="store_true")
    args = parser.parse_args()
    try:
        lint = Lint(args)
    except Skip as e:
        print(f"SKIP: {e}")
        return 77
    except Failure as e:
        print(e)
        return 1
    if args.dot:
        lint.print_dot()
        return 0
    if args.print:
        lint.print_graph()
    lint.check_rows()
    lint.check_includes()
    lint.check_calls()
    lint.check_lines()
    lint.check_nouns()
    lint.check_circles(cuts=args.print)
    for error in lint.errors:
        print(error)
    return 1 if lint.errors else 0


if __name__ == "__main__":
    sys.exit(main())
