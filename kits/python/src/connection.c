/* SPDX-License-Identifier: ISC */
/*
 * connection: a connection to a server, and one call over it at a time. The package reqd
 * makes its clients of these. While libreqd waits, other threads of Python run.
 */
#include "kit.h"

#include <limits.h>
#include <string.h>
#include <sys/socket.h>

struct connection {
	PyObject_HEAD
	struct reqd *c;
	bool is_busy;			/* a thread is in libreqd with it */
	PyThreadState *thread;		/* that of the call, while libreqd runs */
	PyObject *input, *output;	/* functions of the call; borrowed */
};

static PyObject *broken_type;	/* _reqd.Broken */

/* ---------------------------------------------------------------- errors --- */

/* Raises Broken(code, text, was_sent). */
static PyObject *
raise_broken(struct connection *self, int code)
{
	const char *text = self->c != NULL ? reqd_error_text(self->c) : "";
	PyObject *args;

	if (PyErr_Occurred() != NULL)	/* of a function of the call */
		return NULL;
	args = Py_BuildValue("(isO)", code, code == REQD_E_NOMEM ? "out of memory" : text,
	    self->c != NULL && reqd_was_sent(self->c) ? Py_True : Py_False);
	if (args != NULL)
		PyErr_SetObject(broken_type, args);
	Py_XDECREF(args);
	return NULL;
}

/* Begins to use the connection; false with an exception when another thread does. */
static bool
begin(struct connection *self)
{
	if (self->is_busy || self->c == NULL) {
		PyErr_SetString(PyExc_RuntimeError, "the connection is in use");
		return false;
	}
	self->is_busy = true;
	self->thread = PyEval_SaveThread();
	return true;
}

static void
end(struct connection *self)
{
	PyEval_RestoreThread(self->thread);
	self->thread = NULL;
	self->is_busy = false;
}

/* ------------------------------------------------------------- callbacks --- */

/* True while a function of Python may be called: none of them has failed. */
static bool
enter(struct connection *self)
{
	PyEval_RestoreThread(self->thread);
	return PyErr_Occurred() == NULL;
}

static void
leave(struct connection *self)
{
	self->thread = PyEval_SaveThread();
}

static int
on_signal(void *arg)
{
	struct connection *self = arg;
	int r = enter(self) && PyErr_CheckSignals() == 0 ? 0 : -1;

	leave(self);
	return r;
}

static int
on_output(void *arg, int stream, const void *data, size_t len)
{
	struct connection *self = arg;
	PyObject *r = NULL;

	if (enter(self))
		r = PyObject_CallFunction(self->output, "iy#", stream, (const char *)data,
		    (Py_ssize_t)len);
	Py_XDECREF(r);
	leave(self);
	return r != NULL ? 0 : -1;
}

/* Copies what the function has returned: bytes, or str as UTF-8. -1 with an exception. */
static long
take_input(PyObject *piece, void *buf, size_t size)
{
	PyObject *bytes = PyUnicode_Check(piece) ? PyUnicode_AsUTF8String(piece) :
	    PyBytes_FromObject(piece);
	Py_ssize_t len = -1;
	char *data;

	if (bytes == NULL)
		return -1;
	if (PyBytes_AsStringAndSize(bytes, &data, &len) == 0) {
		if ((size_t)len <= size) {
			for (Py_ssize_t i = 0; i < len; i++)
				((char *)buf)[i] = data[i];
		} else {
			PyErr_SetString(PyExc_ValueError, "read() returned more than was asked for");
			len = -1;
		}
	}
	Py_DECREF(bytes);
	return (long)len;
}

static long
on_input(void *arg, void *buf, size_t size)
{
	struct connection *self = arg;
	PyObject *piece = NULL;
	long n = -1;

	if (enter(self))
		piece = PyObject_CallFunction(self->input, "n", (Py_ssize_t)size);
	if (piece != NULL) {
		n = take_input(piece, buf, size);
		Py_DECREF(piece);
	}
	leave(self);
	return n;
}

/* --------------------------------------------------------------- connect --- */

static PyObject *
connection_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	struct connection *self;

	(void)args;
	(void)keywords;
	self = (struct connection *)alloc(type, 0);
	if (self == NULL)
		return NULL;
	self->c = reqd_new();
	if (self->c == NULL) {
		Py_DECREF(self);
		return PyErr_NoMemory();
	}
	reqd_set_interrupt(self->c, on_signal, self);
	return (PyObject *)self;
}

static void
connection_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	(void)reqd_free(((struct connection *)self)->c);
	release(self);
	Py_DECREF(type);
}

/* connect(url or None, login, secret, ca file, pin, milliseconds) */
static PyObject *
connection_connect(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;
	const char *url, *login, *secret, *ca, *pin;
	unsigned ms;
	int r;

	if (!PyArg_ParseTuple(args, "zzzzzI", &url, &login, &secret, &ca, &pin, &ms))
		return NULL;
	if (!begin(self))
		return NULL;
	r = reqd_set_connect_timeout(self->c, ms);
	if (r == 0)
		r = reqd_set_login(self->c, login, secret);
	if (r == 0)
		r = reqd_set_tls(self->c, ca);
	if (r == 0)
		r = reqd_pin(self->c, pin);
	if (r == 0)
		r = reqd_connect(self->c, url != NULL ? &url : NULL, url != NULL, 0);
	end(self);
	if (r < 0)
		return raise_broken(self, r);
	Py_RETURN_NONE;
}

/* attach(fd): talks to a handler over a socket, without a server in between. Takes fd. */
static PyObject *
connection_attach(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;
	int fd, r;

	if (!PyArg_ParseTuple(args, "i", &fd) || !begin(self))
		return NULL;
	r = reqd_attach(self->c, fd, "the handler", REQD_NO_HELLO);
	end(self);
	if (r < 0)
		return raise_broken(self, r);
	Py_RETURN_NONE;
}

/* send((bytes ...), deadline in ms or 0): sends one request of these words. */
static PyObject *
connection_send(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;
	unsigned long long deadline_ms;
	const char **argv;
	PyObject *words;
	size_t n, *lens;
	int r = REQD_E_NOMEM;

	if (!PyArg_ParseTuple(args, "O!K", &PyTuple_Type, &words, &deadline_ms))
		return NULL;
	n = (size_t)PyTuple_Size(words);
	argv = PyMem_Calloc(n + 1, sizeof(*argv));
	lens = PyMem_Calloc(n + 1, sizeof(*lens));
	for (size_t i = 0; argv != NULL && lens != NULL && i < n; i++) {
		char *data = NULL;
		Py_ssize_t len = 0;

		(void)PyBytes_AsStringAndSize(PyTuple_GetItem(words, (Py_ssize_t)i), &data, &len);
		argv[i] = data;
		lens[i] = (size_t)len;
	}
	if (argv != NULL && lens != NULL && PyErr_Occurred() == NULL && begin(self)) {
		r = reqd_set_deadline(self->c, deadline_ms);
		if (r == 0)
			r = reqd_send(self->c, n, argv, lens);
		end(self);
	}
	PyMem_Free(argv);
	PyMem_Free(lens);
	if (r < 0)
		return raise_broken(self, r);
	Py_RETURN_NONE;
}

/* receive(): the next value, as (kind, value); kind is "error", "push" or "value". */
static PyObject *
connection_receive(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;
	struct reqd_value *value = NULL;
	enum reqd_kind kind;
	PyObject *made;
	int r;

	(void)args;
	if (!begin(self))
		return NULL;
	r = reqd_receive(self->c, &value);
	end(self);
	if (r < 0)
		return raise_broken(self, r);
	made = value_object(value);
	kind = reqd_value_kind(value);
	(void)reqd_value_free(value);
	if (made == NULL)
		return NULL;
	return Py_BuildValue("(sN)", kind == REQD_ERROR ? "error" : kind == REQD_PUSH ? "push" :
	    "value", made);
}

/* ------------------------------------------------------------------ call --- */

static int
add_words(struct reqd_call *call, PyObject *words)
{
	for (Py_ssize_t i = 0; i < PyTuple_Size(words); i++) {
		const char *name, *data;
		Py_ssize_t len;

		if (!PyArg_ParseTuple(PyTuple_GetItem(words, i), "zy#", &name, &data, &len))
			return -1;
		(void)(name == NULL ? reqd_call_add(call, data, (size_t)len) :
		    reqd_call_add_named(call, name, data, (size_t)len));
	}
	return 0;
}

static int
add_meta(struct reqd_call *call, PyObject *meta)
{
	for (Py_ssize_t i = 0; i < PyTuple_Size(meta); i++) {
		const char *key, *value;

		if (!PyArg_ParseTuple(PyTuple_GetItem(meta, i), "ss", &key, &value))
			return -1;
		(void)reqd_call_add_meta(call, key, value);
	}
	return 0;
}

/* (outcome, status, signal, may_have_run, truncated, out, err, usec, id, error, value, text) */
static PyObject *
result_object(const struct reqd_result *r)
{
	bool has_value = r->value != NULL && reqd_value_kind(r->value) != REQD_ERROR;
	PyObject *value = has_value ? value_object(r->value) : Py_None;
	bool is_error = r->value != NULL && !has_value;
	PyObject *error;
	char text[512];

	if (value == NULL)
		return NULL;
	if (!has_value)
		Py_INCREF(value);
	/* The error of a handler is the value, that of the server a text. */
	error = is_error ? value_object(r->value) : PyUnicode_DecodeUTF8(r->error,
	    (Py_ssize_t)strlen(r->error), "replace");
	if (error == NULL) {
		Py_DECREF(value);
		return NULL;
	}
	return Py_BuildValue("(siiOOy#y#KsNNOs)", reqd_outcome_word(r->outcome), r->status,
	    r->signal, r->may_have_run ? Py_True : Py_False, r->truncated ? Py_True : Py_False,
	    r->out, (Py_ssize_t)r->out_len, r->err, (Py_ssize_t)r->err_len,
	    (unsigned long long)r->usec, r->id, error, value,
	    r->value != NULL ? Py_True : Py_False, reqd_result_text(r, text, sizeof(text)));
}

/* Sets where input comes from and where output goes. */
static int
add_streams(struct connection *self, struct reqd_call *call, PyObject *input, PyObject *output)
{
	if (PyLong_Check(input)) {
		long fd = PyLong_AsLong(input);

		if (fd < 0 || fd > INT_MAX) {
			PyErr_SetString(PyExc_ValueError, "no descriptor");
			return -1;
		}
		(void)reqd_call_set_input_fd(call, (int)fd);
	} else if (input != Py_None) {
		(void)reqd_call_set_input(call, on_input, self);
	}
	if (output != Py_None)
		(void)reqd_call_set_output(call, on_output, self);
	return 0;
}

/* Makes the call with the connection. NULL with an exception. */
static PyObject *
call_make(struct connection *self, const struct reqd_call *call, PyObject *input,
    PyObject *output, unsigned long long deadline_ms)
{
	struct reqd_result *result = NULL;
	PyObject *made;
	int r;

	if (!begin(self))
		return NULL;
	/* Not before: the call that another thread makes has functions of its own. */
	self->input = input;
	self->output = output;
	r = reqd_set_deadline(self->c, deadline_ms);
	if (r == 0)
		r = reqd_call(self->c, call, &result);
	end(self);
	if (r < 0)
		return raise_broken(self, r);
	made = PyErr_Occurred() == NULL ? result_object(result) : NULL;
	(void)reqd_result_free(result);
	return made;
}

/*
 * call(service, ((name or None, bytes) ...), input, output, timeout in ms or 0, id or None,
 * ((key, value) ...), deadline in ms or 0)
 */
static PyObject *
connection_call(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;
	unsigned long long timeout_ms, deadline_ms;
	PyObject *words, *input, *output, *meta, *result = NULL;
	const char *service, *id;
	struct reqd_call *call;

	if (!PyArg_ParseTuple(args, "sO!OOKzO!K", &service, &PyTuple_Type, &words, &input, &output,
	    &timeout_ms, &id, &PyTuple_Type, &meta, &deadline_ms))
		return NULL;
	call = reqd_call_new(service);
	if (call == NULL)
		return PyErr_NoMemory();
	if (timeout_ms > 0)
		(void)reqd_call_set_timeout(call, timeout_ms);
	if (id != NULL)
		(void)reqd_call_set_id(call, id);
	if (add_words(call, words) == 0 && add_meta(call, meta) == 0 &&
	    add_streams(self, call, input, output) == 0)
		result = call_make(self, call, input, output, deadline_ms);
	(void)reqd_call_free(call);
	return result;
}

/* ------------------------------------------------------------------- end --- */

static PyObject *
connection_close(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;

	(void)args;
	if (!begin(self))
		return NULL;
	reqd_close(self->c);
	end(self);
	Py_RETURN_NONE;
}

/* Breaks off the call that another thread makes; that thread gets an error. */
static PyObject *
connection_cancel(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;
	int fd = reqd_fd(self->c);

	(void)args;
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
	Py_RETURN_NONE;
}

static PyObject *
connection_about(PyObject *me, PyObject *args)
{
	struct connection *self = (struct connection *)me;

	(void)args;
	return Py_BuildValue("(ssi)", reqd_url(self->c), reqd_server(self->c), reqd_fd(self->c));
}

static PyObject *
connection_broken_type(PyObject *me, PyObject *type)
{
	(void)me;
	Py_INCREF(type);
	Py_XDECREF(broken_type);
	broken_type = type;
	Py_RETURN_NONE;
}

static PyMethodDef connection_methods[] = {
	{ "connect", connection_connect, METH_VARARGS, NULL },
	{ "attach", connection_attach, METH_VARARGS, NULL },
	{ "send", connection_send, METH_VARARGS, NULL },
	{ "receive", connection_receive, METH_NOARGS, NULL },
	{ "call", connection_call, METH_VARARGS, NULL },
	{ "close", connection_close, METH_NOARGS, NULL },
	{ "cancel", connection_cancel, METH_NOARGS, NULL },
	{ "about", connection_about, METH_NOARGS, NULL },
	{ "_raises", connection_broken_type, METH_O | METH_STATIC, NULL },
	{ NULL, NULL, 0, NULL }
};

static PyType_Slot connection_slots[] = {
	{ Py_tp_new, connection_new },
	{ Py_tp_methods, connection_methods },
	{ Py_tp_dealloc, connection_dealloc },
	{ 0, NULL }
};

PyType_Spec connection_spec = {
	.name = "_reqd.Connection", .basicsize = sizeof(struct connection),
	.flags = Py_TPFLAGS_DEFAULT, .slots = connection_slots,
};
