/* SPDX-License-Identifier: ISC */
/* The tables of all sections and keys. */
#include "config.h"

#include "conf/schema.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "conf/hook.h"

/* All functions of a type have the same parameters, whether they need them or not. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define DAY (86400 * USEC_PER_SEC)
#define YEAR (365 * DAY)

#define TEXT_OF(number) TEXT_OF_WORD(number)
#define TEXT_OF_WORD(word) #word

/* ----------------------------------------------- values of one key only --- */

static int
net_parse_key(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	struct places *places = at;

	places->nets = arena_alloc(r->arena, s->n * sizeof(*places->nets));
	if (places->nets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->values[i], "unix") == 0) {
			places->unix_peers = true;
			continue;
		}
		if (net_parse(s->values[i], &places->nets[places->n_nets]) == 0) {
			places->n_nets++;
			continue;
		}
		reader_error(r, s->line,
		    "'%.64s' is not a network such as 10.0.0.0/8 or ::1/128 "
		    "(bits behind the prefix are zero), or unix",
		    s->values[i]);
	}
	return 0;
}

static void
net_format_key(struct buf *b, const struct key *k, const void *at)
{
	const struct places *places = at;
	char text[ADDR_TEXT];

	if (!places->unix_peers && places->n_nets == 0)
		return;
	(void)buf_append_str(b, places->unix_peers ? "{\"unix\"" : "{");
	for (size_t i = 0; i < places->n_nets; i++) {
		net_format(&places->nets[i], text, sizeof(text));
		(void)buf_printf(b, "%s\"%s\"", i > 0 || places->unix_peers ? ", " : "", text);
	}
	(void)buf_append_char(b, '}');
}

static int
rate_parse_key(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	return rate_parse(s->values[0], at) < 0;
}

static void
rate_format_key(struct buf *b, const struct key *k, const void *at)
{
	const struct rate *rate = at;
	char text[UNITS_TEXT];

	if (rate->n == 0)
		return;
	rate_format(*rate, text, sizeof(text));
	(void)buf_append_str(b, text);
}

static const struct value_type value_rate = {
	.wants = "a rate such as 5/s, 30/m, 100/h or 500/d, up to 1000000",
	.parse = rate_parse_key, .format = rate_format_key,
};

static const struct value_type value_net = {
	.wants = "a list", .is_list = true, .parse = net_parse_key, .format = net_format_key,
};

/* Reads the last day of a credential. */
static int
day_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	struct credential *c = at;

	if (credential_date(slice_of(s->values[0]), &c->expires_sec) < 0)
		return 1;
	c->expires = arena_strdup(r->arena, s->values[0]);
	return c->expires != NULL ? 0 : -ENOMEM;
}

static void
day_format(struct buf *b, const struct key *k, const void *at)
{
	const struct credential *c = at;

	if (c->expires != NULL)
		value_quote(b, c->expires);
}

static const struct value_type value_day = {
	.wants = "a day such as 2027-01-31", .parse = day_parse, .format = day_format,
};

/* Reads "FILE:LINE", the origin of a service in the canonical text. */
static int
from_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	struct service *service = at;
	const char *colon = strrchr(s->values[0], ':');
	int64_t line;

	if (colon == NULL || integer_parse(colon + 1, &line) < 0 || line < 0 || line > INT32_MAX)
		return 1;
	service->file = arena_strndup(r->arena, s->values[0], (size_t)(colon - s->values[0]));
	service->line = (unsigned)line;
	return service->file != NULL ? 0 : -ENOMEM;
}

static void
from_format(struct buf *b, const struct key *k, const void *at)
{
	const struct service *service = at;

	value_quote(b, service->file);
	if (buf_failed(b))
		return;
	b->end--;		/* the line number is inside the quotes */
	(void)buf_printf(b, ":%u\"", service->line);
}

static const struct value_type value_from = {
	.wants = "FILE:LINE", .parse = from_parse, .format = from_format,
};

/* Resources, in the order of the rows of "limits". */
struct resource {
	const char *name;
	int number;
	const struct value_type *type;
	uint64_t unit;		/* unit of the kernel's count */
};

static const struct resource resources[] = {
	{ "memory", RLIMIT_AS, &value_size, 1 },
	{ "cpu", RLIMIT_CPU, &value_duration, USEC_PER_SEC },
	{ "files", RLIMIT_NOFILE, &value_number, 1 },
	{ "processes", RLIMIT_NPROC, &value_number, 1 },
	{ "file-size", RLIMIT_FSIZE, &value_size, 1 },
};

const char *
conf_limit_name(int resource)
{
	const struct resource *res = resources;

	while (res->number != resource)
		res++;
	return res->name;
}

/* Every key of value_limit has its row. */
static const struct resource *
resource_of(const struct key *k)
{
	const struct resource *res = resources;

	while (strcmp(res->name, k->name) != 0)
		res++;
	return res;
}

static int
limit_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	const struct resource *res = resource_of(k);
	struct service *service = at;
	uint64_t v;
	int q;

	q = measure_parse(res->type->measure, r, k, s, &v);
	if (q == 1) {
		reader_error(r, s->line, "'%s': '%.64s' is not %s", k->name, s->values[0],
		    res->type->wants);
		return 2;
	}
	if (q != 0)
		return q;
	service->limits[service->n_limits++] = (struct service_limit){
		res->number, (v + res->unit - 1) / res->unit
	};
	return 0;
}

static void
limit_format(struct buf *b, const struct key *k, const void *at)
{
	const struct resource *res = resource_of(k);
	const struct service *service = at;

	for (size_t i = 0; i < service->n_limits; i++) {
		if (service->limits[i].resource == res->number)
			measure_format(res->type->measure, b, service->limits[i].value * res->unit);
	}
}

static const struct value_type value_limit = {
	.wants = "a limit", .parse = limit_parse, .format = limit_format,
};

static const char *const words_state[] = { "open", "pause", "drain", NULL };

const char *
service_state_word(enum service_state s)
{
	return words_state[s];
}

static int
state_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	return value_word.parse(r, k, s, at);
}

static void
state_format(struct buf *b, const struct key *k, const void *at)
{
	enum service_state state = *(const enum service_state *)at;

	if (state != SERVICE_OPEN)
		(void)buf_append_str(b, words_state[state]);
}

static const struct value_type value_state = { .parse = state_parse, .format = state_format };

#define TEMPORARY "temporary"

static int
directory_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	bool is_temporary = strcmp(s->values[0], TEMPORARY) == 0;

	return (is_temporary ? value_line : value_path).parse(r, k, s, at);
}

static void
directory_format(struct buf *b, const struct key *k, const void *at)
{
	const char *path = *(char *const *)at;

	if (*path == '/')
		value_quote(b, path);
	else
		(void)buf_append_str(b, TEMPORARY);
}

static const struct value_type value_directory = {
	.wants = "an absolute path or temporary", .parse = directory_parse,
	.format = directory_format,
};

static int
nice_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	int64_t v;

	if (integer_parse(s->values[0], &v) < 0 || v < -20 || v > 19)
		return 1;
	*(int *)at = (int)v;
	return 0;
}

static void
nice_format(struct buf *b, const struct key *k, const void *at)
{
	int v = *(const int *)at;

	if (v != SERVICE_NICE_UNSET)
		(void)buf_printf(b, "%d", v);
}

static const struct value_type value_nice = {
	.wants = "a whole number from -20 to 19", .parse = nice_parse, .format = nice_format,
};

/* Reads the type of the output: TYPE/SUBTYPE, and parameters. */
static int
media_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	static const char token[] = "!#$%&'*+-.^_`|~abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *text = s->values[0];
	size_t type = strspn(text, token), subtype = 0;

	if (type > 0 && text[type] == '/')
		subtype = strspn(text + type + 1, token);
	if (subtype == 0 || strlen(text) > 128)
		return 1;
	text += type + 1 + subtype;
	if (*text != '\0' && *text != ';')
		return 1;
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			return 1;
	}
	return value_line.parse(r, k, s, at);
}

static void
media_format(struct buf *b, const struct key *k, const void *at)
{
	value_line.format(b, k, at);
}

static const struct value_type value_media = {
	.wants = "a type such as text/csv or \"text/html; charset=utf-8\"", .parse = media_parse,
	.format = media_format,
};

/* The statuses of HTTP that say what happened to a program, and nothing about the request. */
static bool
is_status(int64_t status)
{
	return status >= 400 && status <= 599 && status != 401 && status != 407 && status != 408 &&
	    status != 421 && !(status >= 425 && status <= 431);
}

/* Reads "EXIT=STATUS". */
static int
status_read(const char *text, struct service_status *ret)
{
	const char *equal = strchr(text, '=');
	int64_t number, status;
	char first[4];

	if (equal == NULL || equal == text || equal - text > 3)
		return -EINVAL;
	(void)snprintf(first, sizeof(first), "%.*s", (int)(equal - text), text);
	if (integer_parse(first, &number) < 0 || number < 1 || number > 255 ||
	    integer_parse(equal + 1, &status) < 0 || !is_status(status))
		return -EINVAL;
	*ret = (struct service_status){ (uint8_t)number, (uint16_t)status };
	return 0;
}

static int
status_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	struct service *service = at;
	struct service_status *list = arena_alloc(r->arena, s->n * sizeof(*list));
	size_t n = 0;

	if (list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		size_t j = 0;

		if (status_read(s->values[i], &list[n]) < 0) {
			reader_error(r, s->line, "'%s': '%.64s' is not EXIT=STATUS such as 3=409: an exit "
			    "status from 1 to 255, and 400 to 599 but 401, 407, 408, 421 and 425 to 431",
			    k->name, s->values[i]);
			continue;
		}
		while (list[j].exit != list[n].exit)
			j++;
		if (j < n)
			reader_error(r, s->line, "'%s' has exit status %u twice", k->name, list[n].exit);
		n++;
	}
	service->web.statuses = list;
	service->web.n_statuses = n;
	return 0;
}

static void
status_format(struct buf *b, const struct key *k, const void *at)
{
	const struct service *service = at;

	for (size_t i = 0; i < service->web.n_statuses; i++)
		(void)buf_printf(b, "%s\"%u=%u\"", i > 0 ? ", " : "{", service->web.statuses[i].exit,
		    service->web.statuses[i].status);
	if (service->web.n_statuses > 0)
		(void)buf_append_char(b, '}');
}

static const struct value_type value_status = {
	.wants = "a list", .is_list = true, .parse = status_parse, .format = status_format,
};

/* Names of signals, and their numbers in the same order. */
static const char *const words_signal[] = { "TERM", "INT", "QUIT", "HUP", "USR1", "USR2", NULL };
static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 };

static int
signal_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (strcmp(s->values[0], k->words[i]) != 0)
			continue;
		*(int *)at = signals[i];
		return 0;
	}
	return 1;
}

static void
signal_format(struct buf *b, const struct key *k, const void *at)
{
	size_t i = 0;

	while (signals[i] != *(const int *)at)
		i++;
	(void)buf_append_str(b, k->words[i]);
}

static const struct value_type value_signal = { .parse = signal_parse, .format = signal_format };

/* Keeps a bound as text: its type is that of the argument, read later. */
static int
bound_parse(struct reader *r, const struct key *k, const struct setting *s, void *at)
{
	return 0;
}

static void
bound_format(struct buf *b, const struct key *k, const void *at)
{
	const struct argument *a = at;
	bool is_min = strcmp(k->name, "min") == 0;
	int64_t v = is_min ? a->min_int : a->max_int;
	char text[UNITS_TEXT], real[REAL_TEXT];

	if (is_min ? !a->has_min : !a->has_max)
		return;
	switch (a->type) {
	case ARGUMENT_DECIMAL:
		/* A file has no numbers with exponents. */
		real_format(is_min ? a->min_dec : a->max_dec, real);
		(void)buf_append_str(b, real);
		return;
	case ARGUMENT_SIZE:
		size_format((uint64_t)v, text, sizeof(text));
		break;
	case ARGUMENT_DURATION:
		duration_format((uint64_t)v, text, sizeof(text));
		break;
	default:
		(void)snprintf(text, sizeof(text), "%lld", (long long)v);
		break;
	}
	(void)buf_append_str(b, text);
}

static const struct value_type value_bound = {
	.wants = "a number", .parse = bound_parse, .format = bound_format,
};

/* -------------------------------------------------------------- tables --- */

static const char *const words_to[] = { "auto", "stderr", "journal", NULL };
/* By syslog priority. */
static const char *const words_level[] = { "emerg", "alert", "crit", "err", "warning", "notice",
	"info", "debug", NULL };
static const char *const words_format[] = { "text", "json", NULL };
static const char *const words_minimum[] = { "1.2", "1.3", NULL };
static const char *const words_clients[] = { "none", "optional", "required", NULL };
static const char *const words_protocol[] = { "resp", "http", NULL };
static const char *const words_offer[] = { "call", "health", "metrics", "console", "hooks", NULL };
static const char *const words_effects[] = { "none", "adds", "changes", NULL };
static const char *const words_inline[] = { "loopback", "yes", "no", NULL };
static const char *const words_input[] = { "none", "optional", "required", "pushed", NULL };
static const char *const words_disconnect[] = { "kill", "finish", NULL };
static const char *const words_buffering[] = { "program", "line", NULL };
static const char *const words_ready[] = { "none", "ping", NULL };
static const char *const words_channel[] = { "stdout", "fd3", NULL };
static const char *const words_kind[] = { "token", "key", "password", NULL };
static const char *const words_sandbox[] = { "none", "basic", "strict", NULL };
static const char *const words_log[] = { "all", "errors", "none", NULL };
static const char *const words_verify[] = { "github", "standard", "gitlab", "stripe", "slack",
	"hmac", "token", NULL };
static const char *const words_reply[] = { "accepted", "result", NULL };
static const char *const words_algorithm[] = { "sha256", "sha1", "sha384", "sha512", NULL };
static const char *const words_encoding[] = { "hex", "base64", NULL };
static const char *const words_type[] = { "text", "integer", "decimal", "flag", "choice", "path",
	"name", "host", "pattern", "size", "duration", NULL };

const char *
conf_level_word(int level)
{
	return words_level[level];
}

const char *
service_input_word(const struct service *s)
{
	return words_input[s->input];
}

const char *
service_effects_word(const struct service *s)
{
	return words_effects[s->effects];
}

const char *
service_sandbox_word(const struct service *s)
{
	return words_sandbox[s->sandbox];
}

const char *
hook_scheme_word(const struct hook *h)
{
	return words_verify[h->verify];
}

#define AT(type, field) .offset = offsetof(struct type, field)

static const struct key keys_top[] = {
	{ "workers", &value_workers, AT(conf, workers), .def = "auto", .min = 1,
	  .max = CONF_MAX_CLASS },
	{ "web-workers", &value_workers, AT(conf, web_workers), .def = "auto", .min = 1,
	  .max = CONF_MAX_CLASS },
	{ "services", &value_line, AT(conf, services_dir) },
	{ "logins", &value_line, AT(conf, logins) },
	{ "password-checks", &value_rate, AT(conf, password_checks), .def = "20/s" },
	{ "watch", &value_list, AT(conf, watch_names) },
	{ "user", &value_line, AT(conf, run_as.user), .flags = KEY_AT_START },
	{ "group", &value_line, AT(conf, run_as.group), .flags = KEY_AT_START },
	{ "runtime-directory", &value_path, AT(conf, runtime_directory),
	  .def = RUNSTATEDIR "/reqd" },
	{ "temporary-directory", &value_path, AT(conf, temporary_directory), .def = "/var/tmp",
	  .flags = KEY_AT_START },
	{ "drain-delay", &value_duration, AT(conf, drain_delay_usec), .def = "0",
	  .max = 600 * USEC_PER_SEC },
	{ "drain-timeout", &value_duration, AT(conf, drain_timeout_usec), .def = "30s",
	  .max = DAY },
	{ "kill-grace", &value_duration, AT(conf, kill_grace_usec), .def = "5s", .max = DAY },
	{ "kept-limit", &value_size, AT(conf, kept_limit), .def = "256M", .min = 16 << 20,
	  .max = UINT64_C(1) << 40 },
	{ "insecure-open", &value_bool, AT(conf, insecure_open), .def = "no" },
	{ "merged", &value_list, AT(conf, files), .flags = KEY_CANONICAL | KEY_PLACE },
	{ "ids", &value_identity, AT(conf, run_as), .flags = KEY_CANONICAL | KEY_AT_START },
	{ "home", &value_text, AT(conf, run_as.home), .flags = KEY_CANONICAL },
};

static const struct key keys_log[] = {
	{ "to", &value_word, AT(conf, log_to), .def = "auto", .words = words_to },
	{ "level", &value_word, AT(conf, log_level), .def = "info", .words = words_level },
	{ "format", &value_word, AT(conf, log_format), .def = "text", .words = words_format },
	{ "slow", &value_duration, AT(conf, log_slow_usec), .def = "0", .max = YEAR },
};

static const struct key keys_control[] = {
	{ "path", &value_path, AT(conf, control_path) },
	{ "group", &value_line, AT(conf, control_group) },
	{ "gid", &value_id, AT(conf, control_gid), .flags = KEY_CANONICAL },
};

static const struct key keys_listen[] = {
	{ "name", &value_line, AT(listener, name) },
	{ "protocol", &value_word, AT(listener, protocol), .def = "resp", .words = words_protocol },
	{ "backlog", &value_number, AT(listener, backlog), .def = "4096", .min = 1, .max = 65535 },
	{ "send-buffer", &value_size32, AT(listener, send_buffer), .def = "0", .max = 1 << 30,
	  .flags = KEY_AT_START_UNSET },
	{ "receive-buffer", &value_size32, AT(listener, receive_buffer), .def = "0", .max = 1 << 30,
	  .flags = KEY_AT_START_UNSET },
	{ "max-segment", &value_number, AT(listener, max_segment), .def = "0", .max = 65495,
	  .flags = KEY_TCP },
	{ "nodelay", &value_bool, AT(listener, nodelay), .def = "yes", .flags = KEY_TCP },
	{ "keepalive", &value_bool, AT(listener, keepalive), .def = "yes", .flags = KEY_TCP },
	{ "user-timeout", &value_duration, AT(listener, user_timeout_usec), .def = "0", .max = DAY,
	  .flags = KEY_TCP },
	{ "idle-timeout", &value_duration, AT(listener, idle_timeout_usec), .def = "0",
	  .max = YEAR },
	{ "source-connections", &value_number, AT(listener, source_connections), .def = "256",
	  .max = 10000000, .flags = KEY_TCP },
	{ "source-handshakes", &value_number, AT(listener, source_handshakes), .def = "20",
	  .max = 1000000, .flags = KEY_TLS },
	{ "source-strangers", &value_number, AT(listener, source_strangers), .def = "32",
	  .max = 10000000, .flags = KEY_TCP },
	{ "login-timeout", &value_duration, AT(listener, login_timeout_usec), .def = "30s",
	  .max = DAY, .flags = KEY_TCP },
	{ "proxy-from", &value_net, AT(listener, proxy_from), .flags = KEY_TCP },
	{ "ipv6-only", &value_bool, AT(listener, ipv6_only), .def = "no",
	  .flags = KEY_TCP | KEY_AT_START },
	{ "freebind", &value_bool, AT(listener, freebind), .def = "no",
	  .flags = KEY_TCP | KEY_AT_START },
	{ "inline", &value_word, AT(listener, inline_requests), .def = "loopback",
	  .words = words_inline, .flags = KEY_RESP },
	{ "hosts", &value_list, AT(listener, hosts), .flags = KEY_HTTP },
	{ "origins", &value_list, AT(listener, origins), .flags = KEY_HTTP },
	{ "offer", &value_word_set, AT(listener, offer), .words = words_offer, .flags = KEY_HTTP },
	{ "max-connections", &value_number, AT(listener, max_connections),
	  .def = TEXT_OF(CONF_CONNECTIONS), .min = 1, .max = 10000000 },
	{ "max-arguments", &value_number, AT(listener, max_arguments), .def = "1024", .min = 1,
	  .max = 1000000 },
	{ "argument-limit", &value_size32, AT(listener, argument_limit), .def = "1M", .min = 64,
	  .max = 1 << 30 },
	{ "request-limit", &value_size32, AT(listener, request_limit), .def = "4M", .min = 1024,
	  .max = 1 << 30 },
	{ "mode", &value_mode, AT(listener, mode), .def = "0666", .flags = KEY_UNIX },
	{ "owner", &value_line, AT(listener, owner), .flags = KEY_UNIX },
	{ "group", &value_line, AT(listener, group), .flags = KEY_UNIX },
	{ "uid", &value_id, AT(listener, uid), .flags = KEY_UNIX | KEY_CANONICAL },
	{ "gid", &value_id, AT(listener, gid), .flags = KEY_UNIX | KEY_CANONICAL },
	{ "tls", &value_bool, AT(listener, tls), .def = "no", .flags = KEY_FD },
	{ "certificate", &value_file, AT(listener, certificate),
	  .def = SYSCONFDIR "/reqd/tls/server.crt", .flags = KEY_TLS },
	{ "key", &value_file, AT(listener, key), .def = SYSCONFDIR "/reqd/tls/server.key",
	  .flags = KEY_TLS },
	{ "minimum", &value_word, AT(listener, minimum), .def = "1.3", .words = words_minimum,
	  .flags = KEY_TLS },
	{ "client-ca", &value_file, AT(listener, client_ca), .flags = KEY_TLS },
	{ "client-crl", &value_file, AT(listener, client_crl), .flags = KEY_TLS },
	{ "client-certificate", &value_word, AT(listener, clients), .def = "optional",
	  .words = words_clients, .flags = KEY_TLS },
	{ "authorities", &value_list, AT(listener, authorities), .flags = KEY_TLS | KEY_CANONICAL },
	{ "revocations", &value_list, AT(listener, revocations), .flags = KEY_TLS | KEY_CANONICAL },
	{ "revocations-until", &value_line, AT(listener, revocations_until),
	  .flags = KEY_TLS | KEY_CANONICAL },
	{ "pin", &value_line, AT(listener, cert.pin), .flags = KEY_TLS | KEY_CANONICAL },
	{ "valid-from", &value_line, AT(listener, cert.from), .flags = KEY_TLS | KEY_CANONICAL },
	{ "valid-until", &value_line, AT(listener, cert.until), .flags = KEY_TLS | KEY_CANONICAL },
	{ "chain", &value_list, AT(listener, cert.chain),
	  .flags = KEY_TLS | KEY_CANONICAL | KEY_PLACE },
};

static const struct key keys_proxy[] = {
	{ "from", &value_net, AT(listener, front_from) },
	{ "user", &value_line, AT(listener, front_user) },
	{ "address", &value_line, AT(listener, front_address) },
};

static const struct key keys_role[] = {
	{ "net", &value_net, AT(role, places) },
	{ "user", &value_list, AT(role, users) },
	{ "group", &value_list, AT(role, groups) },
	{ "login", &value_list, AT(role, logins) },
	{ "cert", &value_list, AT(role, certs) },
	{ "all", &value_list, AT(role, all_names) },
	{ "rate", &value_rate, AT(role, rate) },
	{ "calls", &value_number, AT(role, max_calls), .def = "0", .max = 1000000 },
	{ "connections", &value_number, AT(role, max_connections), .def = "0", .max = 10000000 },
	{ "uids", &value_ids, AT(role, uids), .offset_n = offsetof(struct role, n_uids),
	  .flags = KEY_CANONICAL },
	{ "gids", &value_ids, AT(role, gids), .offset_n = offsetof(struct role, n_gids),
	  .flags = KEY_CANONICAL },
	{ "members", &value_ids, AT(role, members), .offset_n = offsetof(struct role, n_members),
	  .flags = KEY_CANONICAL },
};

static const struct key keys_service[] = {
	{ "summary", &value_line, AT(service, summary) },
	{ "description", &value_text, AT(service, description) },
	{ "command", &value_list, AT(service, command) },
	{ "handler", &value_words, AT(service, handler) },
	{ "ready", &value_word_bool, AT(service, pool.ping), .def = "none", .words = words_ready,
	  .flags = KEY_HANDLER },
	{ "context", &value_bool, AT(service, pool.context), .def = "no", .flags = KEY_HANDLER },
	{ "channel", &value_word_bool, AT(service, pool.own_channel), .def = "stdout",
	  .words = words_channel, .flags = KEY_HANDLER },
	{ "pipeline", &value_number, AT(service, pool.pipeline), .def = "1", .min = 1, .max = 1000,
	  .flags = KEY_HANDLER },
	{ "allow", &value_list, AT(service, allow_names) },
	{ "deny", &value_list, AT(service, deny_names) },
	{ "listen", &value_list, AT(service, listen_names) },
	{ "user", &value_line, AT(service, run_as.user) },
	{ "group", &value_line, AT(service, run_as.group) },
	{ "directory", &value_directory, AT(service, directory), .def = "/" },
	{ "umask", &value_mode, AT(service, umask), .def = "022" },
	{ "nice", &value_nice, AT(service, nice) },
	{ "environment", &value_list, AT(service, environment) },
	{ "input", &value_word, AT(service, input), .def = "none", .words = words_input },
	{ "timeout", &value_duration, AT(service, timeout_usec), .def = "60s", .min = 1000,
	  .max = YEAR },
	{ "kill-grace", &value_duration, AT(service, kill_grace_usec), .max = DAY },
	{ "stop-signal", &value_signal, AT(service, stop_signal), .def = "TERM",
	  .words = words_signal },
	{ "concurrency", &value_number, AT(service, concurrency), .def = "32", .min = 1,
	  .max = 65535, .flags = KEY_COMMAND },
	{ "queue", &value_number, AT(service, queue), .def = "64", .max = 1000000 },
	{ "queue-timeout", &value_duration, AT(service, queue_timeout_usec), .def = "10s",
	  .max = DAY },
	{ "lock", &value_text, AT(service, lock), .flags = KEY_COMMAND },
	{ "output-limit", &value_size, AT(service, output_limit), .def = "16M",
	  .max = UINT64_C(1) << 40 },
	{ "buffering", &value_word_bool, AT(service, is_line_buffered), .def = "program",
	  .words = words_buffering, .flags = KEY_COMMAND },
	{ "on-disconnect", &value_word_bool, AT(service, finish_on_disconnect), .def = "kill",
	  .words = words_disconnect },
	{ "idempotent", &value_bool, AT(service, idempotent), .def = "yes" },
	{ "effects", &value_word, AT(service, effects), .def = "changes", .words = words_effects },
	{ "doors", &value_word_set, AT(service, doors), .words = words_protocol },
	{ "verb", &value_list, AT(service, verbs) },
	{ "log", &value_word, AT(service, log), .def = "all", .words = words_log },
	{ "sandbox", &value_word, AT(service, sandbox), .def = "none", .words = words_sandbox },
	{ "sandbox-read", &value_list, AT(service, sandbox_read) },
	{ "sandbox-write", &value_list, AT(service, sandbox_write) },
	{ "sandbox-fallback", &value_bool, AT(service, sandbox_fallback), .def = "no" },
	{ "ids", &value_identity, AT(service, run_as), .flags = KEY_CANONICAL },
	{ "home", &value_text, AT(service, run_as.home), .flags = KEY_CANONICAL },
	{ "unavailable", &value_text, AT(service, unavailable), .flags = KEY_CANONICAL },
	/* No changes of what a service is, so its handlers stay. */
	{ "state", &value_state, AT(service, state), .words = words_state,
	  .flags = KEY_CANONICAL | KEY_PLACE },
	{ "state-text", &value_line, AT(service, state_text), .flags = KEY_CANONICAL | KEY_PLACE },
	{ "state-by", &value_line, AT(service, state_by), .flags = KEY_CANONICAL | KEY_PLACE },
	{ "state-since", &value_line, AT(service, state_since),
	  .flags = KEY_CANONICAL | KEY_PLACE },
	{ "from", &value_from, .offset = 0, .flags = KEY_CANONICAL | KEY_PLACE },
};

static const struct key keys_argument[] = {
	{ "type", &value_word, AT(argument, type), .def = "text", .words = words_type },
	{ "help", &value_line, AT(argument, help) },
	{ "default", &value_text, AT(argument, def) },
	{ "optional", &value_bool, AT(argument, optional), .def = "no" },
	{ "repeat", &value_bool, AT(argument, repeat), .def = "no" },
	{ "dash", &value_bool, AT(argument, dash), .def = "no" },
	{ "secret", &value_bool, AT(argument, secret), .def = "no" },
	{ "max-length", &value_size32, AT(argument, max_length), .min = 1, .max = 1 << 30 },
	{ "min", &value_bound, .offset = 0 },
	{ "max", &value_bound, .offset = 0 },
	{ "values", &value_list, AT(argument, values) },
	{ "value", &value_text, AT(argument, value) },
	{ "below", &value_path, AT(argument, below) },
	{ "pattern", &value_line, AT(argument, pattern) },
};

static const struct key keys_limits[] = {
	{ "memory", &value_limit, .offset = 0, .min = 1 << 20, .max = UINT64_C(1) << 50 },
	{ "cpu", &value_limit, .offset = 0, .min = 1, .max = YEAR },
	{ "files", &value_limit, .offset = 0, .min = 4, .max = 1 << 20 },
	{ "processes", &value_limit, .offset = 0, .min = 1, .max = 1 << 22 },
	{ "file-size", &value_limit, .offset = 0, .max = UINT64_C(1) << 50 },
};

static const struct key keys_http[] = {
	{ "path", &value_path, AT(service, web.path) },
	{ "type", &value_media, AT(service, web.type) },
	{ "stream", &value_bool, AT(service, web.stream), .def = "no" },
	{ "status", &value_status, .offset = 0 },
};

static const struct key keys_processes[] = {
	{ "min", &value_number, AT(service, pool.min), .def = "1", .max = 1000 },
	{ "max", &value_number, AT(service, pool.max), .def = "4", .min = 1, .max = 1000 },
	{ "idle", &value_duration, AT(service, pool.idle_usec), .def = "60s", .max = YEAR },
	{ "requests", &value_number, AT(service, pool.requests), .def = "0", .max = UINT32_MAX },
	{ "age", &value_duration, AT(service, pool.age_usec), .def = "0", .max = YEAR },
	{ "memory", &value_size, AT(service, pool.memory), .def = "0", .min = 1 << 20,
	  .max = UINT64_C(1) << 50, .flags = KEY_OR_ZERO },
	{ "start-timeout", &value_duration, AT(service, pool.start_timeout_usec), .def = "10s",
	  .min = 100 * USEC_PER_MSEC, .max = 600 * USEC_PER_SEC },
};

static const struct key keys_webhook[] = {
	{ "verify", &value_word, AT(hook, verify), .words = words_verify },
	{ "secret", &value_list, AT(hook, secrets) },
	{ "event", &value_list, AT(hook, events) },
	{ "match", &value_list, AT(hook, match_texts) },
	{ "values", &value_list, AT(hook, value_texts) },
	{ "reply", &value_word, AT(hook, reply), .def = "accepted", .words = words_reply },
	{ "limit", &value_size32, AT(hook, limit), .def = "5M", .min = 1, .max = 8 << 20 },
	{ "tolerance", &value_duration, AT(hook, tolerance_usec), .def = "5m", .min = USEC_PER_SEC,
	  .max = DAY },
	{ "from", &value_list, AT(hook, from_names) },
};

static const struct key keys_hmac[] = {
	{ "algorithm", &value_word, AT(hook, hash), .def = "sha256", .words = words_algorithm },
	{ "field", &value_line, AT(hook, field) },
	{ "prefix", &value_line, AT(hook, prefix) },
	{ "encoding", &value_word, AT(hook, encoding), .def = "hex", .words = words_encoding },
};

static const struct key keys_token[] = {
	{ "field", &value_line, AT(hook, field) },
	{ "prefix", &value_line, AT(hook, prefix) },
};

/* Comes from the file of logins; only canonical text has such sections. */
static const struct key keys_credential[] = {
	{ "login", &value_line, AT(credential, login), .flags = KEY_CANONICAL },
	{ "kind", &value_word, AT(credential, kind), .def = "token", .words = words_kind,
	  .flags = KEY_CANONICAL },
	{ "hash", &value_line, AT(credential, hash), .flags = KEY_CANONICAL },
	{ "label", &value_line, AT(credential, label), .flags = KEY_CANONICAL },
	{ "expires", &value_day, .offset = 0, .flags = KEY_CANONICAL },
	{ "services", &value_list, AT(credential, services), .flags = KEY_CANONICAL },
	{ "from", &value_net, AT(credential, from), .flags = KEY_CANONICAL },
	{ "off", &value_bool, AT(credential, off), .def = "no", .flags = KEY_CANONICAL },
};

static const struct section *const in_none[] = { NULL };
static const struct section *const in_top[] = { &section_log, &section_control, &section_listen,
	&section_role, &section_service, &section_credential, NULL };
static const struct section *const in_listen[] = { &section_proxy, NULL };
static const struct section *const in_service[] = { &section_limits, &section_argument,
	&section_processes, &section_http, &section_credential, &section_webhook, NULL };
static const struct section *const in_webhook[] = { &section_hmac, &section_token, NULL };

#define KEYS(array) .keys = (array), .n_keys = ARRAY_LEN(array)

const struct section section_top = { "", KEYS(keys_top), false, in_top };
const struct section section_log = { "log", KEYS(keys_log), false, in_none };
const struct section section_control = { "control", KEYS(keys_control), false, in_none };
const struct section section_listen = { "listen", KEYS(keys_listen), true, in_listen };
const struct section section_role = { "role", KEYS(keys_role), true, in_none };
const struct section section_service = { "service", KEYS(keys_service), true, in_service };
const struct section section_argument = { "argument", KEYS(keys_argument), true, in_none };
const struct section section_limits = { "limits", KEYS(keys_limits), false, in_none };
const struct section section_processes = { "processes", KEYS(keys_processes), false, in_none };
const struct section section_http = { "http", KEYS(keys_http), false, in_none };
const struct section section_proxy = { "proxy", KEYS(keys_proxy), false, in_none };
const struct section section_credential = { "credential", KEYS(keys_credential), true, in_none };

const struct section section_webhook = { "webhook", KEYS(keys_webhook), true, in_webhook };
const struct section section_hmac = { "hmac", KEYS(keys_hmac), false, in_none };
const struct section section_token = { "token", KEYS(keys_token), false, in_none };

const struct section *const sections[] = { &section_top, &section_log, &section_control,
	&section_listen, &section_proxy, &section_role, &section_service, &section_limits, &section_argument,
	&section_processes, &section_http, &section_credential, &section_webhook, &section_hmac, &section_token,
	NULL };
