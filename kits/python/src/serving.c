/* SPDX-License-Identifier: ISC */
/*
 * serving: the loop of a handler. libreqd reads the requests; this file finds the function,
 * calls it and makes its reply. What Python has to decide (the text of an error, the task
 * of an async function, the wait of an event loop) is asked of an object of Python.
 *
 * One process has one loop, as it has one standard input.
 */
#include "kit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A name that requests call, and its function. */
struct entry {
	const char *name;
	size_t len;
	struct function *function;
};

static struct {
	bool runs;
	struct entry *entries;
	size_t n_entries;
	struct function *any;	/* answers to every name; NULL: none */
	PyObject *loop;		/* the methods that follow belong to it */
	PyObject *failure;	/* (exception, id) -> (code, text, status) */
	PyObject *plain;
	PyObject *spawn;	/* (call, args, keywords, held) */
	PyObject *wait;		/* (descriptor) -> None; None: read(2) waits */
	PyObject *drain;	/* () -> None, at the end of the input */
	PyObject *current;	/* () -> the Held of the running task, or None */
	bool is_child;		/* a function has forked, and this is the child */
	bool is_stopped;	/* an exception ends the loop */
	struct reqd_request *request;	/* that the running function answers; NULL: none */
	unsigned long thread;	/* runs the loop */
	unsigned long epoch;	/* counts the loops: the requests of one end with it */
} kit;

/* ----------------------------------------------------------------- errors --- */

static PyObject *
take_exception(void)
{
	PyObject *type, *value, *trace;

	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	if (value != NULL && trace != NULL)
		(void)PyException_SetTraceback(value, trace);
	Py_XDECREF(type);
	Py_XDECREF(trace);
	return value;
}

static PyObject *
text_object(const char *text)
{
	if (text == NULL)
		Py_RETURN_NONE;
	return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static const char *
bytes_text(PyObject *tuple, Py_ssize_t i)
{
	PyObject *item = PyTuple_GetItem(tuple, i);

	return item != NULL && PyBytes_Check(item) ? PyBytes_AsString(item) : "";
}

/* Replies the exception that is set, and clears it. */
static void
reply_failure(struct reqd_request *req)
{
	PyObject *exception = take_exception(), *told = NULL;
	PyObject *id = text_object(reqd_request_context(req, "id"));
	long status;

	PyErr_Clear();		/* of an id without memory */
	if (exception != NULL)
		told = PyObject_CallFunctionObjArgs(kit.failure, exception,
		    id != NULL ? id : Py_None, NULL);
	Py_XDECREF(id);
	Py_XDECREF(exception);
	if (told == NULL || !PyTuple_Check(told) || PyTuple_Size(told) != 3) {
		/* The failure cannot even be told: mostly, memory is out. */
		PyErr_Clear();
		Py_XDECREF(told);
		reqd_reply_error(req, "ERR", "the function failed");
		return;
	}
	status = PyLong_AsLong(PyTuple_GetItem(told, 2));
	PyErr_Clear();
	if (status > 0)
		reqd_reply_exit(req, status < 256 ? (int)status : 255, "%s", bytes_text(told, 1));
	else if (status == 0)
		reqd_reply_null(req);
	else
		reqd_reply_error(req, bytes_text(told, 0), "%s", bytes_text(told, 1));
	Py_DECREF(told);
}

/* Replies the ValueError that blames the caller; no traceback, as the program is right. */
static void
reply_refusal(struct reqd_request *req)
{
	PyObject *exception = take_exception();
	PyObject *text = exception != NULL ? PyObject_Str(exception) : NULL;
	PyObject *bytes = text != NULL ? PyUnicode_AsUTF8String(text) : NULL;

	reqd_reply_error(req, "ERR", "%s", bytes != NULL ? PyBytes_AsString(bytes) : "wrong arguments");
	PyErr_Clear();
	Py_XDECREF(bytes);
	Py_XDECREF(text);
	Py_XDECREF(exception);
}

static void
reply_result(struct reqd_request *req, PyObject *value)
{
	if (reply_value(req, value, kit.plain) < 0)
		reply_failure(req);
}

/* ------------------------------------------------------------------ held --- */

struct held {
	PyObject_HEAD
	struct reqd_request *request;	/* NULL: answered */
	unsigned long epoch;		/* of the loop that owns the request */
};

static PyObject *held_type;

static PyObject *
held_new(struct reqd_request *request)
{
	allocfunc alloc = (allocfunc)PyType_GetSlot((PyTypeObject *)held_type, Py_tp_alloc);
	struct held *h = (struct held *)alloc((PyTypeObject *)held_type, 0);

	if (h != NULL) {
		h->request = request;
		h->epoch = kit.epoch;
	}
	return (PyObject *)h;
}

/* True while the request is there. libreqd frees it when the loop ends, answered or not. */
static bool
held_lives(const struct held *h)
{
	return h->request != NULL && kit.runs && h->epoch == kit.epoch && !kit.is_child;
}

static void
held_release(struct held *h)
{
	struct reqd_request *request = h->request;

	h->request = NULL;
	Py_BEGIN_ALLOW_THREADS
	/* When nobody reads any more the loop finds that out itself. */
	(void)reqd_request_release(request);
	Py_END_ALLOW_THREADS
}

static PyObject *
held_end(struct held *h)
{
	held_release(h);
	Py_RETURN_NONE;
}

static PyObject *
held_check(struct held *h)
{
	if (held_lives(h))
		return (PyObject *)h;
	PyErr_SetString(PyExc_RuntimeError, h->request == NULL ? "the request has been answered" :
	    "the loop of the request has ended");
	return NULL;
}

static PyObject *
held_reply(PyObject *self, PyObject *value)
{
	struct held *h = (struct held *)self;

	if (held_check(h) == NULL)
		return NULL;
	reply_result(h->request, value);
	return held_end(h);
}

static PyObject *
held_fail(PyObject *self, PyObject *exception)
{
	struct held *h = (struct held *)self;

	if (held_check(h) == NULL)
		return NULL;
	PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
	reply_failure(h->request);
	return held_end(h);
}

static void
held_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
	struct held *h = (struct held *)self;

	/* Nobody can answer it any more, and the replies behind it wait. */
	if (held_lives(h) && kit.thread == PyThread_get_thread_ident()) {
		reqd_reply_error(h->request, "ERR", "the function has made no reply");
		held_release(h);
	}
	release(self);
	Py_DECREF(type);
}

static PyMethodDef held_methods[] = {
	{ "reply", held_reply, METH_O, NULL },
	{ "fail", held_fail, METH_O, NULL },
	{ NULL, NULL, 0, NULL }
};

static PyType_Slot held_slots[] = {
	{ Py_tp_methods, held_methods },
	{ Py_tp_dealloc, held_dealloc },
	{ 0, NULL }
};

PyType_Spec held_spec = {
	.name = "_reqd.Held", .basicsize = sizeof(struct held),
	.flags = Py_TPFLAGS_DEFAULT, .slots = held_slots,
};

/* ----------------------------------------------------------- one request --- */

static struct function *
find(const struct reqd_request *req)
{
	for (size_t i = 0; i < kit.n_entries; i++) {
		const struct entry *e = &kit.entries[i];

		if (e->len == req->lens[0] && memcmp(e->name, req->argv[0], e->len) == 0)
			return e->function;
	}
	/* A verb is spelled as the client spells it. */
	for (size_t i = 0; i < kit.n_entries; i++) {
		const struct entry *e = &kit.entries[i];

		if (e->len == req->lens[0] && strncasecmp(e->name, req->argv[0], e->len) == 0)
			return e->function;
	}
	return kit.any;
}

static void
answer_later(struct function *f, struct reqd_request *req, PyObject *args, PyObject *keywords)
{
	struct reqd_request *later = reqd_request_hold(req);
	PyObject *held = later != NULL ? held_new(later) : NULL, *r = NULL;

	if (held != NULL)
		r = PyObject_CallFunctionObjArgs(kit.spawn, f->call, args,
		    keywords != NULL ? keywords : Py_None, held, NULL);
	if (r == NULL && later == NULL)
		reqd_reply_error(req, "ERR", "out of memory");
	else if (r == NULL && (held == NULL || ((struct held *)held)->request != NULL)) {
		reply_failure(later);
		(void)reqd_request_release(later);
		if (held != NULL)
			((struct held *)held)->request = NULL;
	}
	PyErr_Clear();
	Py_XDECREF(r);
	Py_XDECREF(held);
}

/*
 * The function has forked and the child has come back from it, as from a fork without an
 * end. The child has no request to answer: it ends here.
 */
static void __attribute__((noreturn))
end_child(bool has_failed)
{
	PyObject *out = PySys_GetObject("stdout");

	if (has_failed)
		PyErr_Print();	/* ends the process for SystemExit */
	if (out != NULL && out != Py_None)
		Py_XDECREF(PyObject_CallMethod(out, "flush", NULL));
	(void)fflush(NULL);
	_exit(has_failed);
}

static void
answer_now(struct function *f, struct reqd_request *req, PyObject *args, PyObject *keywords)
{
	PyObject *value;

	kit.request = req;
	value = PyObject_Call(f->call, args, keywords);
	if (kit.is_child)
		end_child(value == NULL);
	if (value != NULL) {
		reply_result(req, value);
		Py_DECREF(value);
	} else {
		if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
			kit.is_stopped = true;
		reply_failure(req);
	}
	kit.request = NULL;
}

static void
handle(void *arg, struct reqd_request *req)
{
	struct function *f = find(req);
	PyObject *args, *keywords;
	bool callers;

	(void)arg;
	if (f == NULL) {
		reqd_reply_error(req, "ERR", "this program has no function '%.64s'", req->argv[0]);
		return;
	}
	kit.request = req;	/* for a function that reads an argument */
	if (function_arguments(f, req, &args, &keywords, &callers) < 0) {
		if (callers)
			reply_refusal(req);
		else
			reply_failure(req);
		kit.request = NULL;
		return;
	}
	kit.request = NULL;
	if (f->is_async)
		answer_later(f, req, args, keywords);
	else
		answer_now(f, req, args, keywords);
	Py_DECREF(args);
	Py_XDECREF(keywords);
}

/* -------------------------------------------------------------- requests --- */

/* Returns the request that the caller answers, or NULL with an exception. */
static struct reqd_request *
request_now(void)
{
	PyObject *held;
	struct reqd_request *request = NULL;

	if (!kit.is_child)
		request = kit.request;
	/* A task has a request of its own, even while another function runs. */
	if (kit.current != NULL && kit.current != Py_None && !kit.is_child) {
		held = PyObject_CallFunctionObjArgs(kit.current, NULL);
		if (held == NULL)
			return NULL;
		if ((PyObject *)Py_TYPE(held) == held_type)
			request = held_lives((struct held *)held) ? ((struct held *)held)->request : NULL;
		Py_DECREF(held);
	}
	if (request == NULL)
		PyErr_SetString(PyExc_RuntimeError, "there is no request now");
	return request;
}

/* Does the same for what only the thread of the loop may do. */
static struct reqd_request *
request_of_loop(void)
{
	struct reqd_request *request = request_now();

	if (request == NULL || kit.thread == PyThread_get_thread_ident())
		return request;
	PyErr_SetString(PyExc_RuntimeError, "another thread than that of the function");
	return NULL;
}

PyObject *
kit_context(PyObject *module, PyObject *args)
{
	struct reqd_request *request = request_now();
	const char *key;

	(void)module;
	if (request == NULL || !PyArg_ParseTuple(args, "s", &key))
		return NULL;
	return text_object(reqd_request_context(request, key));
}

PyObject *
kit_meta(PyObject *module, PyObject *args)
{
	struct reqd_request *request = request_now();
	const char *key;

	(void)module;
	if (request == NULL || !PyArg_ParseTuple(args, "s", &key))
		return NULL;
	return text_object(reqd_request_meta(request, key));
}

PyObject *
kit_remaining(PyObject *module, PyObject *args)
{
	struct reqd_request *request = request_now();
	int64_t left;

	(void)module;
	(void)args;
	if (request == NULL)
		return NULL;
	left = reqd_request_time_left(request);
	if (left < 0)
		Py_RETURN_NONE;
	return PyFloat_FromDouble((double)left / 1000);
}

PyObject *
kit_input(PyObject *module, PyObject *args)
{
	struct reqd_request *request = request_of_loop();
	const void *data;
	size_t len;
	int r;

	(void)module;
	(void)args;
	if (request == NULL)
		return NULL;
	/* Waits in read_some(), which lets other threads run. */
	r = reqd_request_input(request, &data, &len);
	if (r > 0)
		return PyBytes_FromStringAndSize(data, (Py_ssize_t)len);
	if (r == 0)
		Py_RETURN_NONE;
	if (PyErr_Occurred() == NULL)
		PyErr_SetString(r == REQD_E_INVALID ? PyExc_RuntimeError : PyExc_EOFError,
		    r == REQD_E_INVALID ? "an async function cannot read pushed input" :
		    "the input has broken off");
	return NULL;
}

PyObject *
kit_output(PyObject *module, PyObject *args)
{
	struct reqd_request *request = request_of_loop();
	const char *data;
	Py_ssize_t len;
	int stream = 1, r;

	(void)module;
	if (request == NULL || !PyArg_ParseTuple(args, "s#|i", &data, &len, &stream))
		return NULL;
	Py_BEGIN_ALLOW_THREADS
	r = reqd_output(request, stream, data, (size_t)len);
	Py_END_ALLOW_THREADS
	if (r == 0)
		Py_RETURN_NONE;
	if (r == REQD_E_NOMEM)
		return PyErr_NoMemory();
	if (r == REQD_E_CLOSED)
		PyErr_SetString(PyExc_BrokenPipeError, "nobody reads the output any more");
	else
		PyErr_SetString(PyExc_RuntimeError, stream == 1 || stream == 2 ?
		    "an earlier request has no reply yet" : "the stream is 1 or 2");
	return NULL;
}

/* ------------------------------------------------------------------ loop --- */

/* Lets the event loop run until the descriptor can be read. -1 with an exception. */
static int
wait_in_loop(int fd)
{
	PyObject *r = PyObject_CallFunction(kit.wait, "i", fd);

	Py_XDECREF(r);
	return r != NULL ? 0 : -1;
}

/* The input has ended: async functions that still run come to their end. */
static long
end_of_input(void)
{
	PyObject *r = kit.drain != Py_None ? PyObject_CallFunctionObjArgs(kit.drain, NULL) : Py_None;

	if (r != NULL && r != Py_None)
		Py_DECREF(r);
	return r != NULL ? 0 : -1;
}

static long
read_some(void *arg, int fd, void *buf, size_t size)
{
	(void)arg;
	while (!kit.is_stopped) {
		ssize_t n;
		int error;

		if (kit.wait != Py_None && wait_in_loop(fd) < 0)
			break;
		Py_BEGIN_ALLOW_THREADS
		n = read(fd, buf, size);
		error = errno;
		if (n < 0 && error == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLIN };

			(void)poll(&p, 1, -1);
		}
		Py_END_ALLOW_THREADS
		if (n > 0)
			return n;
		if (n == 0)
			return end_of_input();
		if (error != EINTR && error != EAGAIN) {
			errno = error;
			PyErr_SetFromErrno(PyExc_OSError);
			break;
		}
		if (PyErr_CheckSignals() < 0)
			break;
	}
	kit.is_stopped = true;
	return -1;
}

static void
after_fork_in_child(void)
{
	kit.is_child = true;
}

/* Takes the functions of {name in bytes: Function}. */
static int
entries_take(PyObject *functions, PyObject *function_type)
{
	PyObject *key, *value;
	Py_ssize_t at = 0;

	kit.entries = PyMem_Calloc((size_t)PyDict_Size(functions) + 1, sizeof(*kit.entries));
	if (kit.entries == NULL) {
		(void)PyErr_NoMemory();
		return -1;
	}
	kit.n_entries = 0;
	while (PyDict_Next(functions, &at, &key, &value)) {
		struct entry *e = &kit.entries[kit.n_entries];
		char *name;
		Py_ssize_t len;

		if (PyBytes_AsStringAndSize(key, &name, &len) < 0)
			return -1;
		if ((PyObject *)Py_TYPE(value) != function_type) {
			PyErr_SetString(PyExc_TypeError, "no Function");
			return -1;
		}
		*e = (struct entry){ name, (size_t)len, (struct function *)value };
		kit.n_entries++;
	}
	return 0;
}

static PyObject *
method_of(PyObject *loop, const char *name)
{
	return PyObject_GetAttrString(loop, name);
}

static bool
methods_take(PyObject *loop)
{
	kit.loop = loop;
	return (kit.failure = method_of(loop, "failure")) != NULL &&
	    (kit.plain = method_of(loop, "plain")) != NULL &&
	    (kit.spawn = method_of(loop, "spawn")) != NULL &&
	    (kit.wait = method_of(loop, "wait")) != NULL &&
	    (kit.drain = method_of(loop, "drain")) != NULL &&
	    (kit.current = method_of(loop, "current")) != NULL;
}

static void
methods_drop(void)
{
	Py_CLEAR(kit.failure);
	Py_CLEAR(kit.plain);
	Py_CLEAR(kit.spawn);
	Py_CLEAR(kit.wait);
	Py_CLEAR(kit.drain);
	Py_CLEAR(kit.current);
}

/* serve(loop, functions, any, batch): {name: Function}, and the one for every other name. */
PyObject *
kit_serve(PyObject *module, PyObject *args)
{
	static bool watches_fork;
	PyObject *loop, *functions, *any, *function_type;
	int batch, r = 1;
	bool ok;

	if (!PyArg_ParseTuple(args, "OO!Op", &loop, &PyDict_Type, &functions, &any, &batch))
		return NULL;
	if (kit.runs) {
		PyErr_SetString(PyExc_RuntimeError, "serve() runs already");
		return NULL;
	}
	if (!watches_fork && pthread_atfork(NULL, NULL, after_fork_in_child) != 0)
		return PyErr_NoMemory();
	watches_fork = true;
	function_type = PyObject_GetAttrString(module, "Function");
	Py_XDECREF(held_type);
	held_type = PyObject_GetAttrString(module, "Held");
	ok = function_type != NULL && held_type != NULL && methods_take(loop) &&
	    entries_take(functions, function_type) == 0;
	if (ok && any != Py_None && (PyObject *)Py_TYPE(any) != function_type) {
		PyErr_SetString(PyExc_TypeError, "no Function");
		ok = false;
	}
	Py_XDECREF(function_type);
	if (ok) {
		kit.any = any != Py_None ? (struct function *)any : NULL;
		kit.is_stopped = kit.is_child = false;
		kit.thread = PyThread_get_thread_ident();
		kit.epoch++;
		kit.runs = true;
		r = reqd_serve_with(handle, read_some, NULL, batch ? REQD_BATCH : 0);
		kit.runs = false;
	}
	methods_drop();
	PyMem_Free(kit.entries);
	kit.entries = NULL;
	kit.n_entries = 0;
	if (ok && PyErr_Occurred() == NULL)
		return PyLong_FromLong(r);
	return NULL;
}
