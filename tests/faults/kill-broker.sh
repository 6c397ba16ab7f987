#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-broker: kill -9 of the broker is nothing to builtins; what it held ends,
# each with one answer, nothing is left behind, and commands run again at once.
role=broker
. "${srcdir:-.}/tests/faults/one-of-a-kind.sh"
