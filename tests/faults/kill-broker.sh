#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-broker: kill -9 of the broker does not disturb builtins; each request
# that the broker held gets one answer, no process is left behind, and commands
# run again at once.
role=broker
. "${srcdir:-.}/tests/faults/one-of-a-kind.sh"
