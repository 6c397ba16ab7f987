# SPDX-License-Identifier: ISC
# runner: starts programs as the configured user, and ends them.
noinst_LTLIBRARIES += librunner.la
librunner_la_SOURCES = \
	src/runner/admission.c src/runner/admission.h \
	src/runner/cancel.c src/runner/cancel.h \
	src/runner/cgroup.c src/runner/cgroup.h \
	src/runner/children.c src/runner/children.h \
	src/runner/entry.c src/runner/entry.h \
	src/runner/handler.c src/runner/handler.h \
	src/runner/handlerenv.c src/runner/handlerenv.h \
	src/runner/lending.c src/runner/lending.h \
	src/runner/link.c src/runner/link.h \
	src/runner/members.c src/runner/members.h \
	src/runner/pool.c src/runner/pool.h \
	src/runner/pools.c src/runner/pools.h \
	src/runner/poolsize.c src/runner/poolsize.h \
	src/runner/reap.c src/runner/reap.h \
	src/runner/runner.c src/runner/runner.h \
	src/runner/spawn.c src/runner/spawn.h \
	src/runner/table.c src/runner/table.h \
	src/runner/token.c src/runner/token.h \
	src/runner/twin.c src/runner/twin.h \
	src/runner/wants.c src/runner/wants.h \
	src/runner/workers.c src/runner/workers.h
