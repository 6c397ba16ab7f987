# SPDX-License-Identifier: ISC
sbin_PROGRAMS += reqd
reqd_SOURCES = src/reqd.c
reqd_LDADD = libselftest.la libmaster.la libcontrol.la libbroker.la librunner.la libkeys.la libauth.la \
	libworker.la libhttp.la libresp.la libcall.la liblease.la libnet.la liblogger.la libipc.la \
	libconf.la libproto.la libbase.la libconfine.la \
	$(SYSTEMD_LIBS) $(TLS_LIBS) $(CRYPT_LIBS) $(BSD_LIBS)
