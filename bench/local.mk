# SPDX-License-Identifier: ISC
# bench: what reqd is measured with. "./dev bench" builds and runs it; the
# load generators also serve the integration tests.
check_PROGRAMS += bench/load bench/paced
EXTRA_PROGRAMS += bench/bare-epoll bench/bare-pipe bench/bare-server \
	bench/bare-spawn bench/upper
EXTRA_DIST += bench/entered bench/entered.c bench/handlers bench/pair bench/reload bench/run \
	bench/services bench/tls bench/upper-kit.py bench/upper.py
CLEANFILES += bench/bare-epoll$(EXEEXT) bench/bare-pipe$(EXEEXT) \
	bench/bare-server$(EXEEXT) bench/bare-spawn$(EXEEXT) bench/upper$(EXEEXT)

bench_common = bench/bench.c bench/bench.h
bench_of_load = $(bench_common) bench/hist.c bench/hist.h bench/target.c bench/target.h
bench_load_SOURCES = bench/load.c $(bench_of_load)
bench_load_LDADD = $(BSD_LIBS)
bench_paced_SOURCES = bench/paced.c $(bench_of_load)
bench_paced_LDADD = $(BSD_LIBS)
bench_bare_epoll_SOURCES = bench/bare-epoll.c $(bench_common)
bench_bare_pipe_SOURCES = bench/bare-pipe.c $(bench_common)
bench_bare_pipe_LDADD = $(BSD_LIBS)
bench_bare_server_SOURCES = bench/bare-server.c $(bench_common)
bench_bare_spawn_SOURCES = bench/bare-spawn.c $(bench_common)
bench_bare_spawn_LDADD = $(BSD_LIBS)
# Without libreqd.so, as it is copied to where any account can run it.
bench_upper_SOURCES = bench/upper.c
bench_upper_LDADD = libserve.la libproto.la libbase.la

.PHONY: bench-programs
bench-programs: bench/load$(EXEEXT) bench/paced$(EXEEXT) bench/bare-epoll$(EXEEXT) \
	bench/bare-pipe$(EXEEXT) bench/bare-server$(EXEEXT) bench/bare-spawn$(EXEEXT) \
	bench/upper$(EXEEXT)
