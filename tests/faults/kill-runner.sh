#!/bin/sh
# SPDX-License-Identifier: ISC
# kill-runner: kill -9 of the runner does not disturb builtins; each request
# that was running gets one answer, and commands run again at once.
role=runner
. "${srcdir:-.}/tests/faults/one-of-a-kind.sh"
