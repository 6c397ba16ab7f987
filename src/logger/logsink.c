/* SPDX-License-Identifier: ISC */
/* logsink: formats records as text, as JSON and for the journal. */
#include "config.h"

#include "logger/logsink.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"

static const char *const levels[] = {
	"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

/*
 * True if the field may be shown as a number. Looks at the value, too, because
 * a process that was taken over may send anything.
 */
static bool
is_number(enum log_key key, struct slice value)
{
	if (value.len == 0 || value.len > 20 || (value.len > 1 && value.data[0] == '0'))
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
	}
	switch (key) {
	case LOG_KEY_STATUS:
	case LOG_KEY_HANDLER:
	case LOG_KEY_QUEUED_USEC:
	case LOG_KEY_RAN_USEC:
	case LOG_KEY_DURATION_USEC:
	case LOG_KEY_CPU_USEC:
	case LOG_KEY_MAX_RSS_KB:
	case LOG_KEY_BYTES_IN:
	case LOG_KEY_BYTES_OUT:
	case LOG_KEY_DROPPED:
		return true;
	default:
		return false;
	}
}

static void
put_time(struct buf *b, uint64_t wall_usec)
{
	time_t seconds = (time_t)(wall_usec / USEC_PER_SEC);
	char text[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return;
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)buf_printf(b, "%s.%03" PRIu64 "Z", text, wall_usec % USEC_PER_SEC / 1000);
}

/* Writes "1.234ms", which is easier to read than a count of microseconds. */
static void
put_duration(struct buf *b, struct slice usec)
{
	char text[24];
	uint64_t v;

	(void)snprintf(text, sizeof(text), "%.*s", (int)usec.len, usec.data);
	v = strtoull(text, NULL, 10);
	(void)buf_printf(b, "%" PRIu64 ".%03" PRIu64 "ms", v / 1000, v % 1000);
}

static void
put_field(struct buf *b, enum log_key key, struct slice value)
{
	if (key == LOG_KEY_ARGUMENTS && value.len == 0)
		return;
	(void)buf_append_char(b, ' ');
	switch (key) {
	case LOG_KEY_ARGUMENTS:
		/* The process that sent the words has escaped them. */
		(void)escape_controls(b, value, LOGREC_VALUE_MAX);
		return;
	case LOG_KEY_QUEUED_USEC:
		(void)buf_append_str(b, "queued=");
		put_duration(b, value);
		return;
	case LOG_KEY_RAN_USEC:
		(void)buf_append_str(b, "ran=");
		put_duration(b, value);
		return;
	case LOG_KEY_DURATION_USEC:
		(void)buf_append_str(b, "duration=");
		put_duration(b, value);
		return;
	case LOG_KEY_CPU_USEC:
		(void)buf_append_str(b, "cpu=");
		put_duration(b, value);
		return;
	case LOG_KEY_MAX_RSS_KB:
		(void)buf_append_str(b, "rss=");
		(void)escape_word(b, value, LOGREC_VALUE_MAX);
		(void)buf_append_char(b, 'K');
		return;
	default:
		(void)buf_printf(b, "%s=", log_key_name(key));
		(void)escape_word(b, value, LOGREC_VALUE_MAX);
		return;
	}
}

static void
put_summary(struct buf *b, const struct logrec_view *r)
{
	struct slice message = r->fields[LOG_KEY_MESSAGE];
	bool first = message.data == NULL;

	if (!first)
		(void)escape_text(b, message, LOGREC_VALUE_MAX);
	for (enum log_key key = LOG_KEY_REQUEST; key < LOG_KEY_N; key++) {
		if (r->fields[key].data == NULL || key == LOG_KEY_EVENT)
			continue;
		put_field(b, key, r->fields[key]);
	}
}

int
logsink_format_text(struct buf *b, const struct log_source *from, const struct logrec_view *r)
{
	put_time(b, r->wall_usec);
	(void)buf_printf(b, " %s[%d] %s:", from->name, from->pid, levels[r->level]);
	if (r->fields[LOG_KEY_MESSAGE].data != NULL)
		(void)buf_append_char(b, ' ');
	put_summary(b, r);
	return buf_append_char(b, '\n');
}

int
logsink_format_json(struct buf *b, const struct log_source *from, const struct logrec_view *r)
{
	(void)buf_append_str(b, "{\"time\":\"");
	put_time(b, r->wall_usec);
	(void)buf_printf(b, "\",\"process\":\"%s\",\"pid\":%d,\"level\":\"%s\"", from->name,
	    from->pid, levels[r->level]);
	for (enum log_key key = LOG_KEY_MESSAGE; key < LOG_KEY_N; key++) {
		struct slice value = r->fields[key];

		if (value.data == NULL)
			continue;
		(void)buf_printf(b, ",\"%s\":", log_key_name(key));
		if (is_number(key, value))
			(void)buf_append_slice(b, value);
		else
			(void)escape_json(b, value);
	}
	return buf_append_str(b, "}\n");
}

/* ------------------------------------------------------------- journal --- */

static int journal_fd = -1;
static bool is_journal;		/* standard error leads to the journal */

/* True if stderr leads to the journal, as systemd says in $JOURNAL_STREAM. */
static bool
stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (env == NULL || sscanf(env, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* The ids by which systemd/reqd.catalog explains events. */
#define ID_REQUEST_ENDED "9fd3587609804729bd7080a9b331f15f"
#define ID_REQUEST_REFUSED "fbef849fd31c438e92bc5bb1227976c7"

static const struct {
	const char *event, *id;
} events[] = {
	{ LOG_EVENT_SERVING, "d4433fd9d26b48809f69e32a6ccd5f46" },
	{ LOG_EVENT_STOPPING, "45dd0025cd274bb9b7d649f6d7bfe4f8" },
	{ LOG_EVENT_PROCESS_DIED, "71b6c1895f0049e0b191fa059b4d90fd" },
	{ LOG_EVENT_PROCESS_FORBIDDEN, "c2c2f7a4b9d64a6f8e0b7d1c53f0a918" },
	{ LOG_EVENT_PROCESS_STUCK, "a372c79d591e4e94b28f071b11c15a06" },
	{ LOG_EVENT_RELOAD_DONE, "1ad8170974ca4c6abf3f5d3d16dad9a3" },
	{ LOG_EVENT_RELOAD_REFUSED, "2a25af919d9845bd9c1557d9560c13d9" },
	{ LOG_EVENT_HANDLER_DIED, "4daa7226798e4fcd9d79203d9597a78c" },
	{ LOG_EVENT_HANDLER_BACK, "86a2f9d5466048d19bc2f6c68d39b0c5" },
	{ LOG_EVENT_LOGIN_FAILED, "4be1e0f7c1e94f2fa4c2c0a9d8f6b371" },
	{ LOG_EVENT_CERTIFICATE_REFUSED, "c7d1a02f6be94d0c8d9f2a5b41e37c86" },
	{ LOG_EVENT_LOGIN_PENALTY, "c73497aab35e456fb06113e449a91479" },
	{ LOG_EVENT_LOGIN_BUSY, "acda665f9c6b4f70b48cfcf7d359b0cb" },
	{ LOG_EVENT_CLIENT_REFUSED, "0102b072874340219658222041256631" },
	{ LOG_EVENT_SERVER_FULL, "d6f7db6e548c4ba09b103343a90d2c2e" },
	{ LOG_EVENT_CALLER_LIMITED, "7e33903533bb4a9caa54a59539290ef7" },
	{ LOG_EVENT_SOURCE_LIMITED, "2f8452eb55d94efe8ee8750f61053c0c" },
	{ LOG_EVENT_STRANGERS_LIMITED, "e566e83494544a0b9c0eaa45d919caeb" },
	{ LOG_EVENT_HANDSHAKES_LIMITED, "3c167ca34e194e84ac25b7480d956900" },
	{ LOG_EVENT_HANDSHAKE_FAILED, "248c389a1df34129b340c35cccdb19c1" },
	{ LOG_EVENT_PROXY_REFUSED, "5ab3b3b990b64840a04e2e970592fc1b" },
	{ LOG_EVENT_KEYS_SILENT, "52599ed11e0a4cbb93f86e57359248ff" },
	{ LOG_EVENT_CERTIFICATE_EXPIRES, "6e6f908608c6412f99bf68197e037c85" },
};

/*
 * Returns the id of the record's kind, or NULL for a kind that the catalogue
 * does not know.
 */
static const char *
message_id(const struct logrec_view *r)
{
	if (r->fields[LOG_KEY_OUTCOME].data != NULL)
		return r->fields[LOG_KEY_REQUEST].data != NULL ? ID_REQUEST_ENDED :
		    ID_REQUEST_REFUSED;
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (slice_is(r->fields[LOG_KEY_EVENT], events[i].event))
			return events[i].id;
	}
	return NULL;
}

/*
 * Adds a field in the journal's own form: a value of one line after "=", any other
 * after its length.
 */
static void
field_add(struct buf *all, const char *name, struct slice value)
{
	uint64_t len = htole64(value.len);

	(void)buf_append_str(all, name);
	if (value.len > 0 && memchr(value.data, '\n', value.len) != NULL) {
		(void)buf_append_char(all, '\n');
		(void)buf_append(all, &len, sizeof(len));
	} else {
		(void)buf_append_char(all, '=');
	}
	(void)buf_append_slice(all, value);
	(void)buf_append_char(all, '\n');
}

/*
 * Sends a record in one message. Not by sd_journal_sendv(), which makes its socket at
 * the first record, and needs calls that a confined process has not.
 */
static int
journal_send(struct slice record)
{
	static const struct sockaddr_un journal = {
		.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket",
	};

	if (journal_fd < 0)
		return -ENOENT;
	for (;;) {
		ssize_t n = sendto(journal_fd, record.data, record.len, MSG_NOSIGNAL,
		    (const struct sockaddr *)&journal, sizeof(journal));

		if (n >= 0 || errno != EINTR)
			return n < 0 ? -errno : 0;
	}
}

void
logsink_open(void)
{
	int room = 8 << 20;

	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal_fd >= 0)
		(void)setsockopt(journal_fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	is_journal = stderr_is_journal();
	/* The first use of a time reads the file of the zone. */
	tzset();
}

int
logsink_journal(const struct log_source *from, const struct logrec_view *r)
{
	CLEANUP(buf_done) struct buf all = BUF_INIT(0);
	CLEANUP(buf_done) struct buf message = BUF_INIT(0);
	struct slice line;
	char text[64];

	put_summary(&message, r);
	line = buf_slice(&message);
	if (line.len > 0 && line.data[0] == ' ') {
		line.data++;
		line.len--;
	}
	field_add(&all, "MESSAGE", line);
	(void)snprintf(text, sizeof(text), "%d", r->level);
	field_add(&all, "PRIORITY", slice_of(text));
	field_add(&all, "SYSLOG_IDENTIFIER", SLICE("reqd"));
	field_add(&all, "REQD_PROCESS", slice_of(from->name));
	(void)snprintf(text, sizeof(text), "%d", from->pid);
	field_add(&all, "REQD_PID", slice_of(text));
	if (message_id(r) != NULL)
		field_add(&all, "MESSAGE_ID", slice_of(message_id(r)));
	for (enum log_key key = LOG_KEY_REQUEST; key < LOG_KEY_N; key++) {
		if (r->fields[key].data == NULL || key == LOG_KEY_EVENT)
			continue;
		(void)snprintf(text, sizeof(text), "REQD_%s", log_key_name(key));
		for (char *p = text; *p != '\0'; p++) {
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 0x20);
		}
		field_add(&all, text, r->fields[key]);
	}
	return buf_failed(&all) ? -ENOMEM : journal_send(buf_slice(&all));
}

bool
logsink_is_journal(const struct conf *c)
{
	/*
	 * A log process that has just begun has records to write before it gets
	 * the configuration.
	 */
	if (c == NULL || c->log_to == LOG_TO_AUTO)
		return is_journal;
	return c->log_to == LOG_TO_JOURNAL;
}

int
logsink_format(const struct conf *c, struct buf *b, const struct log_source *from,
    const struct logrec_view *r)
{
	return c != NULL && c->log_format == LOG_FORMAT_JSON ? logsink_format_json(b, from, r) :
	    logsink_format_text(b, from, r);
}
