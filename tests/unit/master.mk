# SPDX-License-Identifier: ISC
master_tests = tests/unit/test_beat tests/unit/test_links tests/unit/test_listen \
	tests/unit/test_overlay tests/unit/test_passed tests/unit/test_reload tests/unit/test_roletable \
	tests/unit/test_socketunit
check_PROGRAMS += $(master_tests)
TESTS += $(master_tests)

master_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
master_test_ldadd = libmaster.la libipc.la libconf.la libproto.la libbase.la libconfine.la \
	$(SYSTEMD_LIBS) $(BSD_LIBS) $(CHECK_LIBS)

tests_unit_test_beat_SOURCES = tests/unit/test_beat.c
tests_unit_test_beat_CFLAGS = $(master_test_cflags)
tests_unit_test_beat_LDADD = $(master_test_ldadd)
tests_unit_test_links_SOURCES = tests/unit/test_links.c tests/unit/master-peer.h
tests_unit_test_links_CFLAGS = $(master_test_cflags)
tests_unit_test_links_LDADD = $(master_test_ldadd)
tests_unit_test_reload_SOURCES = tests/unit/test_reload.c tests/unit/master-peer.h
tests_unit_test_reload_CFLAGS = $(master_test_cflags)
tests_unit_test_reload_LDADD = $(master_test_ldadd)
tests_unit_test_roletable_SOURCES = tests/unit/test_roletable.c
tests_unit_test_roletable_CFLAGS = $(master_test_cflags)
tests_unit_test_roletable_LDADD = $(master_test_ldadd)
tests_unit_test_listen_SOURCES = tests/unit/test_listen.c
tests_unit_test_listen_CFLAGS = $(master_test_cflags)
tests_unit_test_listen_LDADD = $(master_test_ldadd)
tests_unit_test_overlay_SOURCES = tests/unit/test_overlay.c tests/unit/unit.h
tests_unit_test_overlay_CFLAGS = $(master_test_cflags)
tests_unit_test_overlay_LDADD = $(master_test_ldadd)
tests_unit_test_passed_SOURCES = tests/unit/test_passed.c
tests_unit_test_passed_CFLAGS = $(master_test_cflags)
tests_unit_test_passed_LDADD = $(master_test_ldadd)
tests_unit_test_socketunit_SOURCES = tests/unit/test_socketunit.c
tests_unit_test_socketunit_CFLAGS = $(master_test_cflags)
tests_unit_test_socketunit_LDADD = $(master_test_ldadd)
