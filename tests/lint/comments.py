#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Checks that comments can be read alone, and that file names are unique.

    comments.py --top DIR --conf FILE [--print]

A comment whose first word is a pronoun, a relative clause or a question hides
its subject from the reader: "It is closed then", "Who waits gets one", "Is this
still open?". The lint counts these comments and holds each directory to a
number. It also refuses a .c file without an opening sentence, a reference to a
numbered rule, a capital R and a number in parentheses, and two files of src
with one base name.
comments.conf explains its lines. --print shows every comment that counts.
"""
import argparse
import collections
import os
import re
import sys

sys.dont_write_bytecode = True
from layers import COMMENT, Failure, read  # noqa: E402

# Words that need a noun and have none.
BARE = set("""he her hers him his how it its she that their theirs them they what whatever where
whether which whichever who whoever whom whose why""".split())
# Words that need a noun, and have none when one of the second list follows.
OPEN = set("""all another any both each either few many more most neither none one other others
some such these this those""".split())
AFTER_OPEN = set("""a again also an and are as at be because been but by can cannot could did do does
for from had has have how if in into is it its may might must no not of on only or over shall
should so such than that the then they to too under until was we were what when where which while
who will with without would""".split())
# A sentence that begins with one of these has no subject, or asks something.
ASKS = set("Am Are Can Could Did Had Has Have Is Might Shall Should Was Were Will Would".split())
REFERENCE = re.compile(r"\(R[0-9]+[a-z]?[,)]")
# Samples of what lints refuse.
SKIP = "/tests/data/lint/"
DOCUMENTS = """man README.md ARCHITECTURE.md HACKING.md HTTP.md PROTOCOL.md NEWS.md SECURITY.md examples etc
completions""".split()
GOAL = 1.0


class Table:
    """comments.conf."""

    def __init__(self, path, name):
        self.name = name
        self.limits = {kind: {} for kind in ("pronouns", "headless", "references")}
        self.twins = set()
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                words = line.split("#")[0].split()
                if words and not self.take(words):
                    raise Failure(f"{name}:{number}: not understood: {line.strip()}")

    def take(self, words):
        if words[0] == "twins" and len(words) == 2:
            self.twins.add(words[1])
            return True
        rows = self.limits.get(words[0])
        if rows is None or len(words) != 3 or not words[2].isdigit() or words[1] in rows:
            return False
        rows[words[1]] = int(words[2])
        return True


def text_of(comment):
    """The words of a C comment."""
    lines = comment[2:-2].split("\n")
    return " ".join(re.sub(r"^\s*\*", "", line).strip() for line in lines).strip()


def comments_of_c(source):
    """(line, text) of each comment."""
    for match in COMMENT.finditer(source):
        if match.group().startswith("/*"):
            yield source.count("\n", 0, match.start()) + 1, text_of(match.group())


def comments_of_script(source):
    """(line, text) of each block of lines that begin with a # and a blank."""
    block, began = [], 0
    for number, line in enumerate(source.split("\n") + [""], 1):
        match = re.match(r"\s*# (.*)", line)
        if match and match.group(1).startswith("SPDX"):
            continue
        if match:
            began = began if block else number
            block.append(match.group(1).strip())
        elif block:
            yield began, " ".join(block)
            block = []


def is_prose(text):
    """True if a comment is a text of at least two words, and no ruler or licence."""
    return (not text.startswith(("SPDX-", "-", "shellcheck ", "NOLINT"))
            and len(re.findall(r"[A-Za-z]{2,}", text)) >= 2)


def hides_subject(text, stem):
    """True if the first word of a comment is a pronoun or asks something. A header
    opens with the name of its file, which is left out."""
    text = text[len(stem) + 2:] if text.startswith(stem + ": ") else text
    words = re.sub(r"^\.\.\.\s*", "", text).split()
    if not words or not words[0][0].isalpha():
        return False
    first = words[0].rstrip(",;:.'").split("'")[0]
    if first.isupper() and len(first) > 1:
        return False
    follows = re.sub(r"[^a-z].*", "", words[1]) if len(words) > 1 else ""
    if first in ASKS or first.lower() in BARE:
        return True
    if words[1:3] == ["of", "the"]:
        return False
    return first.lower() in OPEN and (words[0][-1] in ",;:." or follows in AFTER_OPEN)


def has_head(source):
    """True if a .c file opens with a sentence, behind its licence."""
    match = re.match(r"/\* SPDX[^\n]*\*/\n+(/\*.*?\*/)", source, re.S)
    return match is not None and is_prose(text_of(match.group(1)))


class Lint:
    def __init__(self, args):
        self.top = args.top
        self.show = args.print
        self.table = Table(args.conf, os.path.relpath(args.conf, args.top))
        self.errors = []
        self.n = collections.Counter()
        self.pronouns = collections.Counter()
        self.headless = collections.Counter()
        self.references = collections.defaultdict(list)

    def files(self, *places):
        for place in places:
            for at, dirs, names in os.walk(os.path.join(self.top, place)):
                dirs.sort()
                for name in sorted(names):
                    path = os.path.join(at, name)
                    if SKIP not in path[len(self.top):]:
                        yield path
            if os.path.isfile(os.path.join(self.top, place)):
                yield os.path.join(self.top, place)

    def look(self, path):
        """Counts what is in one file."""
        name = os.path.relpath(path, self.top)
        place = os.path.dirname(name) if name.startswith("src/") else name.split("/")[0]
        stem = os.path.splitext(os.path.basename(name))[0]
        try:
            source = read(path)
        except UnicodeDecodeError:
            return
        for number, line in enumerate(source.split("\n"), 1):
            if REFERENCE.search(line):
                self.references[place].append(f"{name}:{number}: {line.strip()}")
        if name.endswith((".c", ".h")):
            comments = comments_of_c(source)
        elif name.endswith((".sh", ".py")) or source.startswith("#!"):
            comments = comments_of_script(source)
        else:
            return
        for number, text in comments:
            if not is_prose(text):
                continue
            self.n[place] += 1
            if hides_subject(text, stem):
                self.pronouns[place] += 1
                if self.show:
                    print(f"{name}:{number}: {text[:90]}")
        if name.startswith("src/") and name.endswith(".c") and not has_head(source):
            self.headless[place] += 1
            if self.show:
                print(f"{name}: no opening sentence")

    def hold(self, kind, place, n, text):
        most = self.table.limits[kind].get(place, 0)
        if n > most:
            self.errors.append(f"{place}: {n} {text}, at most {most} ({self.table.name}); "
                               "tests/lint/comments.sh --print shows them")

    def check_counts(self):
        print("comments that begin with a pronoun or a question:")
        for place in sorted(self.n):
            n, all_ = self.pronouns[place], self.n[place]
            most = self.table.limits["pronouns"].get(place)
            note = "" if most is None else f"   at most {most}"
            if most is not None and n < most:
                note += f"; {self.table.name} can say {n}"
            print(f"  {place:14} {n:4} of {all_:4}  {100 * n / all_:5.1f} %{note}")
            if most is not None or n > all_ * GOAL / 100:
                self.hold("pronouns", place, n, "comments begin with a pronoun or a question")
            self.hold("headless", place, self.headless[place], "files .c without an opening sentence")
        for kind in ("src", "tests", "bench"):
            n, all_ = (sum(c for p, c in counts.items() if (p + "/").startswith(kind + "/"))
                       for counts in (self.pronouns, self.n))
            if all_:
                print(f"all of {kind}: {n} of {all_}, {100 * n / all_:.1f} %, goal {GOAL:.1f} %")

    def check_references(self):
        for place, lines in sorted(self.references.items()):
            if len(lines) > self.table.limits["references"].get(place, 0):
                self.hold("references", place, len(lines), "references to a numbered rule")
                self.errors += [f"  {line}: say the rule itself" for line in lines]

    def check_twins(self):
        homes = collections.defaultdict(list)
        for path in self.files("src"):
            if path.endswith((".c", ".h")):
                homes[os.path.basename(path)].append(os.path.relpath(path, self.top))
        twins = {name for name, paths in homes.items() if len(paths) > 1}
        for name in sorted(twins - self.table.twins):
            self.errors.append(f"{name}: two files have this name: {' '.join(homes[name])}: "
                               "rename one of them")
        for name in sorted(self.table.twins - twins):
            self.errors.append(f"{self.table.name}: no two files are called {name} any more; "
                               f"so that it stays so, remove 'twins {name}'")

    def run(self):
        for path in self.files("src", "tests", "bench", "dev", *DOCUMENTS):
            self.look(path)
        if sum(self.n.values()) == 0:
            raise Failure("no comment was found")
        self.check_counts()
        self.check_references()
        self.check_twins()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--top", required=True)
    parser.add_argument("--conf", required=True)
    parser.add_argument("--print", action="store_true")
    try:
        lint = Lint(parser.parse_args())
        lint.run()
    except Failure as e:
        print(e)
        return 1
    for error in lint.errors:
        print(error)
    return 1 if lint.errors else 0


if __name__ == "__main__":
    sys.exit(main())
