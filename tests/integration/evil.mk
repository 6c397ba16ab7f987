# SPDX-License-Identifier: ISC
# A whole reqd whose first workers are taken over.
check_PROGRAMS += tests/integration/reqd-evil
tests_integration_reqd_evil_SOURCES = src/reqd.c tests/integration/evil.c \
	tests/integration/evil-floods.c tests/integration/evil-frames.c \
	tests/integration/evil-handlers.c tests/integration/evil-keys.c \
	tests/integration/evil-requests.c \
	tests/integration/evil-passwords.c tests/integration/evil-sandbox.c \
	tests/integration/evil-tools.c tests/integration/evil.h
tests_integration_reqd_evil_LDADD = $(reqd_LDADD)
tests_integration_reqd_evil_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=worker_main
EXTRA_DIST += tests/integration/evil-worker.py
