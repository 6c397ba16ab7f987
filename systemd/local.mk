# SPDX-License-Identifier: ISC
dist_systemdsystemunit_DATA = systemd/reqd.socket
nodist_systemdsystemunit_DATA = systemd/reqd.service
sysusersdir = $(prefix)/lib/sysusers.d
nodist_sysusers_DATA = systemd/reqd.conf
EXTRA_DIST += systemd/reqd.service.in systemd/reqd.sysusers
CLEANFILES += systemd/reqd.service systemd/reqd.conf

systemd/reqd.service: systemd/reqd.service.in Makefile
	@$(MKDIR_P) systemd
	$(AM_V_GEN)sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' \
	    $(top_srcdir)/systemd/reqd.service.in >$@.tmp && mv $@.tmp $@

systemd/reqd.conf: systemd/reqd.sysusers Makefile
	@$(MKDIR_P) systemd
	$(AM_V_GEN)cp $(top_srcdir)/systemd/reqd.sysusers $@
