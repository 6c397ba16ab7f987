# SPDX-License-Identifier: ISC
# master: configuration, sockets, supervision, reload, control socket.
noinst_LTLIBRARIES += libmaster.la
libmaster_la_SOURCES = \
	src/master/beat.c src/master/beat.h \
	src/master/control.c src/master/control.h \
	src/master/controlverbs.c src/master/controlverbs.h \
	src/master/keep.c src/master/keep.h \
	src/master/limits.c src/master/limits.h \
	src/master/links.c src/master/links.h \
	src/master/listen.c src/master/listen.h \
	src/master/master.c src/master/master.h \
	src/master/notify.c src/master/notify.h \
	src/master/passed.c src/master/passed.h \
	src/master/process.c src/master/process.h \
	src/master/reload.c src/master/reload.h \
	src/master/report.c src/master/report.h \
	src/master/roletable.c src/master/roletable.h \
	src/master/rundir.c src/master/rundir.h \
	src/master/sockdiag.c src/master/sockdiag.h \
	src/master/socketfile.c src/master/socketfile.h \
	src/master/socketunit.c src/master/socketunit.h \
	src/master/status.c src/master/status.h \
	src/master/stop.c src/master/stop.h \
	src/master/strays.c src/master/strays.h \
	src/master/stuck.c src/master/stuck.h
libmaster_la_LIBADD = $(SYSTEMD_LIBS)
