/* SPDX-License-Identifier: ISC */
/*
 * httpreply: writes replies of HTTP/1.1 into a buf. No I/O, no clock.
 *
 *	httpreply_begin(b, 200, date);
 *	httpreply_field(b, "Content-Type", type);
 *	httpreply_number(b, "Content-Length", n);
 *	httpreply_end(b);
 *
 * Names of fields are fixed texts, never bytes of a client. A value goes through one
 * function, which lets nothing through that could end its line. Call buf_failed() at the end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Bytes around a chunk: 8 digits and two times CRLF. */
#define HTTPREPLY_CHUNK_ROOM 12

/* The words behind a status, as "Not Found"; "Unknown" for a status without a row. */
const char *httpreply_reason(unsigned status);

/* Writes the status line and Date, if date is not NULL: see httpdate. */
void httpreply_begin(struct buf *b, unsigned status, const char *date);

/* Writes "HTTP/1.1 100 Continue" whole. */
void httpreply_continue(struct buf *b);

/*
 * Writes a field. Each byte of value that is neither visible ASCII nor a blank becomes
 * '?'.
 */
void httpreply_field(struct buf *b, const char *name, struct slice value);

/* Writes a field whose value is a fixed text of the caller. */
void httpreply_fixed(struct buf *b, const char *name, const char *value);
void httpreply_number(struct buf *b, const char *name, uint64_t n);

/* Writes the empty line. */
void httpreply_end(struct buf *b);

/*
 * Writes a chunk of a body, or nothing for no bytes. For bytes that are sent from
 * elsewhere, chunk_begin() writes what is before them and chunk_end() what is behind.
 */
void httpreply_chunk(struct buf *b, struct slice bytes);
void httpreply_chunk_begin(struct buf *b, size_t n);
void httpreply_chunk_end(struct buf *b);

/*
 * Writes the last chunk. Trailer fields may follow, by httpreply_field(); then comes
 * httpreply_end() in any case.
 */
void httpreply_chunk_last(struct buf *b);

/* A problem (RFC 9457), as the body of all replies that are no success. */
struct httpproblem {
	unsigned status;
	const char *code;	/* a word of PROTOCOL.md, section 4, as "BADARG"; or NULL */
	struct slice detail;	/* a sentence; may have bytes of a client */
	const char *ran;	/* "yes", "no", "perhaps", or NULL */
};

#define HTTPPROBLEM_TYPE "application/problem+json"

/*
 * Opens the object in b, which is empty; the caller may append members, and closes it by
 * jsonbuf_close(b, '}').
 */
void httpproblem_open(struct buf *b, const struct httpproblem *p);
