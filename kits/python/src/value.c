/* SPDX-License-Identifier: ISC */
/*
 * value: makes values of Python of the replies that libreqd has received.
 */
#include "kit.h"

/* Bytes stay bytes: only the program knows which of them are text. */
static PyObject *
bytes_object(const struct reqd_value *v)
{
	size_t len;
	const char *data = reqd_value_data(v, &len);

	return PyBytes_FromStringAndSize(data, (Py_ssize_t)len);
}

static PyObject *
text_object(const struct reqd_value *v)
{
	size_t len;
	const char *data = reqd_value_data(v, &len);

	return PyUnicode_DecodeUTF8(data, (Py_ssize_t)len, "replace");
}

/* Python refuses to read more digits than its limit, with a ValueError. */
static PyObject *
big_object(const struct reqd_value *v)
{
	PyObject *digits = bytes_object(v), *number;

	if (digits == NULL)
		return NULL;
	number = PyLong_FromString(PyBytes_AsString(digits), NULL, 10);
	Py_DECREF(digits);
	return number;
}

static PyObject *
list_object(const struct reqd_value *v)
{
	size_t n = reqd_value_count(v);
	PyObject *list = PyList_New((Py_ssize_t)n);

	for (size_t i = 0; list != NULL && i < n; i++) {
		PyObject *item = value_object(reqd_value_at(v, i));

		if (item == NULL) {
			Py_DECREF(list);
			return NULL;
		}
		(void)PyList_SetItem(list, (Py_ssize_t)i, item);
	}
	return list;
}

/*
 * Makes a key of a dict or a member of a set, which Python must be able to hash. A list
 * becomes a tuple of its items; other values that cannot be hashed are a TypeError.
 */
static PyObject *
key_object(const struct reqd_value *v)
{
	PyObject *key = value_object(v), *tuple;

	if (key == NULL || !PyList_Check(key))
		return key;
	tuple = PyList_AsTuple(key);
	Py_DECREF(key);
	return tuple;
}

static PyObject *
set_object(const struct reqd_value *v)
{
	PyObject *set = PySet_New(NULL);

	for (size_t i = 0; set != NULL && i < reqd_value_count(v); i++) {
		PyObject *item = key_object(reqd_value_at(v, i));

		if (item == NULL || PySet_Add(set, item) < 0)
			Py_CLEAR(set);
		Py_XDECREF(item);
	}
	return set;
}

/* Keys are mostly names: those that are text become str. */
static PyObject *
map_key(const struct reqd_value *v)
{
	PyObject *key = key_object(v), *text;

	if (key == NULL || !PyBytes_Check(key))
		return key;
	text = PyUnicode_FromEncodedObject(key, "utf-8", "strict");
	if (text == NULL) {
		PyErr_Clear();
		return key;
	}
	Py_DECREF(key);
	return text;
}

static PyObject *
dict_object(const struct reqd_value *v)
{
	PyObject *dict = PyDict_New();

	for (size_t i = 0; dict != NULL && i + 1 < reqd_value_count(v); i += 2) {
		PyObject *key = map_key(reqd_value_at(v, i));
		PyObject *value = key != NULL ? value_object(reqd_value_at(v, i + 1)) : NULL;

		if (value == NULL || PyDict_SetItem(dict, key, value) < 0)
			Py_CLEAR(dict);
		Py_XDECREF(key);
		Py_XDECREF(value);
	}
	return dict;
}

PyObject *
value_object(const struct reqd_value *v)
{
	switch (reqd_value_kind(v)) {
	case REQD_SIMPLE:
	case REQD_ERROR:
		return text_object(v);
	case REQD_BULK:
	case REQD_VERBATIM:
		return bytes_object(v);
	case REQD_INTEGER:
		return PyLong_FromLongLong(reqd_value_integer(v));
	case REQD_BIG:
		return big_object(v);
	case REQD_BOOL:
		return PyBool_FromLong(reqd_value_integer(v) != 0);
	case REQD_DOUBLE:
		return PyFloat_FromDouble(reqd_value_double(v));
	case REQD_ARRAY:
	case REQD_PUSH:
		return list_object(v);
	case REQD_MAP:
		return dict_object(v);
	case REQD_SET:
		return set_object(v);
	case REQD_NULL:
		break;
	}
	Py_RETURN_NONE;
}
