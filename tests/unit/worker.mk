# SPDX-License-Identifier: ISC
worker_tests = \
	tests/unit/test_conn \
	tests/unit/test_lease \
	tests/unit/test_lease_model \
	tests/unit/test_result
check_PROGRAMS += $(worker_tests)
TESTS += $(worker_tests)

worker_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
worker_test_ldadd = libworker.la libipc.la libconf.la libproto.la libbase.la \
	$(CHECK_LIBS)

tests_unit_test_conn_SOURCES = tests/unit/test_conn.c tests/unit/worker-peer.h
tests_unit_test_conn_CFLAGS = $(worker_test_cflags)
tests_unit_test_conn_LDADD = $(worker_test_ldadd)
tests_unit_test_lease_SOURCES = tests/unit/test_lease.c tests/unit/worker-peer.h
tests_unit_test_lease_CFLAGS = $(worker_test_cflags)
tests_unit_test_lease_LDADD = $(worker_test_ldadd)
tests_unit_test_lease_model_SOURCES = tests/unit/test_lease_model.c tests/unit/worker-peer.h
tests_unit_test_lease_model_CFLAGS = $(worker_test_cflags)
tests_unit_test_lease_model_LDADD = $(worker_test_ldadd)
tests_unit_test_result_SOURCES = tests/unit/test_result.c
tests_unit_test_result_CFLAGS = $(worker_test_cflags)
tests_unit_test_result_LDADD = $(worker_test_ldadd)
