# SPDX-License-Identifier: ISC
# REQD_PYTHON_KIT: sets have_python_kit, and python_kit_words with the reason of a no.
# Substitutes PYTHON_KIT_CPPFLAGS and PYTHON_KIT_DIR.
AC_DEFUN([REQD_PYTHON_KIT], [
have_python_kit=no
python_kit_words=no
PYTHON_KIT_CPPFLAGS=
PYTHON_KIT_DIR=
AS_CASE([$with_python],
    [no], [python_kit=],
    [auto | yes], [python_kit=/usr/bin/python3],
    [python_kit=$with_python])
AS_IF([test -n "$python_kit"], [
    AC_MSG_CHECKING([for the headers of $python_kit])
    python_include=`"$python_kit" -c 'import sys, sysconfig
assert sys.version_info >= (3, 9)
print(sysconfig.get_paths()[["include"]])' 2>/dev/null`
    AS_IF([test -n "$python_include" && test -f "$python_include/Python.h"],
        [have_python_kit=yes], [python_kit_words="no: $python_kit or its Python.h, 3.9 or later, is not there"])
    AC_MSG_RESULT([$have_python_kit])
    AS_IF([test "$have_python_kit" = no && test "$with_python" != auto],
        [AC_MSG_ERROR([Python.h of $python_kit not found: install python3-dev, or say --without-python])])
])
AS_IF([test "$have_python_kit" = yes], [
    PYTHON_KIT_CPPFLAGS="-isystem $python_include"
    PYTHON_KIT_DIR=$with_pythondir
    # Debian looks for packages of administrators in a directory of its own.
    AS_IF([test -z "$PYTHON_KIT_DIR"], [
        PYTHON_KIT_DIR='${prefix}'/lib/`"$python_kit" -c 'import sys, sysconfig
print("python%d.%d/%s-packages" % (*sys.version_info[[:2]],
    "dist" if "deb_system" in sysconfig.get_scheme_names() else "site"))'`
    ])
    python_kit_words="$python_kit, in $PYTHON_KIT_DIR"
])
AC_SUBST([PYTHON_KIT_CPPFLAGS])
AC_SUBST([PYTHON_KIT_DIR])
AS_IF([test "$have_python_kit" = yes], [PYTHON_KIT_PROGRAM=$python_kit], [PYTHON_KIT_PROGRAM=])
AC_SUBST([PYTHON_KIT_PROGRAM])
])
