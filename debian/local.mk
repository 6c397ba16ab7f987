# SPDX-License-Identifier: ISC
# debian: the packages, for "./dev deb" in a release as well as in a checkout.
EXTRA_DIST += \
	debian/changelog debian/control debian/copyright debian/rules \
	debian/libreqd-dev.install debian/libreqd0.install debian/libreqd0.symbols \
	debian/not-installed debian/reqctl.install debian/reqd.install \
	debian/reqd.postrm debian/reqd.prerm \
	debian/source/format debian/source/options \
	tests/package/build
