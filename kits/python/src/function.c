/* SPDX-License-Identifier: ISC */
/*
 * function: a function of Python with its parameters, and the arguments of one call.
 */
#include "kit.h"

#include <string.h>

/* Leaves p as it is when it fails: what p names is released later. */
static int
parameter_take(PyObject *row, struct parameter *p)
{
	PyObject *name, *convert;
	int kind;

	if (!PyArg_ParseTuple(row, "UiO", &name, &kind, &convert))
		return -1;
	if (kind < 0 || kind >= N_KINDS) {
		PyErr_SetString(PyExc_ValueError, "no such kind of argument");
		return -1;
	}
	Py_INCREF(name);
	Py_INCREF(convert);
	*p = (struct parameter){ .name = name, .convert = convert, .kind = (enum kind)kind };
	return 0;
}

static void
parameter_drop(struct parameter *p)
{
	Py_CLEAR(p->name);
	Py_CLEAR(p->convert);
}

/* Function(call, label, parameters, n_required, repeats, as_list, input, is_async) */
static PyObject *
function_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	PyObject *call, *label, *rows, *input;
	int repeats, as_list, is_async;
	Py_ssize_t n_required;
	struct function *f;

	(void)keywords;
	if (!PyArg_ParseTuple(args, "OUO!nppOp", &call, &label, &PyTuple_Type, &rows, &n_required,
	    &repeats, &as_list, &input, &is_async))
		return NULL;
	f = (struct function *)alloc(type, 0);
	if (f == NULL)
		return NULL;
	f->parameters = PyMem_Calloc((size_t)PyTuple_Size(rows) + 1, sizeof(*f->parameters));
	if (f->parameters == NULL) {
		Py_DECREF(f);
		return PyErr_NoMemory();
	}
	for (Py_ssize_t i = 0; i < PyTuple_Size(rows); i++) {
		if (parameter_take(PyTuple_GetItem(rows, i), &f->parameters[i]) < 0) {
			Py_DECREF(f);
			return NULL;
		}
		f->n++;
	}
	if (input != Py_None && parameter_take(input, &f->input) < 0) {
		Py_DECREF(f);
		return NULL;
	}
	f->has_input = input != Py_None;
	f->repeats = repeats && f->n > 0;
	f->as_list = as_list;
	f->is_async = is_async;
	f->n_required = (size_t)n_required;
	Py_INCREF(call);
	f->call = call;
	Py_INCREF(label);
	f->label = label;
	return (PyObject *)f;
}

static int
function_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct function *f = (struct function *)self;

	/* Python 3.8 did not visit the type here; the stable interface is 3.9. */
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(f->call);
	for (size_t i = 0; i < f->n; i++)
		Py_VISIT(f->parameters[i].convert);
	Py_VISIT(f->input.convert);
	return 0;
}

static int
function_clear(PyObject *self)
{
	struct function *f = (struct function *)self;

	Py_CLEAR(f->call);
	Py_CLEAR(f->label);
	for (size_t i = 0; i < f->n; i++)
		parameter_drop(&f->parameters[i]);
	f->n = 0;
	parameter_drop(&f->input);
	return 0;
}

static void
function_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	PyObject_GC_UnTrack(self);
	(void)function_clear(self);
	PyMem_Free(((struct function *)self)->parameters);
	release(self);
	Py_DECREF(type);
}

static PyType_Slot function_slots[] = {
	{ Py_tp_new, function_new },
	{ Py_tp_traverse, function_traverse },
	{ Py_tp_clear, function_clear },
	{ Py_tp_dealloc, function_dealloc },
	{ 0, NULL }
};

PyType_Spec function_spec = {
	.name = "_reqd.Function", .basicsize = sizeof(struct function),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, .slots = function_slots,
};

/* ------------------------------------------------------------- arguments --- */

/* Puts the name of the argument before the reason. */
static void
name_the_argument(const struct parameter *p)
{
	PyObject *type, *reason, *trace;

	PyErr_Fetch(&type, &reason, &trace);
	if (reason != NULL)
		PyErr_Format(PyExc_ValueError, "argument '%U' %S", p->name, reason);
	else
		PyErr_Format(PyExc_ValueError, "argument '%U' is wrong", p->name);
	Py_XDECREF(type);
	Py_XDECREF(reason);
	Py_XDECREF(trace);
}

static PyObject *
parameter_read(const struct parameter *p, const struct reqd_request *req, size_t word,
    bool *ret_callers)
{
	PyObject *value = argument_read(p->kind, p->convert,
	    (struct word){ req->argv[word], req->lens[word] });

	if (value != NULL)
		return value;
	*ret_callers = PyErr_ExceptionMatches(PyExc_ValueError) != 0;
	if (*ret_callers)
		name_the_argument(p);
	return NULL;
}

/* Checks the number of words. -1 with an exception. */
static int
words_check(const struct function *f, size_t n)
{
	if (n < f->n_required)
		PyErr_Format(PyExc_ValueError, "argument '%U' is missing", f->parameters[n].name);
	else if (n > f->n && !f->repeats)
		PyErr_Format(PyExc_ValueError, "%U takes at most %zu arguments, not %zu",
		    f->label, f->n, n);
	else
		return 0;
	return -1;
}

/* Reads the words of the parameter that repeats into one list. */
static PyObject *
list_read(const struct parameter *p, const struct reqd_request *req, size_t first, size_t n,
    bool *ret_callers)
{
	PyObject *list = PyList_New((Py_ssize_t)n);

	for (size_t i = 0; list != NULL && i < n; i++) {
		PyObject *value = parameter_read(p, req, first + i, ret_callers);

		if (value == NULL) {
			Py_DECREF(list);
			return NULL;
		}
		(void)PyList_SetItem(list, (Py_ssize_t)i, value);
	}
	return list;
}

static PyObject *
tuple_read(struct function *f, const struct reqd_request *req, size_t n, bool *ret_callers)
{
	size_t plain = f->repeats && n >= f->n ? f->n - 1 : n;
	size_t rest = n - plain;
	bool as_list = f->as_list && rest > 0;
	PyObject *tuple = PyTuple_New((Py_ssize_t)(as_list ? plain + 1 : n));

	for (size_t i = 0; tuple != NULL && i < (as_list ? plain + 1 : n); i++) {
		const struct parameter *p = &f->parameters[i < f->n ? i : f->n - 1];
		PyObject *value;

		if (as_list && i == plain)
			value = list_read(p, req, 1 + plain, rest, ret_callers);
		else
			value = parameter_read(p, req, 1 + i, ret_callers);
		if (value == NULL) {
			Py_DECREF(tuple);
			return NULL;
		}
		(void)PyTuple_SetItem(tuple, (Py_ssize_t)i, value);
	}
	return tuple;
}

int
function_arguments(struct function *f, const struct reqd_request *req, PyObject **ret_args,
    PyObject **ret_keywords, bool *ret_callers)
{
	size_t n = req->argc - 1;
	PyObject *keywords = NULL, *input, *args;

	*ret_callers = true;
	if (f->has_input && n == 0) {
		PyErr_SetString(PyExc_ValueError, "the input is missing");
		return -1;
	}
	n -= f->has_input;
	if (words_check(f, n) < 0)
		return -1;
	*ret_callers = false;
	if (f->has_input) {
		keywords = PyDict_New();
		input = keywords != NULL ? parameter_read(&f->input, req, n + 1, ret_callers) : NULL;
		if (input == NULL || PyDict_SetItem(keywords, f->input.name, input) < 0) {
			Py_XDECREF(keywords);
			Py_XDECREF(input);
			return -1;
		}
		Py_DECREF(input);
	}
	args = tuple_read(f, req, n, ret_callers);
	if (args == NULL) {
		Py_XDECREF(keywords);
		return -1;
	}
	*ret_args = args;
	*ret_keywords = keywords;
	return 0;
}
