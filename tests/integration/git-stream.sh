#!/bin/sh
# SPDX-License-Identifier: ISC
# git-stream: git clones and pushes through reqctl, by the example: input and output
# of a call are streamed both ways for as long as the two sides talk.
. "${srcdir:-.}/tests/integration/lib.sh"
need git
command -v git-upload-pack >/dev/null || skip "git-upload-pack is not in PATH"
sed -e "s|/srv/git|$dir/git|" -e "s|user = \"git\"|$([ $is_root = no ] || echo "user = \"$program_user\"")|" \
    "$top_srcdir/examples/git.conf" >>"$conf"
export GIT_CONFIG_GLOBAL="$dir/gitconfig" GIT_CONFIG_SYSTEM=/dev/null
git config --global user.name test
git config --global user.email test@example.org
git config --global protocol.ext.allow always
git config --global init.defaultBranch main
git init -q --bare "$dir/git/project.git"
[ $is_root = no ] || chown -R "$program_user" "$dir/git"
start_reqd
url="ext::$reqctl -q -s $server call %S $dir/git/project.git"

push() {
	git init -q "$dir/first" && cd "$dir/first" || return 1
	head -c 3000000 /dev/urandom >large
	git add large && git commit -q -m one || return 1
	git push -q "$url" main 2>&1 || return 1
	cd "$top_builddir" || return 1
}
step "a push" push

clone() {
	git clone -q "$url" "$dir/second" || return 1
	cmp "$dir/first/large" "$dir/second/large"
}
step "a clone" clone

outside() {
	assert_status 246 "$reqctl" -s "$server" call git-upload-pack /etc
}
step "nothing outside of its directory" outside
finish
