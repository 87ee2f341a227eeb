/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What config*.c share. */
#ifndef WEIR_POLICY_CONFIG_PARTS_H
#define WEIR_POLICY_CONFIG_PARTS_H

#include "policy/config.h"
#include "policy/reader.h"

/* An absolute path without '/' at its end, or NULL: an error was added. */
const char *config_path(struct reader *reader, const struct yaml *node, const char *hint);

/* The list `attach`; target is the configuration. */
void config_attach_read(struct reader *reader, const struct yaml *node, void *target);

/* A path for a unix socket, or NULL: an error was added. */
const char *config_socket_path(struct reader *reader, const struct yaml *node, const char *hint);

/* The section metrics; target is the configuration. */
void config_metrics_read(struct reader *reader, const struct yaml *node, void *target);

/* What can be told of it only when all was read. */
void config_metrics_check(struct reader *reader, const struct yaml *root,
			  const struct config *config);

#endif
