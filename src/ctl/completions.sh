#!/bin/sh
# SPDX-License-Identifier: ISC
# Prints completions.h: the completion scripts of a directory, line by line.
set -eu

array() {
	printf 'static const char *const completion_%s[] = {\n' "$1"
	sed -e 's/[\\"]/\\&/g' -e 's/^/	"/' -e 's/$/",/' "$2"
	printf '\tNULL,\n};\n'
}

printf '/* Made by completions.sh. */\n#pragma once\n\n#include <stddef.h>\n\n'
array bash "$1/reqctl.bash"
array zsh "$1/_reqctl"
array fish "$1/reqctl.fish"
