/* SPDX-License-Identifier: ISC */
/*
 * module: _reqd, the part of the package reqd that is in C. Programs import reqd.
 */
#include "kit.h"

static PyObject *
kit_version(PyObject *module, PyObject *args)
{
	(void)module;
	(void)args;
	return PyUnicode_FromString(reqd_version());
}

static PyMethodDef functions[] = {
	{ "serve", kit_serve, METH_VARARGS, NULL },
	{ "context", kit_context, METH_VARARGS, NULL },
	{ "meta", kit_meta, METH_VARARGS, NULL },
	{ "remaining", kit_remaining, METH_NOARGS, NULL },
	{ "input", kit_input, METH_NOARGS, NULL },
	{ "output", kit_output, METH_VARARGS, NULL },
	{ "version", kit_version, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL }
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT, .m_name = "_reqd", .m_size = -1, .m_methods = functions,
};

static int
add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
	PyObject *type = PyType_FromSpec(spec);

	/* Takes the reference where it succeeds. */
	if (type == NULL || PyModule_AddObject(module, name, type) == 0)
		return type == NULL ? -1 : 0;
	Py_DECREF(type);
	return -1;
}

PyMODINIT_FUNC PyInit__reqd(void);

PyMODINIT_FUNC
PyInit__reqd(void)
{
	PyObject *module = PyModule_Create(&definition);

	if (module == NULL)
		return NULL;
	if (add_type(module, "Function", &function_spec) == 0 &&
	    add_type(module, "Held", &held_spec) == 0 &&
	    add_type(module, "Connection", &connection_spec) == 0)
		return module;
	Py_DECREF(module);
	return NULL;
}
