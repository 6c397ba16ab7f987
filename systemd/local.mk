# SPDX-License-Identifier: ISC
dist_systemdsystemunit_DATA = systemd/reqd.socket
nodist_systemdsystemunit_DATA = systemd/reqd.service systemd/reqd@.service
sysusersdir = $(prefix)/lib/sysusers.d
nodist_sysusers_DATA = systemd/reqd.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_tmpfiles_DATA = systemd/tmpfiles/reqd.conf
catalogdir = $(prefix)/lib/systemd/catalog
dist_catalog_DATA = systemd/reqd.catalog
EXTRA_DIST += systemd/reqd.service.in systemd/reqd.sysusers \
	systemd/reqd.tmpfiles
CLEANFILES += systemd/reqd.service systemd/reqd@.service systemd/reqd.conf \
	systemd/tmpfiles/reqd.conf

# One text for both: lines that only one of them has begin with a word.
unit_paths = -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' \
	-e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@runstatedir[@]|$(runstatedir)|g'

systemd/reqd.service: systemd/reqd.service.in Makefile
	@$(MKDIR_P) systemd
	$(AM_V_GEN)sed -e '/^@each@/d' -e 's/^@one@//' $(unit_paths) \
	    $(top_srcdir)/systemd/reqd.service.in >$@.tmp && mv $@.tmp $@

systemd/reqd@.service: systemd/reqd.service.in Makefile
	@$(MKDIR_P) systemd
	$(AM_V_GEN)sed -e '/^@one@/d' -e 's/^@each@//' $(unit_paths) \
	    $(top_srcdir)/systemd/reqd.service.in >$@.tmp && mv $@.tmp $@

systemd/reqd.conf: systemd/reqd.sysusers Makefile
	@$(MKDIR_P) systemd
	$(AM_V_GEN)cp $(top_srcdir)/systemd/reqd.sysusers $@

systemd/tmpfiles/reqd.conf: systemd/reqd.tmpfiles Makefile
	@$(MKDIR_P) systemd/tmpfiles
	$(AM_V_GEN)sed -e 's|/run/|$(runstatedir)/|' $(top_srcdir)/systemd/reqd.tmpfiles >$@.tmp && \
	    mv $@.tmp $@
