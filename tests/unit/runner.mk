# SPDX-License-Identifier: ISC
runner_tests = \
	tests/unit/test_admission \
	tests/unit/test_cancel \
	tests/unit/test_cgroup \
	tests/unit/test_children \
	tests/unit/test_entry \
	tests/unit/test_handler \
	tests/unit/test_handlerenv \
	tests/unit/test_lending \
	tests/unit/test_link \
	tests/unit/test_members \
	tests/unit/test_pool \
	tests/unit/test_pools \
	tests/unit/test_poolsize \
	tests/unit/test_reap \
	tests/unit/test_runner \
	tests/unit/test_spawn \
	tests/unit/test_table \
	tests/unit/test_token \
	tests/unit/test_twin \
	tests/unit/test_wants \
	tests/unit/test_workers
check_PROGRAMS += $(runner_tests)
TESTS += $(runner_tests)

runner_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
runner_test_ldadd = librunner.la libipc.la libconf.la libproto.la libbase.la $(CHECK_LIBS)
runner_peer = tests/unit/runner-peer.h tests/unit/unit.h
command_peer = tests/unit/command-peer.h $(runner_peer)
pool_peer = tests/unit/pool-peer.h $(runner_peer)

tests_unit_test_admission_SOURCES = tests/unit/test_admission.c
tests_unit_test_admission_CFLAGS = $(runner_test_cflags)
tests_unit_test_admission_LDADD = $(runner_test_ldadd)
tests_unit_test_cancel_SOURCES = tests/unit/test_cancel.c $(command_peer)
tests_unit_test_cancel_CFLAGS = $(runner_test_cflags)
tests_unit_test_cancel_LDADD = $(runner_test_ldadd)
tests_unit_test_cgroup_SOURCES = tests/unit/test_cgroup.c $(command_peer)
tests_unit_test_cgroup_CFLAGS = $(runner_test_cflags)
tests_unit_test_cgroup_LDADD = $(runner_test_ldadd)
tests_unit_test_children_SOURCES = tests/unit/test_children.c tests/unit/unit.h
tests_unit_test_children_CFLAGS = $(runner_test_cflags)
tests_unit_test_children_LDADD = $(runner_test_ldadd)
tests_unit_test_entry_SOURCES = tests/unit/test_entry.c $(command_peer)
tests_unit_test_entry_CFLAGS = $(runner_test_cflags)
tests_unit_test_entry_LDADD = $(runner_test_ldadd)
tests_unit_test_handler_SOURCES = tests/unit/test_handler.c $(pool_peer)
tests_unit_test_handler_CFLAGS = $(runner_test_cflags)
tests_unit_test_handler_LDADD = $(runner_test_ldadd)
tests_unit_test_handlerenv_SOURCES = tests/unit/test_handlerenv.c $(pool_peer)
tests_unit_test_handlerenv_CFLAGS = $(runner_test_cflags)
tests_unit_test_handlerenv_LDADD = $(runner_test_ldadd)
tests_unit_test_lending_SOURCES = tests/unit/test_lending.c $(pool_peer)
tests_unit_test_lending_CFLAGS = $(runner_test_cflags)
tests_unit_test_lending_LDADD = $(runner_test_ldadd)
tests_unit_test_link_SOURCES = tests/unit/test_link.c $(command_peer)
tests_unit_test_link_CFLAGS = $(runner_test_cflags)
tests_unit_test_link_LDADD = $(runner_test_ldadd)
tests_unit_test_members_SOURCES = tests/unit/test_members.c
tests_unit_test_members_CFLAGS = $(runner_test_cflags)
tests_unit_test_members_LDADD = $(runner_test_ldadd)
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c $(pool_peer)
tests_unit_test_pool_CFLAGS = $(runner_test_cflags)
tests_unit_test_pool_LDADD = $(runner_test_ldadd)
tests_unit_test_pools_SOURCES = tests/unit/test_pools.c $(pool_peer)
tests_unit_test_pools_CFLAGS = $(runner_test_cflags)
tests_unit_test_pools_LDADD = $(runner_test_ldadd)
tests_unit_test_poolsize_SOURCES = tests/unit/test_poolsize.c $(pool_peer)
tests_unit_test_poolsize_CFLAGS = $(runner_test_cflags)
tests_unit_test_poolsize_LDADD = $(runner_test_ldadd)
tests_unit_test_reap_SOURCES = tests/unit/test_reap.c $(command_peer)
tests_unit_test_reap_CFLAGS = $(runner_test_cflags)
tests_unit_test_reap_LDADD = $(runner_test_ldadd)
tests_unit_test_runner_SOURCES = tests/unit/test_runner.c $(command_peer)
tests_unit_test_runner_CFLAGS = $(runner_test_cflags)
tests_unit_test_runner_LDADD = $(runner_test_ldadd)
tests_unit_test_spawn_SOURCES = tests/unit/test_spawn.c $(command_peer)
tests_unit_test_spawn_CFLAGS = $(runner_test_cflags)
tests_unit_test_spawn_LDADD = $(runner_test_ldadd)
tests_unit_test_table_SOURCES = tests/unit/test_table.c
tests_unit_test_table_CFLAGS = $(runner_test_cflags)
tests_unit_test_table_LDADD = $(runner_test_ldadd)
tests_unit_test_token_SOURCES = tests/unit/test_token.c
tests_unit_test_token_CFLAGS = $(runner_test_cflags)
tests_unit_test_token_LDADD = $(runner_test_ldadd)
tests_unit_test_twin_SOURCES = tests/unit/test_twin.c $(command_peer)
tests_unit_test_twin_CFLAGS = $(runner_test_cflags)
tests_unit_test_twin_LDADD = $(runner_test_ldadd)
tests_unit_test_wants_SOURCES = tests/unit/test_wants.c
tests_unit_test_wants_CFLAGS = $(runner_test_cflags)
tests_unit_test_wants_LDADD = $(runner_test_ldadd)
tests_unit_test_workers_SOURCES = tests/unit/test_workers.c $(command_peer)
tests_unit_test_workers_CFLAGS = $(runner_test_cflags)
tests_unit_test_workers_LDADD = $(runner_test_ldadd)
