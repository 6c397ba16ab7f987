#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-runner: kill -9 of the runner is nothing to builtins; what it ran ends,
# each with one answer, and commands run again at once.
role=runner
. "${srcdir:-.}/tests/faults/one-of-a-kind.sh"
