# SPDX-License-Identifier: ISC
# control: the control socket and what can be asked for there.
noinst_LTLIBRARIES += libcontrol.la
libcontrol_la_SOURCES = \
	src/control/control.c src/control/control.h \
	src/control/controlchange.c src/control/controlchange.h \
	src/control/controlsocket.c src/control/controlsocket.h \
	src/control/controlverbs.c src/control/controlverbs.h \
	src/control/status.c src/control/status.h \
	src/control/workerlinks.c src/control/workerlinks.h
