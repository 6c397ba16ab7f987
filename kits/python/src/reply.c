/* SPDX-License-Identifier: ISC */
/*
 * reply: makes the reply of a value of Python. Values of other types are made plain by a
 * function of Python first, once each.
 */
#include "kit.h"

#define DEPTH_MAX 8	/* arrays, sets and maps in each other, see reqd-handler(7) */
#define PLAIN_MAX 20

struct replier {
	struct reqd_request *req;
	PyObject *plain;	/* NULL: values of other types are an error */
	unsigned depth;
	unsigned n_plain;	/* values made plain inside each other */
};

static int give(struct replier *r, PyObject *value);

static int
give_bytes(struct replier *r, PyObject *bytes)
{
	char *data;
	Py_ssize_t len;

	if (PyBytes_AsStringAndSize(bytes, &data, &len) < 0)
		return -1;
	reqd_reply_bulk(r->req, data, (size_t)len);
	return 0;
}

/* Takes the reference, which may be NULL. */
static int
give_taken(struct replier *r, PyObject *bytes)
{
	int result = bytes != NULL ? give_bytes(r, bytes) : -1;

	Py_XDECREF(bytes);
	return result;
}

static int
give_str(struct replier *r, PyObject *text)
{
	PyObject *bytes = PyUnicode_AsUTF8String(text);

	if (bytes == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
		/* The bytes of a file name that is no UTF-8. */
		PyErr_Clear();
		bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
	}
	return give_taken(r, bytes);
}

static int
give_big(struct replier *r, PyObject *number)
{
	PyObject *text = PyNumber_ToBase(number, 10);
	PyObject *bytes = text != NULL ? PyUnicode_AsUTF8String(text) : NULL;
	const char *digits = bytes != NULL ? PyBytes_AsString(bytes) : NULL;

	if (digits != NULL)
		reqd_reply_big(r->req, digits);
	Py_XDECREF(text);
	Py_XDECREF(bytes);
	return digits != NULL ? 0 : -1;
}

static int
give_int(struct replier *r, PyObject *number)
{
	int overflow;
	long long value = PyLong_AsLongLongAndOverflow(number, &overflow);

	if (overflow != 0)
		return give_big(r, number);
	if (value == -1 && PyErr_Occurred() != NULL)
		return -1;
	reqd_reply_integer(r->req, value);
	return 0;
}

static int
enter(struct replier *r)
{
	if (r->depth++ < DEPTH_MAX)
		return 0;
	PyErr_Format(PyExc_ValueError, "a reply nests at most %d deep", DEPTH_MAX);
	return -1;
}

static int
give_list(struct replier *r, PyObject *list, Py_ssize_t n, PyObject *(*item)(PyObject *, Py_ssize_t))
{
	if (enter(r) < 0)
		return -1;
	reqd_reply_array(r->req, (size_t)n);
	for (Py_ssize_t i = 0; i < n; i++) {
		PyObject *value = item(list, i);	/* fails when the list has become shorter */
		int result;

		if (value == NULL)
			return -1;
		Py_INCREF(value);
		result = give(r, value);
		Py_DECREF(value);
		if (result < 0)
			return -1;
	}
	r->depth--;
	return 0;
}

static int
give_set(struct replier *r, PyObject *set)
{
	PyObject *i = PyObject_GetIter(set), *value;

	if (i == NULL || enter(r) < 0) {
		Py_XDECREF(i);
		return -1;
	}
	reqd_reply_set(r->req, (size_t)PySet_Size(set));
	while ((value = PyIter_Next(i)) != NULL) {
		int result = give(r, value);

		Py_DECREF(value);
		if (result < 0)
			break;
	}
	Py_DECREF(i);
	r->depth--;
	return PyErr_Occurred() != NULL ? -1 : 0;
}

static int
give_dict(struct replier *r, PyObject *dict)
{
	PyObject *key, *value;
	Py_ssize_t at = 0;

	if (enter(r) < 0)
		return -1;
	reqd_reply_map(r->req, (size_t)PyDict_Size(dict));
	while (PyDict_Next(dict, &at, &key, &value)) {
		int result;

		Py_INCREF(key);
		Py_INCREF(value);
		result = give(r, key) < 0 || give(r, value) < 0 ? -1 : 0;
		Py_DECREF(key);
		Py_DECREF(value);
		if (result < 0)
			return -1;
	}
	r->depth--;
	return 0;
}

/* A value of another type. Its plain form may be of another type again, but not for ever. */
static int
give_other(struct replier *r, PyObject *value)
{
	PyObject *simple;
	int result;

	if (r->plain == NULL) {
		PyErr_Format(PyExc_TypeError, "a reply cannot be of type %S", Py_TYPE(value));
		return -1;
	}
	simple = PyObject_CallFunctionObjArgs(r->plain, value, NULL);
	if (simple == NULL)
		return -1;
	if (r->n_plain++ < PLAIN_MAX) {
		result = give(r, simple);
	} else {
		PyErr_Format(PyExc_TypeError, "a reply cannot be of type %S", Py_TYPE(value));
		result = -1;
	}
	r->n_plain--;
	Py_DECREF(simple);
	return result;
}

static int
give(struct replier *r, PyObject *v)
{
	if (PyUnicode_Check(v))
		return give_str(r, v);
	if (PyBytes_Check(v))
		return give_bytes(r, v);
	if (v == Py_None)
		reqd_reply_null(r->req);
	else if (PyBool_Check(v))
		reqd_reply_bool(r->req, v == Py_True);
	else if (PyLong_Check(v))
		return give_int(r, v);
	else if (PyFloat_Check(v))
		reqd_reply_double(r->req, PyFloat_AsDouble(v));
	else if (PyDict_Check(v))
		return give_dict(r, v);
	else if (PyList_Check(v))
		return give_list(r, v, PyList_Size(v), PyList_GetItem);
	else if (PyTuple_Check(v))
		return give_list(r, v, PyTuple_Size(v), PyTuple_GetItem);
	else if (PyAnySet_Check(v))
		return give_set(r, v);
	else if (PyByteArray_Check(v) || PyMemoryView_Check(v))
		return give_taken(r, PyBytes_FromObject(v));
	else
		return give_other(r, v);
	return 0;
}

int
reply_value(struct reqd_request *req, PyObject *value, PyObject *plain)
{
	struct replier r = { .req = req, .plain = plain };

	return give(&r, value);
}
