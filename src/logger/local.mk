# SPDX-License-Identifier: ISC
# logger: formats and writes records; the only process that may block on a log.
noinst_LTLIBRARIES += liblogger.la
liblogger_la_SOURCES = \
	src/logger/logger.c src/logger/logger.h \
	src/logger/logsink.c src/logger/logsink.h
