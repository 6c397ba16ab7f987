#!/bin/sh
# SPDX-License-Identifier: ISC
# A program starts clean: it inherits only what was declared, in whatever
# environment reqd itself was started.
. "${srcdir:-.}/tests/integration/lib.sh"
command="\"$zoo/show-self\", \"{text}\""
text='argument "text" { type = text  optional = yes  repeat = yes }'
service show "$command" "$text"
service show-with-input "$command" "$text" 'input = required'
service show-declared "$command" "$text" 'directory = "/usr"' 'umask = 077' \
    'environment = {"COLOUR=blue", "TEXT={text}"}' \
    'limits { files = 64  processes = 500  file-size = 1M  cpu = 7s }'
service show-memory '"/bin/sh", "-c", "ulimit -v"' 'limits { memory = 1G }'

# Settings that must not be passed on.
export SECRET_CANARY=canary LD_BIND_NOW=1
umask 027
trap '' PIPE USR1
start_reqd env 'BASH_FUNC_x%%=() { :; }'
umask 022

show() {
	assert_status 0 call "$@"
}

# The line of that key.
value() {
	sed -n "s/^$1=//p" "$dir/out"
}

descriptors() {
	show show
	assert_eq "$(value fd)" "$(printf '0 device r blocking\n1 pipe w blocking\n2 pipe w blocking')"
	echo x | call -i - show-with-input >"$dir/out"
	assert_eq "$(value fd)" "$(printf '0 pipe r blocking\n1 pipe w blocking\n2 pipe w blocking')"
}

environment() {
	show show
	assert_eq "$(value env | grep -v -E '^(PATH|LANG|LC_ALL|HOME|USER|LOGNAME|SHELL|REQD_[A-Z_]*)=')" ''
	assert_eq "$(value env | grep -c canary)" 0
	assert_eq "$(value env | grep '^REQD_SERVICE=')" REQD_SERVICE=show
	show show-declared x 'y z'
	assert_eq "$(value env | grep -E '^(COLOUR|TEXT)=' | sort)" "$(printf 'COLOUR=blue\nTEXT=x y z')"
}

arguments() {
	show show '' 'a b' '$(touch /tmp/x)' '*' ';' '\' 'ü' "$(printf 'tab\there')"
	assert_eq "$(value 'argv\[1\]')" ''
	assert_eq "$(value 'argv\[2\]')" 'a b'
	assert_eq "$(value 'argv\[3\]')" '$(touch /tmp/x)'
	assert_eq "$(value 'argv\[4\]')" '*'
	assert_eq "$(value 'argv\[5\]')" ';'
	assert_eq "$(value 'argv\[6\]')" '\\'
	assert_eq "$(value 'argv\[7\]')" 'ü'
	assert_eq "$(value 'argv\[8\]')" 'tab\x09here'
	assert_eq "$(value 'argv\[9\]')" ''
}

identity() {
	show show
	if [ $is_root = yes ]; then
		uid=$(id -u "$program_user")
		gid=$(id -g "$program_user")
		assert_eq "$(value groups)" "$(id -G "$program_user")"
	else
		uid=$(id -u)
		gid=$(id -g)
	fi
	assert_eq "$(value uid)" "$uid $uid $uid"
	assert_eq "$(value gid)" "$gid $gid $gid"
}

process() {
	show show
	assert_eq "$(value umask)" 0022
	assert_eq "$(value cwd)" /
	assert_eq "$(value session-leader)" yes
	assert_eq "$(value terminal)" no
	assert_eq "$(value signals-blocked)" ''
	assert_eq "$(value signals-ignored)" ''
	assert_eq "$(value limit-core)" '0 0'
	show show-declared
	assert_eq "$(value umask)" 0077
	assert_eq "$(value cwd)" /usr
	assert_eq "$(value limit-files)" '64 64'
	assert_eq "$(value limit-processes)" '500 500'
	assert_eq "$(value limit-file-size)" '1048576 1048576'
	assert_eq "$(value limit-cpu)" '7 7'
}

memory() {
	assert_eq "$(call show-memory)" 1048576
}

step "descriptors: 0, 1 and 2, its own pipes" descriptors
step "environment: nothing inherited, what was declared" environment
step "arguments: byte for byte, through no shell" arguments
step "identity: all ids and groups of its account" identity
step "process: session, directory, signals, limits" process
# The address space of reqd itself, the child before exec included, is beyond
# any limit then.
if is_sanitized; then
	note "no limit on memory tried: reqd is built with sanitizers"
else
	step "process: limit on memory" memory
fi
finish
