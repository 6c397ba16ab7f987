# SPDX-License-Identifier: ISC
broker_tests = \
	tests/unit/test_admission \
	tests/unit/test_cancel \
	tests/unit/test_entry \
	tests/unit/test_handler \
	tests/unit/test_handlerenv \
	tests/unit/test_lending \
	tests/unit/test_link \
	tests/unit/test_members \
	tests/unit/test_pool \
	tests/unit/test_pools \
	tests/unit/test_poolsize \
	tests/unit/test_stock \
	tests/unit/test_table \
	tests/unit/test_token \
	tests/unit/test_twin \
	tests/unit/test_wants \
	tests/unit/test_workers \
	tests/unit/test_broker
check_PROGRAMS += $(broker_tests)
TESTS += $(broker_tests)

broker_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
broker_test_ldadd = libbroker.la librunner.la libipc.la libconf.la libproto.la libbase.la libconfine.la $(CHECK_LIBS)
broker_peer = tests/unit/broker-peer.h tests/unit/unit.h
command_peer = tests/unit/command-peer.h $(broker_peer)
pool_peer = tests/unit/pool-peer.h $(broker_peer)

tests_unit_test_admission_SOURCES = tests/unit/test_admission.c
tests_unit_test_admission_CFLAGS = $(broker_test_cflags)
tests_unit_test_admission_LDADD = $(broker_test_ldadd)
tests_unit_test_cancel_SOURCES = tests/unit/test_cancel.c $(command_peer)
tests_unit_test_cancel_CFLAGS = $(broker_test_cflags)
tests_unit_test_cancel_LDADD = $(broker_test_ldadd)
tests_unit_test_entry_SOURCES = tests/unit/test_entry.c $(command_peer)
tests_unit_test_entry_CFLAGS = $(broker_test_cflags)
tests_unit_test_entry_LDADD = $(broker_test_ldadd)
tests_unit_test_handler_SOURCES = tests/unit/test_handler.c $(pool_peer)
tests_unit_test_handler_CFLAGS = $(broker_test_cflags)
tests_unit_test_handler_LDADD = $(broker_test_ldadd)
tests_unit_test_handlerenv_SOURCES = tests/unit/test_handlerenv.c $(pool_peer)
tests_unit_test_handlerenv_CFLAGS = $(broker_test_cflags)
tests_unit_test_handlerenv_LDADD = $(broker_test_ldadd)
tests_unit_test_lending_SOURCES = tests/unit/test_lending.c $(pool_peer)
tests_unit_test_lending_CFLAGS = $(broker_test_cflags)
tests_unit_test_lending_LDADD = $(broker_test_ldadd)
tests_unit_test_link_SOURCES = tests/unit/test_link.c $(command_peer)
tests_unit_test_link_CFLAGS = $(broker_test_cflags)
tests_unit_test_link_LDADD = $(broker_test_ldadd)
tests_unit_test_members_SOURCES = tests/unit/test_members.c
tests_unit_test_members_CFLAGS = $(broker_test_cflags)
tests_unit_test_members_LDADD = $(broker_test_ldadd)
tests_unit_test_pool_SOURCES = tests/unit/test_pool.c $(pool_peer)
tests_unit_test_pool_CFLAGS = $(broker_test_cflags)
tests_unit_test_pool_LDADD = $(broker_test_ldadd)
tests_unit_test_pools_SOURCES = tests/unit/test_pools.c $(pool_peer)
tests_unit_test_pools_CFLAGS = $(broker_test_cflags)
tests_unit_test_pools_LDADD = $(broker_test_ldadd)
tests_unit_test_poolsize_SOURCES = tests/unit/test_poolsize.c $(pool_peer)
tests_unit_test_poolsize_CFLAGS = $(broker_test_cflags)
tests_unit_test_poolsize_LDADD = $(broker_test_ldadd)
tests_unit_test_stock_SOURCES = tests/unit/test_stock.c $(command_peer)
tests_unit_test_stock_CFLAGS = $(broker_test_cflags)
tests_unit_test_stock_LDADD = $(broker_test_ldadd)
tests_unit_test_table_SOURCES = tests/unit/test_table.c
tests_unit_test_table_CFLAGS = $(broker_test_cflags)
tests_unit_test_table_LDADD = $(broker_test_ldadd)
tests_unit_test_token_SOURCES = tests/unit/test_token.c
tests_unit_test_token_CFLAGS = $(broker_test_cflags)
tests_unit_test_token_LDADD = $(broker_test_ldadd)
tests_unit_test_twin_SOURCES = tests/unit/test_twin.c $(command_peer)
tests_unit_test_twin_CFLAGS = $(broker_test_cflags)
tests_unit_test_twin_LDADD = $(broker_test_ldadd)
tests_unit_test_wants_SOURCES = tests/unit/test_wants.c
tests_unit_test_wants_CFLAGS = $(broker_test_cflags)
tests_unit_test_wants_LDADD = $(broker_test_ldadd)
tests_unit_test_workers_SOURCES = tests/unit/test_workers.c $(command_peer)
tests_unit_test_workers_CFLAGS = $(broker_test_cflags)
tests_unit_test_workers_LDADD = $(broker_test_ldadd)
tests_unit_test_broker_SOURCES = tests/unit/test_broker.c $(command_peer)
tests_unit_test_broker_CFLAGS = $(broker_test_cflags)
tests_unit_test_broker_LDADD = $(broker_test_ldadd)
