/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events as one line for people. */
#ifndef WEIR_EVENT_SUMMARY_H
#define WEIR_EVENT_SUMMARY_H

#include "base/buf.h"
#include "event/decode.h"
#include "event/json.h"

/*
 * Appends, without a line feed:
 *
 *   deny network.connect 203.0.113.7:443/tcp (no-rule) by curl[123]
 *   deny file.open /home/me/.ssh/id_ed25519 read (rule secrets) by cat[124]
 *   allow file.rename /a -> /b create,delete (rule work) by mv[125]
 *   allow process.exec /usr/bin/git git log (rule system) by sh[126]
 *   deny network.accept 192.0.2.1:8080/tcp from 203.0.113.9 (rule blocked) by nc[127]
 *   deny network.unix /run/docker.sock (no-rule) by docker[128]
 *   deny network.socket AF_PACKET SOCK_RAW (family) by tcpdump[129]
 *
 * "[packet]" stands before the reason of what was seen in a packet, and "by" is
 * left out where nobody is known. Every byte from outside goes through the
 * escaper. Of the context only the policy's rule names and dest_host are used;
 * failures of memory are left in out->error.
 */
void event_summary(struct buf *out, const struct event *event,
		   const struct event_context *context);

/* The same without the process's number: what one program repeats has one text. */
void event_summary_deed(struct buf *out, const struct event *event,
			const struct event_context *context);

/* The same without verdict and type, and besides without reason and process; a space in front. */
void event_summary_rest(struct buf *out, const struct event *event,
			const struct event_context *context);
void event_summary_object(struct buf *out, const struct event *event,
			  const struct event_context *context);

#endif
