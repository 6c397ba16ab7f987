# SPDX-License-Identifier: ISC
runner_tests = \
	tests/unit/test_cgroup \
	tests/unit/test_reap \
	tests/unit/test_spawn
check_PROGRAMS += $(runner_tests)
TESTS += $(runner_tests)

# The runner is tried as its broker makes use of it.
runner_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
runner_test_ldadd = libbroker.la librunner.la libipc.la libconf.la libproto.la libbase.la libconfine.la $(CHECK_LIBS)

tests_unit_test_cgroup_SOURCES = tests/unit/test_cgroup.c $(command_peer)
tests_unit_test_cgroup_CFLAGS = $(runner_test_cflags)
tests_unit_test_cgroup_LDADD = $(runner_test_ldadd)
tests_unit_test_reap_SOURCES = tests/unit/test_reap.c $(command_peer)
tests_unit_test_reap_CFLAGS = $(runner_test_cflags)
tests_unit_test_reap_LDADD = $(runner_test_ldadd)
tests_unit_test_spawn_SOURCES = tests/unit/test_spawn.c $(command_peer)
tests_unit_test_spawn_CFLAGS = $(runner_test_cflags)
tests_unit_test_spawn_LDADD = $(runner_test_ldadd)
