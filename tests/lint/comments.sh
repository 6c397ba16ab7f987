#!/bin/sh
# SPDX-License-Identifier: ISC
# Comments can be read alone: they do not begin with a pronoun or a question,
# every .c of src opens with a sentence, no comment refers to a numbered rule.
# No two files of src have one name. comments.conf has the limits; comments.py,
# which does it, has the lists of words.
#
#     tests/lint/comments.sh --print    also every comment that counts
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
command -v python3 >/dev/null 2>&1 || { echo "SKIP: python3 is not installed"; exit 77; }
exec python3 "$(dirname "$0")/comments.py" --top "$top" --conf "$top/tests/lint/comments.conf" "$@"
