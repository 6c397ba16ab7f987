# SPDX-License-Identifier: ISC
# bench: what reqd is measured with. "./dev bench" builds and runs it; the
# load generator also serves the integration tests.
check_PROGRAMS += bench/load
EXTRA_PROGRAMS += bench/bare-epoll bench/bare-spawn
EXTRA_DIST += bench/run
CLEANFILES += bench/bare-epoll$(EXEEXT) bench/bare-spawn$(EXEEXT)

bench_load_SOURCES = bench/load.c bench/bench.c bench/bench.h
bench_load_LDADD = $(BSD_LIBS)
bench_bare_epoll_SOURCES = bench/bare-epoll.c bench/bench.c bench/bench.h
bench_bare_spawn_SOURCES = bench/bare-spawn.c bench/bench.c bench/bench.h
bench_bare_spawn_LDADD = $(BSD_LIBS)

.PHONY: bench-programs
bench-programs: bench/load$(EXEEXT) bench/bare-epoll$(EXEEXT) bench/bare-spawn$(EXEEXT)
