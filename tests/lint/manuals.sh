#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual pages render without a warning, and no line is wider than a
# terminal of 80 columns. (Pages that they refer to need not be installed here.)
command -v mandoc >/dev/null 2>&1 || { echo "SKIP: mandoc is not installed"; exit 77; }
cd "${srcdir:-.}/man" || exit 1
found=$(mandoc -Tlint ./*.[1-8] 2>&1 |
    grep -v 'referenced manual not found' | grep -v 'outdated mandoc.db')
if [ -n "$found" ]; then
	echo "$found"
	exit 1
fi
status=0
for page in ./*.[1-8]; do
	mandoc -Tascii -Owidth=78 "$page" | sed "s/.$(printf '\b')//g" | grep -E '.{81}' && {
		echo "$page: these lines are too long"
		status=1
	}
done
exit $status
