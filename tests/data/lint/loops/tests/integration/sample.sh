#!/bin/sh
# SPDX-License-Identifier: ISC
# sample: tests/lint/loops.sh must refuse each line with the mark, and no other.
while true; do sleep 1; done	# ENDLESS
until [ -e file ]; do :; done	# ENDLESS
for i in 1 2 3; do while kill -0 "$1"; do :; done; done	# ENDLESS
while read -r line; do echo "$line"; done
while IFS=: read -r line; do echo "$line"; done
for i in 1 2 3; do echo "$i"; done
until_true test -e file
