/* SPDX-License-Identifier: ISC */
/*
 * libconfuse stops at the first name it does not know. So the options it is
 * given are learned: a name it stumbles over is added, first as a key, and
 * when no '=' follows as a section, and the text is read again. Every key is
 * a list of strings for it, because a list also takes a plain value; what
 * the value must be is decided later, with a better message.
 */
#include "config.h"

#include "conf/tree.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/schema.h"
#include "conf/text.h"

/* Unknown names that are learned before the reading is given up. */
#define MAX_LEARNED 64
#define MAX_BLOCKS 20000	/* more sections than any configuration may have */
#define MAX_DEPTH 6

enum kind { KIND_KEY, KIND_SECTION, KIND_TITLED };

/* What libconfuse is told of one name. */
struct name {
	const char *text;
	enum kind kind;
	bool learned;
	struct name *inner;
	struct name *next;
};

struct tree_reader {
	struct arena known;		/* the names */
	struct arena pass;		/* the tree of this reading */
	struct name *names;		/* at the top */
	size_t n_learned;
	struct block *root;
	struct block *at;		/* the innermost open section */
	struct setting *last;
	struct name *inside[MAX_DEPTH + 1];	/* its name, by depth */
	size_t depth;
	size_t n_blocks;
	bool again;			/* something was learned */
	bool told;			/* libconfuse has reported an error */
	bool nomem;
	struct text_fault syntax;	/* line 0: none */
	struct text_fault *clean;	/* NULL, or where the text was cut */
};

/* libconfuse hands no context to its callbacks. */
static struct tree_reader *current;

/* ------------------------------------------------------------- blocks --- */

static struct block *
block_new(struct tree_reader *t, const char *kind, const char *title, unsigned line)
{
	struct block *b = arena_alloc(&t->pass, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->kind = arena_strdup(&t->pass, kind);
	if (b->kind == NULL)
		return NULL;
	if (title != NULL) {
		char *copy = arena_strdup(&t->pass, title);

		if (copy == NULL)
			return NULL;
		text_restore(copy);
		b->title = copy;
	}
	b->line = line;
	b->settings_end = &b->settings;
	b->blocks_end = &b->blocks;
	return b;
}

const struct setting *
block_find(const struct block *b, const char *key)
{
	for (const struct setting *s = b->settings; s != NULL; s = s->next) {
		if (strcmp(s->key, key) == 0)
			return s;
	}
	return NULL;
}

unsigned
block_line(const struct block *b, const char *key)
{
	const struct setting *s = block_find(b, key);

	return s != NULL ? s->line : b->line;
}

/* -------------------------------------------------------------- names --- */

static struct name **
names_here(struct tree_reader *t)
{
	return t->depth == 0 ? &t->names : &t->inside[t->depth]->inner;
}

static struct name *
name_find(struct name *names, const char *text)
{
	while (names != NULL && strcmp(names->text, text) != 0)
		names = names->next;
	return names;
}

static struct name *
name_add(struct tree_reader *t, struct name **names, const char *text, enum kind kind)
{
	struct name *n = arena_alloc(&t->known, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->text = arena_strdup(&t->known, text);
	if (n->text == NULL)
		return NULL;
	n->kind = kind;
	n->next = *names;
	*names = n;
	return n;
}

/* The names that may stand in a section, and in those inside it. */
static int
names_from(struct tree_reader *t, struct name **names, const struct section *s)
{
	for (size_t i = 0; i < s->n_keys; i++) {
		if (name_add(t, names, s->keys[i].name, KIND_KEY) == NULL)
			return -ENOMEM;
	}
	for (const struct section *const *p = s->inner; *p != NULL; p++) {
		struct name *n = name_add(t, names, (*p)->kind,
		    (*p)->titled ? KIND_TITLED : KIND_SECTION);

		if (n == NULL || names_from(t, &n->inner, *p) < 0)
			return -ENOMEM;
	}
	return 0;
}

/*
 * An unknown name is added here, and as what follows it tells: tried as a
 * key, then as a section, then as a section with a title.
 */
static void
learn(struct tree_reader *t, const char *text, enum kind kind)
{
	struct name **names = names_here(t);
	struct name *n = name_find(*names, text);

	/* A section called like libconfuse's own top would free its lexer. */
	if (kind != KIND_KEY && (t->depth + 1 >= MAX_DEPTH || strcmp(text, "root") == 0))
		return;
	if (n == NULL && kind == KIND_KEY && t->n_learned < MAX_LEARNED) {
		n = name_add(t, names, text, kind);
		if (n == NULL) {
			t->nomem = true;
			return;
		}
		n->learned = true;
		t->n_learned++;
		t->again = true;
	} else if (n != NULL && n->learned && n->kind + 1 == kind) {
		n->kind = kind;
		t->again = true;
	}
}

/* ---------------------------------------------------------- callbacks --- */

static int
block_open(struct tree_reader *t, cfg_t *cfg)
{
	struct block *b = block_new(t, cfg_name(cfg), cfg_title(cfg), (unsigned)cfg->line);
	struct name *name = name_find(*names_here(t), cfg_name(cfg));

	if (b == NULL) {
		t->nomem = true;
		return -1;
	}
	if (++t->n_blocks > MAX_BLOCKS || t->depth == MAX_DEPTH || name == NULL) {
		t->told = true;
		t->syntax.line = b->line;
		(void)snprintf(t->syntax.why, sizeof(t->syntax.why),
		    "too many sections; reading ends here");
		return -1;
	}
	t->inside[++t->depth] = name;
	b->parent = t->at;
	*t->at->blocks_end = b;
	t->at->blocks_end = &b->next;
	t->at = b;
	return 0;
}

static int
block_close(struct tree_reader *t)
{
	t->at->closed = true;
	t->at = t->at->parent;
	t->depth--;
	return 0;
}

static struct setting *
setting_new(struct tree_reader *t, const char *key, unsigned line)
{
	struct setting *s = arena_alloc(&t->pass, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->key = arena_strdup(&t->pass, key);
	if (s->key == NULL)
		return NULL;
	s->line = line;
	*t->at->settings_end = s;
	t->at->settings_end = &s->next;
	t->last = s;
	return s;
}

static int
setting_add(struct tree_reader *t, struct setting *s, const char *value)
{
	char **values = arena_grow(&t->pass, s->values, s->n, sizeof(*values));

	if (values == NULL)
		return -ENOMEM;
	s->values = values;
	values[s->n] = arena_strdup(&t->pass, value);
	if (values[s->n] == NULL)
		return -ENOMEM;
	text_restore(values[s->n]);
	s->n++;
	return 0;
}

/* One value of a key; the first one of an assignment starts a setting. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct tree_reader *t = current;
	struct setting *s;

	*(const char **)result = "";
	if (strcmp(opt->name, TEXT_OPEN) == 0)
		return block_open(t, cfg);
	if (strcmp(opt->name, TEXT_CLOSE) == 0)
		return block_close(t);

	s = t->last;
	if (opt->nvalues == 1)
		s = setting_new(t, opt->name, (unsigned)cfg->line);
	if (s == NULL || setting_add(t, s, value) < 0) {
		t->nomem = true;
		return -1;
	}
	return 0;
}

/* A name that was tried as everything there is. */
static bool
describe_unknown(struct tree_reader *t, va_list ap)
{
	const struct name *n;
	const char *text;
	va_list copy;

	va_copy(copy, ap);
	text = va_arg(copy, const char *);
	va_end(copy);
	n = name_find(*names_here(t), text);
	if (n == NULL || !n->learned)
		return false;
	(void)snprintf(t->syntax.why, sizeof(t->syntax.why),
	    "unknown word '%.64s'; neither '=' nor a section follows", text);
	return true;
}

static void __attribute__((format(printf, 2, 0)))
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const struct {
		const char *fmt;
		enum kind kind;
	} names[] = {
		{ "no such option '%s'", KIND_KEY },
		{ "missing equal sign after option '%s'", KIND_SECTION },
		{ "missing opening brace for section '%s'", KIND_TITLED },
	};
	struct tree_reader *t = current;

	t->told = true;
	if (t->syntax.line != 0 || t->again)
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		va_list copy;

		if (strcmp(fmt, names[i].fmt) != 0)
			continue;
		va_copy(copy, ap);
		learn(t, va_arg(copy, const char *), names[i].kind);
		va_end(copy);
	}
	if (t->again)
		return;
	/* The end of a text that was cut is no news. */
	if (t->clean != NULL && (strcmp(fmt, "premature end of file") == 0 ||
	    strcmp(fmt, "unterminated string constant") == 0))
		return;
	t->syntax.line = cfg->line > 0 ? (unsigned)cfg->line : 1;
	if (strcmp(fmt, names[0].fmt) == 0) {
		(void)snprintf(t->syntax.why, sizeof(t->syntax.why),
		    "too many unknown words; reading ends here");
		return;
	}
	if (strcmp(fmt, "missing title for section '%s'") == 0 && describe_unknown(t, ap))
		return;
	/* libConfuse has words of its own for what reqd.conf(5) describes. */
	if (strcmp(fmt, names[1].fmt) == 0)
		fmt = "missing '=' after key '%s'";
	else if (strcmp(fmt, "missing title for section '%s'") == 0)
		fmt = "missing name in quotes after section '%s'";
	else if (strcmp(fmt, "missing opening brace for section '%s'") == 0)
		fmt = "missing '{' after section '%s'";
	else if (strcmp(fmt, "premature end of file") == 0)
		fmt = "the file ends in the middle of a setting or section";
	(void)vsnprintf(t->syntax.why, sizeof(t->syntax.why), fmt, ap);
}

/* ------------------------------------------------------------ reading --- */

static void
opts_free(cfg_opt_t *opts)
{
	if (opts == NULL)
		return;
	for (cfg_opt_t *o = opts; o->name != NULL; o++)
		opts_free(o->subopts);
	free(opts);
}

static void
opts_freep(cfg_opt_t **opts)
{
	opts_free(*opts);
}

/* The options of libconfuse for these names; it makes its own copy. */
static cfg_opt_t *
opts_new(const struct name *names)
{
	const cfg_opt_t hidden[] = {
		CFG_STR_LIST_CB(TEXT_OPEN, NULL, CFGF_NODEFAULT, on_value),
		CFG_STR_LIST_CB(TEXT_CLOSE, NULL, CFGF_NODEFAULT, on_value),
	};
	size_t n = ARRAY_LEN(hidden);
	cfg_opt_t *opts;

	for (const struct name *i = names; i != NULL; i = i->next)
		n++;
	opts = calloc(n + 1, sizeof(*opts));
	if (opts == NULL)
		return NULL;
	memcpy(opts, hidden, sizeof(hidden));

	n = ARRAY_LEN(hidden);
	for (const struct name *i = names; i != NULL; i = i->next, n++) {
		cfg_opt_t *inner;

		if (i->kind == KIND_KEY) {
			opts[n] = (cfg_opt_t)CFG_STR_LIST_CB(i->text, NULL, CFGF_NODEFAULT,
			    on_value);
			continue;
		}
		inner = opts_new(i->inner);
		if (inner == NULL) {
			opts_free(opts);
			return NULL;
		}
		opts[n] = (cfg_opt_t)CFG_SEC(i->text, inner,
		    CFGF_MULTI | (i->kind == KIND_TITLED ? CFGF_TITLE : CFGF_NONE));
	}
	return opts;
}

/* 0 when the text was gone through, wherever it ended; -ENOMEM. */
static int
read_once(struct tree_reader *t, const char *text, size_t len)
{
	CLEANUP(opts_freep) cfg_opt_t *opts = opts_new(t->names);
	CLEANUP_FILE FILE *f = NULL;
	cfg_t *cfg;
	int r;

	arena_done(&t->pass);
	t->root = block_new(t, "", NULL, 0);
	if (opts == NULL || t->root == NULL)
		return -ENOMEM;
	t->at = t->root;
	t->depth = t->n_blocks = 0;
	t->again = t->told = false;

	f = fmemopen((void *)(uintptr_t)text, len, "r");
	if (f == NULL)
		return -ENOMEM;
	cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return -ENOMEM;
	(void)cfg_set_error_function(cfg, on_error);
	current = t;
	errno = 0;
	r = cfg_parse_fp(cfg, f);
	current = NULL;
	/*
	 * It gives up without a word when memory is out, and then has freed
	 * sections that it still points to: better lost than freed again.
	 */
	if (t->nomem || (r != CFG_SUCCESS && !t->told && errno == ENOMEM))
		return -ENOMEM;
	/* And for a name of no length. */
	if (r != CFG_SUCCESS && !t->told) {
		t->syntax.line = t->at->line > 0 ? t->at->line : (unsigned)cfg->line;
		(void)snprintf(t->syntax.why, sizeof(t->syntax.why),
		    "an empty string where the name of a key or section is wanted");
	}
	(void)cfg_free(cfg);
	return 0;
}

static void
tree_reader_done(struct tree_reader *t)
{
	arena_done(&t->known);
	arena_done(&t->pass);
}

/* 0, 1 for a syntax error, -ENOMEM. */
static int
read_clean(struct tree_reader *t, const char *text, size_t len)
{
	int r;

	do {
		r = read_once(t, text, len);
	} while (r == 0 && t->again);
	if (r < 0)
		return r;
	return t->syntax.line != 0 || t->clean != NULL ? 1 : 0;
}

int
tree_read(const char *file, const char *data, size_t len, const struct section *top,
    struct arena *arena, struct block **ret, struct conf_errors *errors)
{
	CLEANUP(tree_reader_done) struct tree_reader t = { .nomem = false };
	CLEANUP_FREE char *text = NULL;
	struct text_fault fault = { 0 };
	const struct text_fault *why;
	int r;

	r = text_clean(data, len, &text, &len, &fault);
	if (r < 0)
		return r;
	t.clean = r > 0 ? &fault : NULL;
	r = names_from(&t, &t.names, top);
	if (r < 0)
		return r;
	r = read_clean(&t, text, len);
	if (r < 0)
		return r;
	if (r > 0) {
		why = t.syntax.line != 0 ? &t.syntax : t.clean;
		conf_errors_add(errors, file, why->line, "%s", why->why);
	}
	t.root->closed = r == 0;
	arena_merge(arena, &t.pass);
	*ret = t.root;
	return r;
}
