/* SPDX-License-Identifier: ISC */
/* Builds log records and sends them to the log process, or writes them to stderr. */
#include "config.h"

#include "ipc/logrec.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/certificate.h"
#include "conf/conf.h"

/* Format: this header, then for each field a struct field and its bytes. */
struct header {
	uint32_t magic;
	int32_t level;
	uint64_t wall_usec;
};

struct field {
	uint16_t key;
	uint16_t len;
};

#define LOGREC_MAGIC 0x6c6f6731u

static struct {
	int fd;
	int level;
	uint64_t dropped;	/* since the last record that was sent */
	uint64_t dropped_total;
} the_log = { .fd = -1, .level = LOG_INFO };

const char *
log_key_name(enum log_key key)
{
	static const char *const names[LOG_KEY_N] = {
		[LOG_KEY_MESSAGE] = "message",
		[LOG_KEY_REQUEST] = "request",
		[LOG_KEY_CALLER] = "caller",
		[LOG_KEY_PEER] = "peer",
		[LOG_KEY_VIA] = "via",
		[LOG_KEY_CREDENTIAL] = "credential",
		[LOG_KEY_SERVICE] = "service",
		[LOG_KEY_ARGUMENTS] = "arguments",
		[LOG_KEY_OUTCOME] = "outcome",
		[LOG_KEY_STATUS] = "status",
		[LOG_KEY_DETAIL] = "detail",
		[LOG_KEY_HANDLER] = "handler",
		[LOG_KEY_QUEUED_USEC] = "queued_usec",
		[LOG_KEY_RAN_USEC] = "ran_usec",
		[LOG_KEY_DURATION_USEC] = "duration_usec",
		[LOG_KEY_CPU_USEC] = "cpu_usec",
		[LOG_KEY_MAX_RSS_KB] = "max_rss_kb",
		[LOG_KEY_BYTES_IN] = "bytes_in",
		[LOG_KEY_BYTES_OUT] = "bytes_out",
		[LOG_KEY_STDERR] = "stderr",
		[LOG_KEY_DROPPED] = "dropped",
		[LOG_KEY_EVENT] = "event",
	};

	return key > 0 && key < LOG_KEY_N ? names[key] : "?";
}

void
logrec_start(struct logrec *r, int level)
{
	struct header h = {
		.magic = LOGREC_MAGIC,
		.level = level,
		.wall_usec = clock_wall_usec(),
	};

	memcpy(r->data, &h, sizeof(h));
	r->len = sizeof(h);
}

void
logrec_add(struct logrec *r, enum log_key key, struct slice value)
{
	size_t room = sizeof(r->data) - r->len;
	size_t len = value.len < LOGREC_VALUE_MAX ? value.len : LOGREC_VALUE_MAX;
	struct field f = { .key = (uint16_t)key };

	if (room < sizeof(f))
		return;
	if (len > room - sizeof(f))
		len = room - sizeof(f);
	f.len = (uint16_t)len;
	memcpy(r->data + r->len, &f, sizeof(f));
	if (len > 0)
		memcpy(r->data + r->len + sizeof(f), value.data, len);
	r->len += sizeof(f) + len;
}

void
logrec_add_str(struct logrec *r, enum log_key key, const char *value)
{
	logrec_add(r, key, slice_of(value));
}

void
logrec_add_u64(struct logrec *r, enum log_key key, uint64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

	logrec_add(r, key, (struct slice){ text, (size_t)n });
}

int
logrec_parse(struct slice data, struct logrec_view *ret)
{
	struct header h;
	size_t at = sizeof(h);

	if (data.len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, data.data, sizeof(h));
	if (h.magic != LOGREC_MAGIC || h.level < LOG_EMERG || h.level > LOG_DEBUG)
		return -EBADMSG;
	*ret = (struct logrec_view){ .level = h.level, .wall_usec = h.wall_usec };

	while (at < data.len) {
		struct field f;

		if (data.len - at < sizeof(f))
			return -EBADMSG;
		memcpy(&f, data.data + at, sizeof(f));
		at += sizeof(f);
		if (data.len - at < f.len)
			return -EBADMSG;
		if (f.key > 0 && f.key < LOG_KEY_N)
			ret->fields[f.key] = (struct slice){ data.data + at, f.len };
		at += f.len;
	}
	return 0;
}

void
log_open(int fd)
{
	the_log.fd = fd;
}

void
log_set_level(int level)
{
	the_log.level = level;
}

int
log_level(void)
{
	return the_log.level;
}

static int
record_send(const struct logrec *r)
{
	ssize_t n = send(the_log.fd, r->data, r->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? -errno : 0;
}

/* Tells how many records were lost before the log could take one again. */
static int
dropped_send(void)
{
	struct logrec r;

	logrec_start(&r, LOG_WARNING);
	logrec_add_str(&r, LOG_KEY_MESSAGE, "log records dropped, the log was not keeping up");
	logrec_add_u64(&r, LOG_KEY_DROPPED, the_log.dropped);
	return record_send(&r);
}

static void
dropped_count(void)
{
	the_log.dropped++;
	the_log.dropped_total++;
}

void
log_send(struct logrec *r)
{
	if (the_log.dropped > 0) {
		if (dropped_send() < 0) {
			dropped_count();
			return;
		}
		the_log.dropped = 0;
	}
	if (record_send(r) < 0)
		dropped_count();
}

uint64_t
log_dropped_total(void)
{
	return the_log.dropped_total;
}

uint64_t
log_dropped(void)
{
	return the_log.dropped;
}

/* Writes a line to stderr, without a log; what stderr does not take at once is lost. */
static void
stderr_write(const char *text)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) > 0 && (p.revents & POLLOUT) != 0)
		(void)dprintf(STDERR_FILENO, "reqd: %.1000s\n", text);
}

void
log_event(const char *event, int level, const char *fmt, ...)
{
	char text[LOGREC_VALUE_MAX];
	struct logrec r;
	va_list ap;

	if (level > the_log.level)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (the_log.fd < 0) {
		stderr_write(text);
		return;
	}
	logrec_start(&r, level);
	logrec_add_str(&r, LOG_KEY_MESSAGE, text);
	if (event != NULL)
		logrec_add_str(&r, LOG_KEY_EVENT, event);
	log_send(&r);
}

void
log_conf_errors(int level, const char *prefix, const struct conf_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->list[i];
		const char *event = certificate_is_about_end(e) ? LOG_EVENT_CERTIFICATE_EXPIRES : NULL;

		if (e->file == NULL)
			log_event(event, level, "%s%s", prefix, e->text);
		else if (e->line == 0)
			log_at(level, "%s%s: %s", prefix, e->file, e->text);
		else
			log_at(level, "%s%s:%u: %s", prefix, e->file, e->line, e->text);
	}
}

void
logrec_print_unread(int fd, const char *name)
{
	char record[LOGREC_MAX];
	struct logrec_view v;
	ssize_t n;

	while ((n = recv(fd, record, sizeof(record), MSG_DONTWAIT)) > 0) {
		if (logrec_parse((struct slice){ record, (size_t)n }, &v) == 0 &&
		    v.level <= LOG_WARNING)
			(void)dprintf(STDERR_FILENO, "reqd: %s: %.*s\n", name,
			    (int)v.fields[LOG_KEY_MESSAGE].len, v.fields[LOG_KEY_MESSAGE].data);
	}
}
