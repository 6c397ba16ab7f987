#!/bin/sh
# SPDX-License-Identifier: ISC
# The console without a browser: the page, its fields, and who may have it.
. "${srcdir:-.}/tests/integration/lib.sh"
need curl

web=$("$helpers/free-port")
bare=$("$helpers/free-port")
page=$top_srcdir/src/web/console.html
setting "listen \"http://127.0.0.1:$web\" {}"
setting "listen \"http://127.0.0.1:$bare\" { offer = {\"call\"} }"
client_services
start_reqd
at=http://127.0.0.1:$web

status_of() { # CURL-WORD...
	: >"$dir/body"
	curl -s -o "$dir/body" -D "$dir/head" -w '%{http_code}' "$@"
}

is_served() {
	assert_eq "$(status_of "$at/")" 200
	cmp "$dir/body" "$page" || fail "the page is not src/web/console.html"
	[ "$(wc -c <"$page")" -le 65536 ] || fail "the page has more than 64 KiB"
	for field in 'Content-Type: text/html; charset=utf-8' 'X-Content-Type-Options: nosniff' \
	    'Cache-Control: no-cache' 'Cross-Origin-Opener-Policy: same-origin' \
	    'Referrer-Policy: same-origin' 'Cross-Origin-Resource-Policy: same-origin'; do
		grep -qi "^$field.\$" "$dir/head" || fail "no $field"
	done
	grep -q "^Content-Security-Policy: default-src 'none'; script-src 'sha256-[A-Za-z0-9+/]*='; style-src 'sha256-[A-Za-z0-9+/]*='; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'.\$" \
	    "$dir/head" || fail "another policy"
	tag=$(sed -n 's/^ETag: \(.*\).$/\1/p' "$dir/head")
	assert_eq "$(status_of -H "If-None-Match: $tag" "$at/")" 304
	[ ! -s "$dir/body" ] || fail "304 with a body"
	grep -q "^ETag: $tag" "$dir/head"
	assert_eq "$(status_of -H "If-None-Match: \"x\", W/$tag" "$at/")" 304
	assert_eq "$(status_of -H 'If-None-Match: "x"' "$at/")" 200
	assert_eq "$(status_of -I "$at/")" 200
	grep -q "^Content-Length: $(wc -c <"$page")" "$dir/head"
	assert_eq "$(status_of -d x=y "$at/")" 405
	assert_eq "$(status_of "http://127.0.0.1:$bare/")" 404
}

# A link may lead here from anywhere; nothing else of another origin is answered.
is_linked() {
	assert_eq "$(status_of -H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: navigate' \
	    -H 'Sec-Fetch-Dest: document' "$at/")" 200
	assert_eq "$(status_of -H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: navigate' \
	    -H 'Sec-Fetch-Dest: iframe' "$at/")" 403
	assert_eq "$(status_of -H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: no-cors' \
	    -H 'Sec-Fetch-Dest: image' "$at/")" 403
	assert_eq "$(status_of -H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: navigate' \
	    -H 'Sec-Fetch-Dest: document' "$at/services")" 403
	assert_eq "$(status_of -H 'Origin: http://evil.test' -H 'Sec-Fetch-Site: cross-site' \
	    -H 'Sec-Fetch-Mode: navigate' -H 'Sec-Fetch-Dest: document' "$at/")" 403
	assert_eq "$(status_of -H 'Host: evil.test' "$at/")" 421
}

# The policy forbids these; a browser would only refuse them where they are tried.
is_plain() {
	! grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function' "$page"
	! grep -nE '<[a-z]+[^>]* (style|on[a-z]+)=' "$page"
	assert_eq "$(grep -c '<script>' "$page") $(grep -c '<style>' "$page") $(grep -c '<noscript>' "$page")" "1 1 1"
	! grep -nE 'https?://' "$page" | grep -vE "xmlns='http://www.w3.org/2000/svg'|http://HOST/call"
}

step "the page comes with its policy, its tag and nothing to guess" is_served
step "a link leads to it, and nothing else from elsewhere does" is_linked

step "it has no script, style or handler in its marks, and loads nothing" is_plain
finish
