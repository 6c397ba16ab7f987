#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual pages render without a warning. (That the pages they refer to are
# not installed here is no fault of theirs.)
command -v mandoc >/dev/null 2>&1 || { echo "SKIP: mandoc is not installed"; exit 77; }
cd "${srcdir:-.}/man" || exit 1
found=$(mandoc -Tlint ./*.[1-8] 2>&1 |
    grep -v 'referenced manual not found' | grep -v 'outdated mandoc.db')
if [ -n "$found" ]; then
	echo "$found"
	exit 1
fi
