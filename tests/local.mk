# SPDX-License-Identifier: ISC
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/zoo/local.mk
include tests/integration/local.mk
include tests/faults/local.mk
include tests/lint/local.mk
include tests/system/local.mk

# For those who count them.
.PHONY: list-tests
list-tests:
	@printf '%s\n' $(TESTS)

# Check gives a test four seconds, which a busy machine with sanitizers exceeds.
AM_TESTS_ENVIRONMENT = CK_DEFAULT_TIMEOUT=120; export CK_DEFAULT_TIMEOUT;
