/* SPDX-License-Identifier: ISC */
/*
 * service: reads a section service and checks that its settings make sense together.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/argument.h"
#include "conf/check.h"
#include "conf/hook.h"
#include "conf/schema.h"
#include "conf/template.h"
#include "conf/webpath.h"

struct use {
	uint64_t used;		/* arguments named anywhere */
	uint64_t bare;		/* named in the command with no "--" before */
};

static void
report_argument(struct reader *r, const struct service *s, const struct block *b,
    const char *key, struct slice name)
{
	const char *remedy = service_suggest_argument(s, name);
	int len = name.len > 64 ? 64 : (int)name.len;

	if (s->handler != NULL)
		key_error(r, b, key, ": '{%.*s}' has no value here; a handler takes its arguments "
		    "with each request (literal braces are written {{ and }})", len, name.data);
	else
		key_error(r, b, key, ": there is no argument '%.*s'%s", len, name.data,
		    *remedy != '\0' ? remedy : " (literal braces are written {{ and }})");
}

/* Judges "{@name}". */
static void
check_file_use(struct reader *r, const struct block *b, const char *key,
    const struct argument *a)
{
	if (!a->secret)
		key_error(r, b, key, ": '{@%s}' goes with 'secret = yes' of its argument only", a->name);
	else if (a->repeat)
		key_error(r, b, key, ": '{@%s}' is one file, and the argument may be several values",
		    a->name);
	else if (strcmp(key, "lock") == 0)
		key_error(r, b, key, ": '{@%s}' is the same path for all callers; '{%s}' is the value",
		    a->name, a->name);
}

/*
 * The set of arguments that a template names; mistakes are reported. What a
 * handler is started with is before all requests and may name none.
 */
static uint64_t
check_template(struct reader *r, const struct service *s, const struct block *b, const char *key,
    const char *template)
{
	struct template_part part;
	const char *p = template;
	uint64_t used = 0;
	int q;

	while ((q = template_next(&p, &part)) > 0) {
		const struct argument *a;

		if (!part.is_name)
			continue;
		a = service_find_argument(s, part.text.data, part.text.len);
		if (a != NULL && s->handler == NULL) {
			used |= UINT64_C(1) << (a - s->args);
			if (part.is_file)
				check_file_use(r, b, key, a);
		}
		else
			report_argument(r, s, b, key, part.text);
	}
	if (q < 0)
		key_error(r, b, key, ": a brace without its partner in '%.64s' (literal braces "
		    "are written {{ and }})", template);
	return used;
}

/* The set of arguments whose values, not only their paths, are in a template. */
static uint64_t
values_in(const struct service *s, const char *template)
{
	struct template_part part;
	uint64_t values = 0;

	while (template_next(&template, &part) > 0) {
		const struct argument *a = !part.is_name || part.is_file ? NULL :
		    service_find_argument(s, part.text.data, part.text.len);

		if (a != NULL)
			values |= UINT64_C(1) << (a - s->args);
	}
	return values;
}

static void
check_program(struct reader *r, const struct service *s, const struct block *b)
{
	const char *path = s->command[0];

	if (path[0] != '/')
		key_error(r, b, "command", ": '%.64s' is not an absolute path", path);
	else if (strpbrk(path, "{}") != NULL)
		key_error(r, b, "command", ": the program itself cannot come from an argument");
}

static void
check_command(struct reader *r, const struct service *s, const struct block *b, struct use *u)
{
	bool guarded = false;

	check_program(r, s, b);
	for (char **p = s->command + 1; *p != NULL; p++) {
		uint64_t named = check_template(r, s, b, "command", *p);
		struct slice alone;

		guarded = guarded || strcmp(*p, "--") == 0;
		u->used |= named;
		u->bare |= guarded ? 0 : values_in(s, *p);
		for (size_t i = 0; i < s->n_args; i++) {
			if ((named >> i & 1) == 0 || !s->args[i].repeat ||
			    template_is_name(*p, &alone))
				continue;
			key_error(r, b, "command", ": '{%s}' may be several values, so it must be "
			    "an element of its own", s->args[i].name);
		}
	}
}

/* "{{" and "}}" become single braces. Text that is no such text becomes empty. */
static bool
unescape(char *text)
{
	struct template_part part;
	const char *p = text;
	char *end = text;
	int q;

	while ((q = template_next(&p, &part)) > 0 && !part.is_name) {
		memmove(end, part.text.data, part.text.len);
		end += part.text.len;
	}
	*(q == 0 ? end : text) = '\0';
	return q == 0;
}

/* A handler gets every argument as data, so nothing can become an option. */
static void
check_handler(struct reader *r, const struct service *s, const struct block *b, struct use *u)
{
	u->used = UINT64_MAX;
	for (char **p = s->handler; *p != NULL; p++) {
		(void)check_template(r, s, b, "handler", *p);
		if (unescape(*p) && p == s->handler && **p != '/')
			key_error(r, b, "handler", ": '%.64s' is not an absolute path", *p);
	}
}

/* Reports keys that have no meaning where no process is started for a request. */
static void
refuse_command_keys(struct reader *r, const struct service *s, const struct block *b)
{
	static const char *const instead[][2] = {
		{ "concurrency", "'processes { max = N }' says how many run at the same time" },
		{ "lock", "with 'processes { max = 1 }' its requests run one after another" },
		{ "buffering", "a reply is whole anyway" },
	};

	for (size_t i = 0; i < ARRAY_LEN(instead); i++) {
		if (block_find(b, instead[i][0]) != NULL)
			key_error(r, b, instead[i][0], " does not go with 'handler'; %s",
			    instead[i][1]);
	}
	if (!s->idempotent)
		block_error(r, b, "idempotent", "'idempotent = no' in service \"%.64s\" does not "
		    "go with 'handler', whose requests have no id; use 'command', or let it know "
		    "repeated ones by an argument", s->name);
}

static void
refuse_handler_keys(struct reader *r, const struct service *s, const struct block *b)
{
	if (s->input == INPUT_PUSHED)
		block_error(r, b, "input", "'input = pushed' in service \"%.64s\" goes with "
		    "'handler' only; a command has its input on its standard input: 'optional' or "
		    "'required'", s->name);
	for (size_t i = 0; i < section_service.n_keys; i++) {
		const struct key *k = &section_service.keys[i];

		if ((k->flags & KEY_HANDLER) != 0 && block_find(b, k->name) != NULL)
			key_error(r, b, k->name, " goes with 'handler' only");
	}
	if (block_inner(b, section_processes.kind) != NULL)
		block_error(r, block_inner(b, section_processes.kind), NULL,
		    "section 'processes' in service \"%.64s\" goes with 'handler' only", s->name);
}

/* A service runs one program, as a command or as a handler. */
static void
check_kind(struct reader *r, struct service *s, const struct block *b)
{
	bool both = s->handler != NULL && s->command[0] != NULL;

	if (both) {
		bool handler_last = block_line(b, "handler") > block_line(b, "command");

		block_error(r, b, handler_last ? "handler" : "command", "service \"%.64s\" has a "
		    "'command' and a 'handler'; leave one of them out", s->name);
		s->handler = NULL;	/* judged as a command from here on */
	} else if (s->handler == NULL && s->command[0] == NULL) {
		block_error(r, b, NULL, "service \"%.64s\" has no 'command' and no 'handler'",
		    s->name);
	} else if (s->handler != NULL) {
		refuse_command_keys(r, s, b);
	} else {
		refuse_handler_keys(r, s, b);
	}
}

static bool
is_variable(const char *entry)
{
	size_t n = strspn(entry, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && entry[n] == '=' && !isdigit((unsigned char)entry[0]);
}

static void
check_environment(struct reader *r, const struct service *s, const struct block *b,
    struct use *u)
{
	for (char **p = s->environment; *p != NULL; p++) {
		size_t n = strcspn(*p, "=") + 1;

		if (p - s->environment == CONF_MAX_ENVIRONMENT) {
			key_error(r, b, "environment", " has more than %d entries",
			    CONF_MAX_ENVIRONMENT);
			return;
		}
		if (!is_variable(*p)) {
			key_error(r, b, "environment", ": '%.64s' is not NAME=VALUE", *p);
			continue;
		}
		if (strncmp(*p, "REQD_", 5) == 0)
			key_error(r, b, "environment", ": names that start with REQD_ are set by "
			    "reqd");
		for (char **q = s->environment; q != p; q++) {
			if (strncmp(*q, *p, n) == 0)
				key_error(r, b, "environment", " sets '%.*s' twice", (int)n - 1,
				    *p);
		}
		u->used |= check_template(r, s, b, "environment", *p + n);
	}
}

static void __attribute__((format(printf, 4, 5)))
argument_error(struct reader *r, const struct block *b, const struct argument *a,
    const char *fmt, ...)
{
	char rule[ARGUMENTS_WHY + 64];
	const char *file = r->file;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(rule, sizeof(rule), fmt, ap);
	va_end(ap);
	r->file = b->file;
	reader_error(r, a->line, "service \"%.64s\": %s", b->title, rule);
	r->file = file;
}

static void
check_default(struct reader *r, const struct block *b, const struct argument *a)
{
	char why[ARGUMENTS_WHY];

	if (a->def == NULL)
		return;
	/* Declarations with mistakes of their own cannot judge a value. */
	if ((a->type == ARGUMENT_CHOICE && a->values == NULL) ||
	    (a->type == ARGUMENT_PATTERN && a->matcher == NULL))
		return;
	if (argument_check(a, slice_of(a->def), why) != ARGUMENTS_OK)
		argument_error(r, b, a, "the default of %s", why);
}

static void
check_arguments(struct reader *r, struct service *s, const struct block *b, const struct use *u)
{
	const struct argument *left_out = NULL;

	for (size_t i = 0; i < s->n_args; i++) {
		struct argument *a = &s->args[i];

		a->guarded = (u->bare >> i & 1) == 0;
		a->binary = s->handler != NULL && a->type == ARGUMENT_TEXT;
		if (s->handler == NULL && a->max_length > ARGUMENT_MAX_LENGTH)
			argument_error(r, b, a, "'max-length' of argument '%.64s': a command takes %d "
			    "bytes at most, only a handler takes more", a->name,
			    ARGUMENT_MAX_LENGTH);
		if ((u->used >> i & 1) == 0)
			argument_error(r, b, a,
			    "argument '%.64s' is used nowhere; write {%.64s} where it belongs", a->name,
			    a->name);
		if (a->repeat && i + 1 < s->n_args)
			argument_error(r, b, a,
			    "argument '%.64s' is repeated, so it must be the last one", a->name);
		if (left_out != NULL && !argument_may_be_left_out(a))
			argument_error(r, b, a,
			    "argument '%.64s' must be given, so it must come before '%.64s', which may be left out",
			    a->name, left_out->name);
		if (argument_may_be_left_out(a))
			left_out = a;
		check_default(r, b, a);
	}
}

/* True if a template of the service has the path of a file. */
static bool
has_files(char *const *templates)
{
	struct template_part part;

	for (; *templates != NULL; templates++) {
		const char *p = *templates;

		while (template_next(&p, &part) > 0) {
			if (part.is_name && part.is_file)
				return true;
		}
	}
	return false;
}

static void
check_paths(struct reader *r, const struct service *s, const struct block *b, const char *key,
    char *const *paths)
{
	if (s->sandbox == FENCE_NONE && paths[0] != NULL)
		key_error(r, b, key, " goes with 'sandbox = basic' or 'sandbox = strict' only");
	for (; *paths != NULL; paths++) {
		if (**paths != '/')
			key_error(r, b, key, ": '%.64s' is not an absolute path", *paths);
	}
}

static void
check_sandbox(struct reader *r, const struct service *s, const struct block *b)
{
	check_paths(r, s, b, "sandbox-read", s->sandbox_read);
	check_paths(r, s, b, "sandbox-write", s->sandbox_write);
	if (s->sandbox == FENCE_NONE && s->sandbox_fallback)
		key_error(r, b, "sandbox-fallback",
		    " goes with 'sandbox = basic' or 'sandbox = strict' only");
}

static void
check_web(struct reader *r, const struct service *s, const struct block *b)
{
	const struct block *web = block_inner(b, section_http.kind);

	if (web == NULL)
		return;
	if (!service_has_door(s, PROTOCOL_HTTP))
		block_error(r, web, NULL, "section 'http' in service \"%.64s\" does not go with its "
		    "'doors', which have no http", s->name);
	if (s->handler != NULL && s->web.n_statuses > 0)
		key_error(r, web, "status", " goes with 'command' only; the requests of a handler have "
		    "no exit status");
	webpath_check(r, s, web);
}

int
check_service(struct reader *r, struct service *s, const struct block *b)
{
	struct use u = { 0 };

	check_kind(r, s, b);
	if (s->handler != NULL)
		check_handler(r, s, b, &u);
	else if (s->command[0] != NULL)
		check_command(r, s, b, &u);
	else
		u.used = UINT64_MAX;	/* a missing program uses no argument */
	check_environment(r, s, b, &u);
	if (s->lock != NULL)
		u.used |= check_template(r, s, b, "lock", s->lock);
	if (s->lock != NULL && *s->lock == '\0')
		key_error(r, b, "lock", " is empty");
	check_arguments(r, s, b, &u);
	check_sandbox(r, s, b);
	check_web(r, s, b);
	s->has_secret_files = s->handler == NULL && (has_files(s->command) ||
	    has_files(s->environment));
	return hook_check(r, s, b);
}
