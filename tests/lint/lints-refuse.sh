#!/bin/sh
# SPDX-License-Identifier: ISC
# Every lint refuses its sample in tests/data/lint, and says why. Where a sample
# would have to be a whole document of this tree, the test takes that document and
# breaks it. layers-refuses.sh does the same for layers.sh.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd)
# Below make the build is where it runs; by hand it is build/, or REQD_BUILD.
if [ -n "${srcdir:-}" ]; then
	build=$(cd "${top_builddir:-.}" && pwd)
else
	build=$(cd "$top" && cd "${REQD_BUILD:-build}" && pwd) || exit 1
fi
data=$top/tests/data/lint
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C
tree=$dir/tree
out=$dir/out
status=0
tried=" lints-refuse layers layers-refuses progress "

wrong() {
	echo "$*"
	status=1
}

# An empty tree, with copies of what this one has.
fresh_tree() { # NAME...
	rm -rf "$tree"
	mkdir "$tree"
	for name; do
		cp -R "$top/$name" "$tree"
	done
	chmod -R u+w "$tree"
}

# Puts a sample over the tree.
put() { # SAMPLE
	cp -R "$data/$1/." "$tree"
	chmod -R u+w "$tree"
}

# Runs a lint on the tree; it must fail. 1 when it is skipped here.
refuses() { # LINT [BUILD]
	lint=$1
	tried="$tried$lint "
	code=0
	srcdir=$tree top_builddir=${2:-$build} sh "$top/tests/lint/$lint.sh" >"$out" 2>&1 || code=$?
	if [ $code -eq 77 ]; then
		cat "$out"
		return 1
	fi
	[ $code -eq 1 ] || wrong "$lint: status $code for what it must refuse: $(cat "$out")"
}

# The lint has said this.
says() { # TEXT
	grep -qF -- "$1" "$out" || wrong "$lint does not say '$1', but: $(cat "$out")"
}

# The lint has shown the lines of a file that have a MARK, and no others.
marks() { # FILE MARK
	grep -nF "$2" "$tree/$1" | sed 's/:.*//' >"$dir/want"
	grep -oE "(^|/)$1:[0-9]+:" "$out" | sed -E 's/.*:([0-9]+):$/\1/' | sort -nu >"$dir/got"
	cmp -s "$dir/want" "$dir/got" ||
	    wrong "$lint shows other lines of $1: $(diff "$dir/want" "$dir/got")"
}

# A program of the build whose output is changed by sed.
make_liar() { # PROGRAM WORDS SED
	mkdir -p "$dir/liar"
	for program in reqd reqctl; do
		printf '#!/bin/sh\nexec "%s/%s" "$@"\n' "$build" "$program" >"$dir/liar/$program"
	done
	cat >"$dir/liar/$1" <<END
#!/bin/sh
case "\$*" in
"$2") "$build/$1" "\$@" | sed '$3' ;;
*) exec "$build/$1" "\$@" ;;
esac
END
	chmod +x "$dir/liar/reqd" "$dir/liar/reqctl"
}

fresh_tree
put banned
refuses banned && marks src/base/sample.c BANNED

fresh_tree
put comments
mkdir -p "$tree/tests/lint"
mv "$tree/comments.conf" "$tree/tests/lint"
if refuses comments; then
	n=$(grep -c ' BAD' "$tree/src/base/sample.h")
	says "src/base: $n comments begin with a pronoun or a question, at most 0"
	says "src/conf: 1 files .c without an opening sentence, at most 0"
	says "src/conf/twin.c:4: "
	says "twin.c: two files have this name: src/base/twin.c src/conf/twin.c"
	srcdir=$tree sh "$top/tests/lint/comments.sh" --print >"$out" 2>&1
	marks src/base/sample.h " BAD"
	echo 'twins gone.c' >>"$tree/tests/lint/comments.conf"
	refuses comments && says "remove 'twins gone.c'"
fi

# A script that lacks an option, and a shell that does not offer one.
fresh_tree completions
echo '# sample' >>"$tree/completions/reqctl.fish"
refuses completions && says "EOF on"
make_liar reqctl "help call" 's/--meta /--metax /'
fresh_tree completions
refuses completions "$dir/liar" && says "against those that there are:"

# A source that includes OpenSSL, and objects that call it and crypt(3).
fresh_tree
put crypto
mkdir -p "$dir/objects/src/runner"
echo 'int EVP_sample(void); int sample(void); int sample(void) { return EVP_sample(); }' |
    ${CC:-cc} -c -x c -o "$dir/objects/src/runner/other.o" -
echo 'int crypt_r(void); int hash(void); int hash(void) { return crypt_r(); }' |
    ${CC:-cc} -c -fno-builtin -x c -o "$dir/objects/src/runner/hash.o" -
if refuses crypto "$dir/objects"; then
	says "src/runner/sample.c"
	says "src/runner/other.o EVP_sample"
	says "src/runner/hash.o crypt_r"
fi

fresh_tree src tests bench man completions
cp "$top"/*.md "$tree"
cp "$data/documents.md" "$tree/SAMPLE.md"
if refuses documents; then
	says "SAMPLE.md: there is no 'src/base/nowhere.c'"
	says "SAMPLE.md: there is no 'nowhere.md'"
	[ "$(grep -c '^SAMPLE.md' "$out")" -eq 2 ] || wrong "documents: $(cat "$out")"
fi

fresh_tree
put headers
cp "$top/src/client/reqd.h" "$tree/src/client"
refuses headers && says "src/base/sample.h does not compile alone"

fresh_tree dev tests
make_liar reqctl "help call" 's/^Usage:.*/& and words that make this line longer than a terminal of eighty columns/'
refuses help "$dir/liar" && says "help call: a line of more than 80 columns"
sed -i 's/^usage() {/&\n\tyes line | head -n 30/' "$tree/dev"
refuses help && says "dev help: more than 24 lines"

fresh_tree dev .ci debian bench tests
rm -r "$tree/tests/data/lint"
put loops
refuses loops && marks tests/integration/sample.sh "# ENDLESS"

fresh_tree man src
sed -i -e 's/^\.It Cm ps\b/.It Cm pss/' "$tree/man/reqctl.1"
sed -i -e 's/^\.It "/.It "never logged by anything, /' "$tree/man/reqd.8"
if refuses manual-words; then
	says "verb of reqctl: 'ps' is not in the manual page"
	says "verb of reqctl: 'pss' is in the manual page only"
	says "no source says 'never logged by anything'"
fi

fresh_tree
put manuals
if refuses manuals; then
	says "sample.1:8:2: ERROR: skipping unknown macro: .Zz"
	rm "$tree/man/sample.1"
	sed '/^\.Zz/d' "$data/manuals/man/sample.1" >"$tree/man/sample.1"
	refuses manuals && says "these lines are too long"
fi

for lint in "$top"/tests/lint/*.sh; do
	lint=${lint##*/}
	case $tried in
	*" ${lint%.sh} "*) ;;
	*) wrong "${lint%.sh}: has no sample that it must refuse" ;;
	esac
done
exit $status
