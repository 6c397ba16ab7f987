# SPDX-License-Identifier: ISC
# zoo: misbehaving programs for the integration tests.
check_LTLIBRARIES += libzoo.la
libzoo_la_SOURCES = tests/zoo/zoo.c tests/zoo/zoo.h
libzoo_la_LIBADD = $(BSD_LIBS)

zoo_programs = \
	tests/zoo/close-stdout \
	tests/zoo/daemonize \
	tests/zoo/die-at-once \
	tests/zoo/die-by-signal \
	tests/zoo/flood-stderr \
	tests/zoo/flood-stdout \
	tests/zoo/fork-and-leave \
	tests/zoo/fork-bomb \
	tests/zoo/hold-pipe \
	tests/zoo/ignore-term \
	tests/zoo/never-read \
	tests/zoo/show-self \
	tests/zoo/sleeper \
	tests/zoo/stubborn-tree
check_PROGRAMS += $(zoo_programs)

tests_zoo_close_stdout_SOURCES = tests/zoo/close-stdout.c
tests_zoo_close_stdout_LDADD = libzoo.la
tests_zoo_daemonize_SOURCES = tests/zoo/daemonize.c
tests_zoo_daemonize_LDADD = libzoo.la
tests_zoo_die_at_once_SOURCES = tests/zoo/die-at-once.c
tests_zoo_die_at_once_LDADD = libzoo.la
tests_zoo_die_by_signal_SOURCES = tests/zoo/die-by-signal.c
tests_zoo_die_by_signal_LDADD = libzoo.la
tests_zoo_flood_stderr_SOURCES = tests/zoo/flood-stderr.c
tests_zoo_flood_stderr_LDADD = libzoo.la
tests_zoo_flood_stdout_SOURCES = tests/zoo/flood-stdout.c
tests_zoo_flood_stdout_LDADD = libzoo.la
tests_zoo_fork_and_leave_SOURCES = tests/zoo/fork-and-leave.c
tests_zoo_fork_and_leave_LDADD = libzoo.la
tests_zoo_fork_bomb_SOURCES = tests/zoo/fork-bomb.c
tests_zoo_fork_bomb_LDADD = libzoo.la
tests_zoo_hold_pipe_SOURCES = tests/zoo/hold-pipe.c
tests_zoo_hold_pipe_LDADD = libzoo.la
tests_zoo_ignore_term_SOURCES = tests/zoo/ignore-term.c
tests_zoo_ignore_term_LDADD = libzoo.la
tests_zoo_never_read_SOURCES = tests/zoo/never-read.c
tests_zoo_never_read_LDADD = libzoo.la
tests_zoo_show_self_SOURCES = tests/zoo/show-self.c
tests_zoo_show_self_LDADD = libzoo.la
tests_zoo_sleeper_SOURCES = tests/zoo/sleeper.c
tests_zoo_sleeper_LDADD = libzoo.la
tests_zoo_stubborn_tree_SOURCES = tests/zoo/stubborn-tree.c
tests_zoo_stubborn_tree_LDADD = libzoo.la
EXTRA_DIST += tests/zoo/handler.py tests/zoo/handler-input.py
