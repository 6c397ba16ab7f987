# SPDX-License-Identifier: ISC
"""Builds the part in C: with libreqd of the tree that this stands in, else of the system."""
import os
import pathlib
import re
import subprocess

from setuptools import Extension, setup
from setuptools.command.build_clib import build_clib

here = pathlib.Path(__file__).resolve().parent
tree = here.parent.parent
in_tree = (tree / "src/client/reqd.h").is_file() and not os.environ.get("REQD_SYSTEM")


def pkg_config(what, *packages):
    out = subprocess.run(["pkg-config", what, *packages], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return out.split()


def version():
    if in_tree:
        text = (tree / "configure.ac").read_text()
        return re.search(r"AC_INIT\(\[reqd\], \[([^]]*)\]", text).group(1)
    return pkg_config("--modversion", "libreqd")[0]


def sources(directory):
    """Returns the sources that automake has for a directory, without those of sandboxes."""
    text = (tree / directory / "local.mk").read_text()
    names = sorted(set(re.findall(rf"{directory}/\w+\.c", text)))
    return [str(tree / name) for name in names
            if "<seccomp.h>" not in (tree / name).read_text()]


class build_libreqd(build_clib):
    """Makes config.h, which configure would make, and then the library."""

    def get_source_files(self):
        return []   # they stand outside of this directory, which setuptools refuses to pack

    def build_libraries(self, libraries):
        made = pathlib.Path(self.build_temp)
        made.mkdir(parents=True, exist_ok=True)
        (made / "config.h").write_text(
            f'#define _GNU_SOURCE 1\n#define PACKAGE_VERSION "{version()}"\n')
        for _, info in libraries:
            info["include_dirs"].append(str(made))
        super().build_libraries(libraries)


extension = {
    "name": "reqd._reqd",
    "sources": [str(p.relative_to(here)) for p in sorted((here / "src").glob("*.c"))],
    "depends": ["src/kit.h"],
    "define_macros": [("Py_LIMITED_API", "0x03090000")],
    "extra_compile_args": ["-fvisibility=hidden", "-Wno-deprecated-declarations"],
    "py_limited_api": True,
}
libraries = []
if in_tree:
    needs = ("libbsd-overlay", "libssl", "libcrypto")
    libraries = [("reqd_of_tree", {
        "sources": [s for d in ("src/client", "src/proto", "src/base") for s in sources(d)],
        "include_dirs": [str(tree / "src")],
        "cflags": ["-std=gnu17", "-fPIC", "-fvisibility=hidden", '-DRUNSTATEDIR="/run"',
                   '-DSYSCONFDIR="/etc"', *pkg_config("--cflags", *needs)],
    })]
    extension["include_dirs"] = [str(tree / "src/client")]
    extension["extra_link_args"] = [*pkg_config("--libs", *needs), "-lmd", "-Wl,--as-needed"]
else:
    extension["extra_compile_args"] += pkg_config("--cflags", "libreqd")
    extension["extra_link_args"] = pkg_config("--libs", "libreqd")

setup(version=version(), ext_modules=[Extension(**extension)], libraries=libraries,
      cmdclass={"build_clib": build_libreqd},
      options={"bdist_wheel": {"py_limited_api": "cp39"}})
