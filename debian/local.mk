# SPDX-License-Identifier: ISC
# debian: the packages, for "./dev deb" in a release as well as in a checkout.
EXTRA_DIST += \
	debian/changelog debian/control debian/copyright debian/rules \
	debian/libreqd-dev.install debian/libreqd0.install debian/libreqd0.symbols \
	debian/not-installed debian/python3-reqd.install debian/reqctl.install \
	debian/reqd.README.Debian debian/reqd.install debian/reqd.lintian-overrides \
	debian/reqd.postinst debian/reqd.postrm debian/reqd.prerm \
	debian/source/format debian/source/lintian-overrides debian/source/options \
	debian/tests/control debian/tests/daemon debian/tests/library \
	tests/package/make-deb tests/package/check tests/package/lifecycle \
	tests/package/matrix tests/package/cell
