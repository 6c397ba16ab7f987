#!/bin/sh
# SPDX-License-Identifier: ISC
# Webhooks: a genuine delivery starts its service once, and nothing else starts it. The
# signatures are made by openssl and python, as the makers' senders make them.
. "${srcdir:-.}/tests/integration/lib.sh"
need python3 curl openssl
need_localhost
kills=yes

py() {
	timeout 300 python3 "$top_srcdir/tests/integration/hooks.py" "$@"
}

web=$("$helpers/free-port")
at=http://127.0.0.1:$web
umask 077
mkdir "$dir/secrets"
printf 'first secret\n' >"$dir/secrets/gh"
printf 'second secret\n' >"$dir/secrets/gh2"
printf 'whsec_%s\n' "$(printf 'standard secret' | openssl base64)" >"$dir/secrets/std"
printf 'a token' >"$dir/secrets/token"
umask 022
setting "listen \"http://127.0.0.1:$web\" { hosts = {\"reqd.example\"} }"
setting "listen \"unix://$dir/web.sock\" { protocol = http  mode = 0666 }"
setting "web-workers = 1"
setting "role \"nobody\" { login = {\"nobody\"} }"
setting 'role "here" { net = {"unix"} }'
: >"$dir/ran"
chmod 666 "$dir/ran"
run='"/bin/sh", "-c", "echo \"$REQD_CALLER $*\" >>'"$dir"'/ran; echo done", "sh"'
with_secret() { # VERIFY FILE
	echo "verify = $1  secret = {\"$dir/secrets/$2\"}"
}
setting 'service "deploy" { allow = {"nobody"}  command = {'"$run"', "{ref}", "{commit}", "{delivery}"}'
setting 'argument "ref" { type = pattern  pattern = "refs/[a-z/0-9.-]+" }'
setting 'argument "commit" { type = name }  argument "delivery" { type = name  optional = yes }'
setting "webhook \"github\" { verify = github  secret = {\"$dir/secrets/gh\", \"$dir/secrets/gh2\"}"
setting '  event = {"push"}  match = {"/repository/full_name=acme/app", "/ref~refs/heads/(main|release-.*)"}'
setting '  values = {"ref=/ref", "commit=/after", "delivery=header:X-GitHub-Delivery"}  limit = 100K }'
setting "webhook \"std\" { $(with_secret standard std)"
setting '  event = {"push"}  values = {"ref=/data/ref", "commit=/data/after"}  reply = result }'
setting "webhook \"stripe\" { $(with_secret stripe gh)  values = {\"ref=/ref\", \"commit=/after\"} }"
setting "webhook \"slack\" { $(with_secret slack gh)"
setting '  values = {"ref=form:text", "commit=query:commit"}  reply = result }'
setting "webhook \"gitlab\" { $(with_secret gitlab token)  values = {\"ref=/ref\", \"commit=/after\"} }"
setting "webhook \"own\" { $(with_secret hmac gh)  values = {\"ref=/ref\", \"commit=/after\"}"
setting '  hmac { algorithm = sha512  field = "X-Own"  prefix = "v="  encoding = base64 } }'
setting "webhook \"bearer\" { $(with_secret token token)  values = {\"ref=/ref\", \"commit=/after\"}"
setting '  token { field = "Authorization"  prefix = "Bearer " }  reply = result }'
setting "webhook \"place\" { $(with_secret github gh)  from = {\"here\"}  values = {\"ref=/ref\", \"commit=/after\"} }"
setting '}'
setting 'service "build" { allow = {"nobody"}  command = {'"$run"', "{which}"}  argument "which" { type = name }'
setting "webhook \"gh\" { $(with_secret github gh)  match = {\"/ref=refs/heads/main\"}  values = {\"which=/main\"} }"
setting "webhook \"gh\" { $(with_secret github gh2)  match = {\"/ref=refs/heads/test\"}  values = {\"which=/test\"} }"
setting '}'
setting 'service "take" { allow = {"nobody"}  doors = {"resp"}  input = required  command = {"/bin/sh", "-c", "cat >'"$dir"'/free/taken; mv '"$dir/free/taken $dir"'/free/took"}'
setting "webhook \"gh\" { $(with_secret github gh) } }"
setting 'service "slow" { allow = {"nobody"}  command = {"/bin/sh", "-c", "echo begun >>'"$dir"'/free/slow; read x <'"$dir"'/go; echo ended >>'"$dir"'/free/slow"}'
setting "webhook \"gh\" { $(with_secret github gh) } }"
mkdir -m 777 "$dir/free"
mkfifo -m 666 "$dir/go"
start_reqd

body='{"ref":"refs/heads/main","after":"abc123","repository":{"full_name":"acme/app"}}'

# Sends a delivery as GitHub does, and prints the status. The answer is in $dir/answer.
event=push type=application/json delivery=d-1
github() { # PATH BODY SECRET [CURL-WORD...]
	path=$1 text=$2 secret=$3
	shift 3
	printf %s "$text" >"$dir/delivery"
	mac=$(openssl dgst -sha256 -hmac "$secret" <"$dir/delivery" | sed 's/.* //')
	curl -s -o "$dir/answer" -w '%{http_code}' -H "X-Hub-Signature-256: sha256=$mac" \
	    -H "Content-Type: $type" -H "X-GitHub-Event: $event" \
	    -H "X-GitHub-Delivery: $delivery" --data-binary "@$dir/delivery" "$@" "$at$path"
}

has_run() { # LINES
	[ "$(wc -l <"$dir/ran")" -eq "$1" ]
}

runs_genuine() {
	assert_eq "$(github /hook/deploy/github "$body" "first secret")" 202
	assert_match "$(cat "$dir/answer")" '{"id":"*"}'
	until_true "$patience" has_run 1
	assert_eq "$(cat "$dir/ran")" "hook:deploy/github refs/heads/main abc123 d-1"
	# The other secret is good, too, while one is exchanged for the other.
	assert_eq "$(github /hook/deploy/github "$body " "second secret")" 202
	until_true "$patience" has_run 2
	# GitHub may send a form, whose field payload is the document.
	assert_eq "$(type=application/x-www-form-urlencoded; github /hook/deploy/github "payload=%7B%22ref%22:%22refs/heads/release-1%22,%22after%22:%22f%22,\
%22repository%22:%7B%22full_name%22:%22acme/app%22%7D%7D" "first secret")" 202
	until_true "$patience" has_run 3
	assert_eq "$(tail -n 1 "$dir/ran")" "hook:deploy/github refs/heads/release-1 f d-1"
}

# The same bytes under the same secret are one delivery, whatever its unsigned fields say.
runs_once() {
	for id in d-1 d-2 d-3; do
		assert_eq "$(delivery=$id; github /hook/deploy/github "$body" "first secret")" 202
	done
	assert_eq "$(github /hook/deploy/github "$body  " "first secret")" 202
	until_true "$patience" has_run 4
	"$reqctl" --control "$dir/control.sock" ps >"$dir/ps"
	has_run 4
}

ignores_others() {
	assert_eq "$(event=ping; github /hook/deploy/github "$body" "first secret")" 200
	assert_eq "$(cat "$dir/answer")" '{"ignored":"event"}'
	for other in '{"ref":"refs/heads/other","after":"a","repository":{"full_name":"acme/app"}}' \
	    '{"ref":"refs/heads/main","after":"a","repository":{"full_name":"acme/app2"}}' \
	    '{"ref":"xrefs/heads/main","after":"a","repository":{"full_name":"acme/app"}}' \
	    '{"ref":["refs/heads/main"],"after":"a","repository":{"full_name":"acme/app"}}' '{}' '[]'; do
		assert_eq "$(github /hook/deploy/github "$other" "first secret")" 200
		assert_eq "$(cat "$dir/answer")" '{"ignored":"match"}'
	done
	has_run 4
}

refuses_unfit() {
	assert_eq "$(github /hook/deploy/github '{"ref":"refs/heads/main","after":"; rm","repository":{"full_name":"acme/app"}}' \
	    "first secret")" 422
	assert_match "$(cat "$dir/answer")" "*argument 'commit'*"
	assert_eq "$(github /hook/deploy/github '{"ref":"refs/heads/main","repository":{"full_name":"acme/app"}}' \
	    "first secret")" 422
	assert_eq "$(github /hook/deploy/github '{"ref":"refs/heads/main","after":{},"repository":{"full_name":"acme/app"}}' \
	    "first secret")" 422
	assert_eq "$(github /hook/deploy/github '{"ref":' "first secret")" 400
	assert_eq "$(github /hook/deploy/github '{"ref":1,"ref":2}' "first secret")" 400
	assert_eq "$(github /hook/deploy/github "$(head -c 103000 /dev/zero | tr '\0' x)" "first secret")" 413
	assert_eq "$(github /hook/deploy/github "$(head -c 103000 /dev/zero | tr '\0' x)" "first secret" \
	    -H 'Transfer-Encoding: chunked')" 413
	assert_eq "$(github /hook/deploy/github "$body" "third secret")" 401
	assert_eq "$(github /hook/deploy/other "$body" "first secret")" 404
	assert_eq "$(github /hook/none/github "$body" "first secret")" 404
	assert_eq "$(github /hook/deploy "$body" "first secret")" 404
	assert_eq "$(github /hook/deploy/github/ "$body" "first secret")" 404
	assert_eq "$(github /hook/deploy/github "$body" "first secret" -X GET)" 400
	assert_eq "$(github /hook/deploy/github "$body" "first secret" -X PUT)" 405
	assert_eq "$(github /hook/deploy/github "$body" "first secret" -H 'Origin: https://evil.example')" 403
	assert_eq "$(github /hook/deploy/github "$body" "first secret" -H 'Host: evil.example')" 421
	assert_eq "$(github /call/deploy "$body" "first secret")" 404
	has_run 4
}

# "from" says where a webhook may be called; it is not there elsewhere.
knows_places() {
	assert_eq "$(github /hook/deploy/place "$body" "first secret")" 404
	assert_eq "$(github /hook/deploy/place "$body" "first secret" --unix-socket "$dir/web.sock")" 202
	until_true "$patience" has_run 5
}

# Sections of one name are tried in their order, each with its own secret.
tries_sections() {
	assert_eq "$(github /hook/build/gh '{"ref":"refs/heads/main","main":"m"}' "first secret")" 202
	assert_eq "$(github /hook/build/gh '{"ref":"refs/heads/test","test":"t"}' "second secret")" 202
	until_true "$patience" has_run 7
	assert_eq "$(tail -n 2 "$dir/ran" | sort)" "hook:build/gh m
hook:build/gh t"
	assert_eq "$(github /hook/build/gh '{"ref":"refs/heads/test","test":"t"}' "first secret")" 200
	has_run 7
}

is_there() {
	[ -e "$1" ]
}

gives_input() {
	head -c 300000 /dev/urandom | openssl base64 >"$dir/big"
	assert_eq "$(github /hook/take/gh "$(cat "$dir/big")" "first secret" -H 'Expect: 100-continue')" 202
	until_true "$patience" is_there "$dir/free/took"
	cmp "$dir/delivery" "$dir/free/took"
	# The service is for RESP only; its webhook is not a call by HTTP.
	assert_eq "$(github /call/take "$body" "first secret")" 404
}

# A call whose delivery has been answered ends by itself, and a stop waits for it.
outlives_its_client() {
	assert_eq "$(github /hook/slow/gh "$body" "first secret")" 202
	until_true "$patience" grep -q begun "$dir/free/slow"
	assert_match "$("$reqctl" --control "$dir/control.sock" ps)" '*hook:slow/gh*'
	echo >"$dir/go"
	until_true "$patience" grep -q ended "$dir/free/slow"
}

# A sender that is told 202 would not send again.
waits_for_no_pause() {
	"$reqctl" --control "$dir/control.sock" pause slow
	assert_eq "$(github /hook/slow/gh "$body" "first secret" -D "$dir/head")" 503
	grep -q '"detail":"the service is paused"' "$dir/answer"
	grep -qi '^Reqd-Ran: no' "$dir/head"
	grep -qi '^Retry-After: ' "$dir/head"
	"$reqctl" --control "$dir/control.sock" resume slow
	assert_eq "$(grep -c begun "$dir/free/slow")" 1
}

keeps_secrets() {
	! grep -q 'first secret\|second secret\|a token' "$log"
	grep -q "a delivery for webhook deploy/github: the signature does not fit" "$log"
	"$reqd" -c "$conf" -T >"$dir/printed"
	grep -q "secret = {\"$dir/secrets/gh\", \"$dir/secrets/gh2\"}" "$dir/printed"
	! grep -q 'first secret' "$dir/printed"
	# The shadow of a sanitizer is too large to look through.
	is_sanitized || py memory "$reqd_pid" 'first secret'
}

# reqctl starts reqd, which judges, and nothing runs.
hook_test() { # SERVICE NAME FILE OPTION...
	PATH=$dir/bin:$PATH "$reqctl" hook test "$@" --config "$conf"
}

judges_stored() {
	mkdir "$dir/bin"
	ln -s "$reqd" "$dir/bin/reqd"
	before=$(wc -l <"$dir/ran")
	printf %s "$body" >"$dir/stored"
	mac=$(openssl dgst -sha256 -hmac "second secret" <"$dir/stored" | sed 's/.* //')
	hook_test deploy github "$dir/stored" --header "X-Hub-Signature-256: sha256=$mac" \
	    --header 'X-GitHub-Event: push' --header 'Content-Type: application/json' >"$dir/told"
	grep -qx "signature  good, by $dir/secrets/gh2" "$dir/told"
	grep -qx "event      'push' is wanted" "$dir/told"
	grep -qx "match      /ref~refs/heads/(main|release-.\*): holds" "$dir/told"
	grep -qx "value      commit = abc123 (/after)" "$dir/told"
	grep -qx "value      delivery: is not in the delivery (header:X-GitHub-Delivery)" "$dir/told"
	grep -q "^result     the service would start, called by hook:deploy/github; .*202" "$dir/told"
	for event in pull push; do
		mac=$(printf %s "$mac" | tr 0-9a-f 1-9a-f0)
		status=0
		[ $event = pull ] && mac=$(openssl dgst -sha256 -hmac "second secret" <"$dir/stored" | sed 's/.* //')
		hook_test deploy github - --header "X-Hub-Signature-256: sha256=$mac" \
		    --header "X-GitHub-Event: $event" <"$dir/stored" >"$dir/told-$event" || status=$?
		assert_eq "$status" 1
	done
	grep -qx "result     nothing would start: 200, event: X-GitHub-Event is pull" "$dir/told-pull"
	grep -qx "result     nothing would start: 401, the signature does not fit" "$dir/told-push"
	! grep -q "first secret\|second secret" "$dir"/told*
	assert_eq "$(wc -l <"$dir/ran")" "$before"
}

# The files of secrets are for root alone, and -t says what is wrong with them.
checks_files() {
	sed -e "s|/etc/reqd/secrets/github|$dir/secrets/example|" -e 's|/usr/local/bin/deploy|/bin/true|' \
	    -e 's|user = "deploy"||' "$top_srcdir/examples/webhook.conf" >"$dir/example.conf"
	[ $is_root = no ] || echo "user = \"$worker_user\"" >>"$dir/example.conf"
	for wrong in "No such file or directory" "it is empty" "others may read or change it; run: chmod 600"; do
		status=0
		"$reqd" -c "$dir/example.conf" -t 2>"$dir/errors" || status=$?
		assert_eq "$status" 1
		grep -qF ": $wrong" "$dir/errors"
		case $wrong in
		No*) (umask 077; : >"$dir/secrets/example") ;;
		*empty) printf 'a secret' >"$dir/secrets/example"; chmod 640 "$dir/secrets/example" ;;
		*) chmod 600 "$dir/secrets/example" ;;
		esac
	done
	"$reqd" -c "$dir/example.conf" -t >"$dir/errors" 2>&1
	sed -i "s|$dir/secrets/example|credential:example|" "$dir/example.conf"
	! "$reqd" -c "$dir/example.conf" -t >"$dir/errors" 2>&1
	grep -q "credential:example: there is no such file; systemd passes files" "$dir/errors"
	CREDENTIALS_DIRECTORY=$dir/secrets "$reqd" -c "$dir/example.conf" -t >"$dir/errors" 2>&1
}

# A reload reads secrets again, and refuses those that are wrong.
reloads_secrets() {
	printf 'third secret\n' >"$dir/secrets/gh2"
	"$reqctl" --control "$dir/control.sock" reload
	assert_eq "$(github /hook/build/gh '{"ref":"refs/heads/test","test":"u"}' "second secret")" 401
	assert_eq "$(github /hook/build/gh '{"ref":"refs/heads/test","test":"u"}' "third secret")" 202
	: >"$dir/secrets/gh2"
	! "$reqctl" --control "$dir/control.sock" reload >"$dir/refused" 2>&1
	grep -q "it is empty" "$dir/refused"
	assert_eq "$(github /hook/build/gh '{"ref":"refs/heads/test","test":"v"}' "third secret")" 202
	printf 'second secret\n' >"$dir/secrets/gh2"
	sed -i "s/limit = 100K/limit = 1K/" "$conf"
	"$reqctl" --control "$dir/control.sock" reload >"$dir/changes"
	grep -q 'service "deploy".*webhook github' "$dir/changes"
	assert_eq "$(github /hook/deploy/github "$(head -c 1030 /dev/zero | tr '\0' x)" "first secret")" 413
}

takes_again() {
	[ "$(github /hook/build/gh '{"ref":"refs/heads/main","main":"again"}' "first secret")" = 202 ]
}

# The next worker gets the secrets as well.
survives_kill() {
	kill -9 "$(role_pids web)"
	until_true "$patience" takes_again
}

step "a genuine delivery starts its service" runs_genuine
step "the same delivery runs once" runs_once
step "what is not for us is ignored" ignores_others
step "what is wrong is refused" refuses_unfit
step "a webhook may be for some places only" knows_places
step "webhooks of one name are tried in their order" tries_sections
step "the body is the input" gives_input
step "nobody has to wait for a call" outlives_its_client
step "a paused service is delivered to later" waits_for_no_pause
step "all makers' signatures, and each bit of them" py makers "$web" "$dir"
step "half a delivery is none" py cut "$web" "$dir"
step "unverified bodies share their room" py crowd "$web"
step "reqctl tells what a stored delivery would do" judges_stored
step "files of secrets are checked" checks_files
step "a reload reads secrets again" reloads_secrets
step "a web worker that is killed is replaced, with the secrets" survives_kill
step "secrets are with the web workers only" keeps_secrets
finish
