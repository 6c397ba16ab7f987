# SPDX-License-Identifier: ISC
# runner: starts programs as the configured user, and ends them. Runs as root.
noinst_LTLIBRARIES += librunner.la
librunner_la_SOURCES = \
	src/runner/orders.c src/runner/orders.h \
	src/runner/programs.c src/runner/programs.h \
	src/runner/reap.c src/runner/reap.h \
	src/runner/runner.c src/runner/runner.h \
	src/runner/spawn.c src/runner/spawn.h
