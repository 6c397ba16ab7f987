# SPDX-License-Identifier: ISC
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/zoo/local.mk
include tests/integration/local.mk
include tests/lint/local.mk
