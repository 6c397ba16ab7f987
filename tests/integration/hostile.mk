# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/integration/hostile
tests_integration_hostile_SOURCES = \
	tests/integration/hostile.c tests/integration/hostile.h tests/integration/hostile-bytes.c \
	tests/integration/hostile-load.c tests/integration/hostile-model.c \
	tests/integration/hostile-peer.c tests/integration/hostile-states.c
tests_integration_hostile_LDADD = libproto.la libbase.la $(BSD_LIBS)
hostile_tests = tests/integration/hostile.sh tests/integration/hostile-output.sh
TESTS += $(hostile_tests)
EXTRA_DIST += $(hostile_tests)
