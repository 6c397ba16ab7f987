# SPDX-License-Identifier: ISC
# master: configuration, sockets, supervision, reload.
noinst_LTLIBRARIES += libmaster.la
libmaster_la_SOURCES = \
	src/master/controlanswer.c src/master/controlanswer.h \
	src/master/beat.c src/master/beat.h \
	src/master/bringup.c src/master/bringup.h \
	src/master/edition.c src/master/edition.h \
	src/master/keep.c src/master/keep.h \
	src/master/links.c src/master/links.h \
	src/master/listen.c src/master/listen.h \
	src/master/master.c src/master/master.h \
	src/master/notify.c src/master/notify.h \
	src/master/overlay.c src/master/overlay.h \
	src/master/passed.c src/master/passed.h \
	src/master/process.c src/master/process.h \
	src/master/recovery.c src/master/recovery.h \
	src/master/reload.c src/master/reload.h \
	src/master/roletable.c src/master/roletable.h \
	src/master/rundir.c src/master/rundir.h \
	src/master/socketunit.c src/master/socketunit.h \
	src/master/stale.c src/master/stale.h \
	src/master/stop.c src/master/stop.h \
	src/master/orphans.c src/master/orphans.h \
	src/master/stuck.c src/master/stuck.h
libmaster_la_LIBADD = $(SYSTEMD_LIBS)
