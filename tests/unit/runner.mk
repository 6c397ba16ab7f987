# SPDX-License-Identifier: ISC
runner_tests = \
	tests/unit/test_admission \
	tests/unit/test_members \
	tests/unit/test_pool \
	tests/unit/test_runner \
	tests/unit/test_table \
	tests/unit/test_token \
	tests/unit/test_wants
check_PROGRAMS += $(runner_tests)
TESTS += $(runner_tests)

runner_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
runner_test_ldadd = librunner.la libipc.la libconf.la libproto.la libbase.la $(CHECK_LIBS)

tests_unit_test_admission_SOURCES = tests/unit/test_admission.c
tests_unit_test_admission_CFLAGS = $(runner_test_cflags)
tests_unit_test_admission_LDADD = $(runner_test_ldadd)
tests_unit_test_members_SOURCES = tests/unit/test_members.c
tests_unit_test_members_CFLAGS = $(runner_test_cflags)
tests_unit_test_members_LDADD = $(runner_test_ldadd)
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c tests/unit/runner-peer.h
tests_unit_test_pool_CFLAGS = $(runner_test_cflags)
tests_unit_test_pool_LDADD = $(runner_test_ldadd)
tests_unit_test_runner_SOURCES = tests/unit/test_runner.c tests/unit/runner-peer.h
tests_unit_test_runner_CFLAGS = $(runner_test_cflags)
tests_unit_test_runner_LDADD = $(runner_test_ldadd)
tests_unit_test_table_SOURCES = tests/unit/test_table.c
tests_unit_test_table_CFLAGS = $(runner_test_cflags)
tests_unit_test_table_LDADD = $(runner_test_ldadd)
tests_unit_test_token_SOURCES = tests/unit/test_token.c
tests_unit_test_token_CFLAGS = $(runner_test_cflags)
tests_unit_test_token_LDADD = $(runner_test_ldadd)
tests_unit_test_wants_SOURCES = tests/unit/test_wants.c
tests_unit_test_wants_CFLAGS = $(runner_test_cflags)
tests_unit_test_wants_LDADD = $(runner_test_ldadd)
