# SPDX-License-Identifier: ISC
# The configuration belongs to the administrator: it is installed where there
# is none, and uninstalled while it is as it was installed. Where reqd.conf is,
# an example that is missing has been removed for a reason.
reqdconfdir = $(sysconfdir)/reqd
example_services = services.d/count.conf services.d/disk-usage.conf
EXTRA_DIST += etc/reqd.conf etc/services.d/count.conf etc/services.d/disk-usage.conf \
	etc/demo.d/fail-demo.conf etc/demo.d/protocol.conf
noinst_DATA += etc/reqd.conf.made
CLEANFILES += etc/reqd.conf.made

etc/reqd.conf.made: etc/reqd.conf Makefile
	@$(MKDIR_P) etc
	$(AM_V_GEN)sed -e 's|unix:///run/|unix://$(runstatedir)/|' \
	    $(srcdir)/etc/reqd.conf >$@.tmp && mv $@.tmp $@

install-data-local: etc/reqd.conf.made
	@to="$(DESTDIR)$(reqdconfdir)"; $(MKDIR_P) "$$to/services.d" || exit 1; \
	if test -e "$$to/reqd.conf" || test -h "$$to/reqd.conf"; then \
		echo "$$to is there, and left as it is"; \
	else \
		set -ex; \
		for f in $(example_services); do \
			test -e "$$to/$$f" || $(INSTALL_DATA) "$(srcdir)/etc/$$f" "$$to/$$f"; \
		done; \
		$(INSTALL_DATA) etc/reqd.conf.made "$$to/reqd.conf"; \
	fi
# reqd makes its runtime directory, but not a tree of them.
	@test "$(runstatedir)" = /run || $(MKDIR_P) "$(DESTDIR)$(runstatedir)"

uninstall-local: etc/reqd.conf.made
	@in="$(DESTDIR)$(reqdconfdir)"; \
	! cmp -s etc/reqd.conf.made "$$in/reqd.conf" || rm -f "$$in/reqd.conf"; \
	for f in $(example_services); do \
		! cmp -s "$(srcdir)/etc/$$f" "$$in/$$f" || rm -f "$$in/$$f"; \
	done; \
	rmdir "$$in/services.d" "$$in" 2>/dev/null || \
	    ! test -d "$$in" || echo "left, it differs from what is installed here: $$in"
