# SPDX-License-Identifier: ISC
# faults: reqd beside a load while its processes are killed, stopped and stuck.
check_PROGRAMS += tests/faults/ledger tests/faults/openload tests/faults/watch tests/faults/wedge

# Without libreqd.so, as it is copied to where any account can run it.
tests_faults_ledger_SOURCES = tests/faults/ledger.c $(bench_common)
tests_faults_ledger_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_faults_ledger_LDADD = libserve.la libproto.la libbase.la
tests_faults_openload_SOURCES = tests/faults/openload.c $(bench_of_load)
tests_faults_openload_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_faults_openload_LDADD = $(BSD_LIBS)
tests_faults_watch_SOURCES = tests/faults/watch.c $(bench_common) bench/target.c bench/target.h
tests_faults_watch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_faults_watch_LDADD = $(JANSSON_LIBS)
tests_faults_wedge_SOURCES = tests/faults/wedge.c $(bench_common)
tests_faults_wedge_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)

fault_tests = \
	tests/faults/freeze.sh \
	tests/faults/kill-broker.sh \
	tests/faults/kill-control.sh \
	tests/faults/kill-auth.sh \
	tests/faults/kill-keys.sh \
	tests/faults/kill-master.sh \
	tests/faults/kill-runner.sh \
	tests/faults/kill-web.sh \
	tests/faults/kill-worker.sh \
	tests/faults/stuck-worker.sh
# Fault tests ask for times and losses, which a sanitizer changes; integration tests kill and
# stop processes of such a build, too.
if !SANITIZERS
TESTS += $(fault_tests)
endif
EXTRA_DIST += $(fault_tests) tests/faults/faults.sh tests/faults/invariants.sh \
	tests/faults/one-of-a-kind.sh
