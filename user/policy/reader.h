/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inside the reader: what its files share. Nothing here fails by return
 * value: errors, also for want of memory, go to the report, and what could
 * not be read keeps its default.
 */
#ifndef WEIR_POLICY_READER_H
#define WEIR_POLICY_READER_H

#include "policy/params.h"
#include "policy/report.h"
#include "policy/tree.h"
#include "policy/yaml.h"

/* A file that is being read, and the one that included it. */
struct reader_file {
	const struct source *source;
	const struct reader_file *parent;
};

struct reader {
	struct policy *policy;		/* rules and sections go here; NULL for a configuration */
	struct policy *head;		/* everything else; of an included file dropped */
	struct arena *arena;		/* of all that is read */
	struct report *report;
	const struct policy_options *options;
	const struct reader_file *file;
	const struct params *params;	/* of this file */
	const struct params *outer;	/* of the policy itself, for included files; else NULL */
	/* where included files say `unrestricted` */
	struct place open_by_include[POLICY_SECTION_COUNT];
};

/* fields.c: what every part of the grammar is made of */

struct field {
	const char *name;
	void (*read)(struct reader *reader, const struct yaml *node, void *target);
	bool required;
};

/* Reads a map by a table of its keys; `what` names the map: "a rule", "the policy". */
void fields_read(struct reader *reader, const struct yaml *map, const char *what,
		 const struct field *fields, size_t n, void *target);

/* Is the value of this kind? Otherwise adds an error; fit says what would do. */
bool field_is(struct reader *reader, const struct yaml *node, enum yaml_kind kind, const char *fit);

/* The same for lists that must not be empty. */
bool field_is_list(struct reader *reader, const struct yaml *node, const char *hint);

/*
 * The text of a scalar with its parameters put in; numbers only where
 * `ints` allows them. NULL: an error was added.
 */
const char *field_text(struct reader *reader, const struct yaml *node, bool ints, const char *fit);

/* The same for patterns: the characters of a parameter stay literal. */
const char *field_pattern_text(struct reader *reader, const struct yaml *node, const char *hint);

/* One of n names, or -1: an error was added. */
int field_choice(struct reader *reader, const struct yaml *node, const char *const *of, size_t n);

/* Is it the word `unrestricted`? */
bool field_is_unrestricted(const struct yaml *node);

/* Memory from the arena; NULL is in the report. */
void *reader_array(struct reader *reader, size_t count, size_t size);

/* Makes room for one more in an array of the policy; NULL is in the report. */
void *reader_grow(struct reader *reader, void *list, size_t n, size_t *cap, size_t size);

/* The name closest to text, or NULL. */
const char *name_suggest(const char *text, const char *const *names, size_t n);

/* The sections; target is unused. */
void network_read(struct reader *reader, const struct yaml *node, void *target);
void files_read(struct reader *reader, const struct yaml *node, void *target);
void guard_read(struct reader *reader, const struct yaml *node, void *target);

/* Notes that a section stands in the file, and whether it is opened wholly. */
void section_enter(struct reader *reader, enum policy_section section, const struct yaml *node,
		   bool unrestricted);

/* A list of path patterns; `abstract`: "@name" too. */
void patterns_read(struct reader *reader, const struct yaml *node, bool abstract,
		   struct pattern **ret, size_t *ret_n);

/* One network.unix rule. */
void unix_rules_read(struct reader *reader, const struct yaml *node, void *target);

/* network.tls and network.dns */
void tls_read(struct reader *reader, const struct yaml *node, void *target);
void dns_read(struct reader *reader, const struct yaml *node, void *target);

/* The name of a rule; target is a rule of any kind. */
void rule_name_read(struct reader *reader, const struct yaml *node, void *target);

/* Reads everything that a file includes, depth first. */
void includes_read(struct reader *reader, const struct yaml *node);

/* Reads one file that is loaded already, what it includes first. */
void file_read_into(struct reader *reader, const struct source *source, bool included);

/* What can be told only of the whole: names used twice, limits, sections at odds. */
void whole_check(struct reader *reader);

#endif
