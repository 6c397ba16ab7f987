/* SPDX-License-Identifier: ISC */
/*
 * kit: what the files of the extension module _reqd share. They use the stable interface
 * of Python (3.9 and later), so that one build serves every version.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <reqd.h>
#include <stdbool.h>
#include <stddef.h>

/* ------------------------------------------------------------- arguments --- */

/* The types that a word of a request can be read as. */
enum kind {
	KIND_STR,
	KIND_BYTES,
	KIND_INT,
	KIND_FLOAT,
	KIND_BOOL,
	KIND_OTHER,	/* a function of Python gets the text */
	N_KINDS
};

struct word {
	const char *data;
	size_t len;
};

/*
 * Reads a word as a value. New reference. NULL with a ValueError when the word is none of
 * that kind: the fault of the caller.
 */
PyObject *argument_read(enum kind kind, PyObject *convert, struct word word);

/* -------------------------------------------------------------- functions --- */

/* One parameter of a function; the names are borrowed from the Python object. */
struct parameter {
	PyObject *name;
	PyObject *convert;	/* for KIND_OTHER */
	enum kind kind;
};

/* A function of Python that answers requests. */
struct function {
	PyObject_HEAD
	PyObject *call;
	PyObject *label;	/* for messages */
	struct parameter *parameters;
	size_t n, n_required;
	bool repeats;		/* the last parameter takes all words that are left */
	bool as_list;		/* ... as one list, not as *values */
	bool has_input;		/* the last word is the input, by keyword */
	bool is_async;
	struct parameter input;
};

extern PyType_Spec function_spec;

/*
 * Makes the arguments of a call. 0, or -1 with an exception; *ret_callers then says whether
 * the caller is to blame.
 */
int function_arguments(struct function *f, const struct reqd_request *req, PyObject **ret_args,
    PyObject **ret_keywords, bool *ret_callers);

/* ---------------------------------------------------------------- replies --- */

/*
 * Gives a value of Python as the reply, or as a part of it. plain makes a simpler value of
 * others; NULL: none. 0, or -1 with an exception.
 */
int reply_value(struct reqd_request *req, PyObject *value, PyObject *plain);

/* Makes a value of Python of a value that was received. New reference. */
PyObject *value_object(const struct reqd_value *v);

/* ---------------------------------------------------------------- serving --- */

PyObject *kit_serve(PyObject *module, PyObject *args);
PyObject *kit_context(PyObject *module, PyObject *args);
PyObject *kit_meta(PyObject *module, PyObject *args);
PyObject *kit_remaining(PyObject *module, PyObject *args);
PyObject *kit_input(PyObject *module, PyObject *args);
PyObject *kit_output(PyObject *module, PyObject *args);

/* A request that is answered later. */
extern PyType_Spec held_spec;

/* ----------------------------------------------------------------- client --- */

extern PyType_Spec connection_spec;
