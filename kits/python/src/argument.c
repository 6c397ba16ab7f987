/* SPDX-License-Identifier: ISC */
/*
 * argument: reads the words of a request as values of Python. reqd has checked the words
 * where the service declares a type; these checks are for a service that does not.
 */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 400	/* bytes of a number; float('1e400') is longer by nothing */

static PyObject *
refuse(const char *what)
{
	PyErr_SetString(PyExc_ValueError, what);
	return NULL;
}

static bool
is_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return len > 0;
}

/* Python would also take blanks, "1_000" and digits of other scripts. */
static PyObject *
read_int(struct word w)
{
	size_t sign = w.len > 0 && (w.data[0] == '-' || w.data[0] == '+');

	if (!is_digits(w.data + sign, w.len - sign))
		return refuse("is no whole number");
	if (w.len <= 18)
		return PyLong_FromLongLong(strtoll(w.data, NULL, 10));
	return PyLong_FromString(w.data, NULL, 10);
}

static PyObject *
read_float(struct word w)
{
	double value;

	/* PyOS_string_to_double takes neither blanks nor underscores. */
	if (w.len == 0 || w.len > TEXT_MAX || strlen(w.data) != w.len)
		return refuse("is no number");
	value = PyOS_string_to_double(w.data, NULL, NULL);
	if (PyErr_Occurred() != NULL) {
		if (!PyErr_ExceptionMatches(PyExc_ValueError))
			return NULL;
		PyErr_Clear();
		return refuse("is no number");
	}
	return PyFloat_FromDouble(value);
}

static PyObject *
read_bool(struct word w)
{
	static const char *const words[] = { "no", "false", "off", "0", "", "yes", "true", "on", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i]) == w.len && memcmp(words[i], w.data, w.len) == 0)
			return PyBool_FromLong(i > 4);
	}
	return refuse("is neither yes nor no");
}

static PyObject *
read_str(struct word w)
{
	PyObject *text = PyUnicode_DecodeUTF8(w.data, (Py_ssize_t)w.len, NULL);

	if (text != NULL || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
		return text;
	PyErr_Clear();
	return refuse("is no text in UTF-8");
}

PyObject *
argument_read(enum kind kind, PyObject *convert, struct word w)
{
	PyObject *text, *value;

	switch (kind) {
	case KIND_STR:
		return read_str(w);
	case KIND_BYTES:
		return PyBytes_FromStringAndSize(w.data, (Py_ssize_t)w.len);
	case KIND_INT:
		return read_int(w);
	case KIND_FLOAT:
		return read_float(w);
	case KIND_BOOL:
		return read_bool(w);
	case KIND_OTHER:
	case N_KINDS:
		break;
	}
	text = read_str(w);
	if (text == NULL)
		return NULL;
	value = PyObject_CallFunctionObjArgs(convert, text, NULL);
	Py_DECREF(text);
	return value;
}
