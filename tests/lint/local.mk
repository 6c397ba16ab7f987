# SPDX-License-Identifier: ISC
# lint: what can be said of the sources without running them.
lint_tests = tests/lint/banned.sh tests/lint/headers.sh tests/lint/manuals.sh
TESTS += $(lint_tests)
EXTRA_DIST += $(lint_tests)
