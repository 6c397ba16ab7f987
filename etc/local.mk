# SPDX-License-Identifier: ISC
# The configuration as installed; an existing one is never overwritten by a package.
reqdconfdir = $(sysconfdir)/reqd
dist_reqdconf_DATA = etc/reqd.conf
reqdservicesdir = $(sysconfdir)/reqd/services.d
dist_reqdservices_DATA = \
	etc/services.d/count.conf \
	etc/services.d/disk-usage.conf
EXTRA_DIST += etc/demo.d/fail-demo.conf
