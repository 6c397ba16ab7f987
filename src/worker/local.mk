# SPDX-License-Identifier: ISC
# worker: the role: its life, the wiring of its layers, its links.
noinst_LTLIBRARIES += libworker.la
libworker_la_SOURCES = \
	src/worker/brokerlink.c src/worker/brokerlink.h \
	src/worker/controllink.c src/worker/controllink.h \
	src/worker/worker.c src/worker/worker.h
