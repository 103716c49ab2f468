/* JSON for scripts, written by json-c; without it a sentence says what is missing (json_none.c).
 *
 *     struct json *all = json_list();
 *     struct json *one = json_add_object(all, NULL);
 *     json_add_text(one, "host", name);
 *     status = json_print(all, stdout, error);
 *     json_free(all);
 *
 * What is added belongs to what it was added to: a list takes no name (NULL), an object wants one. Where
 * memory runs out there is NULL, to which nothing is added, and json_print says so. */
#ifndef RANKPOOL_CLI_JSON_H
#define RANKPOOL_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

struct json;

/* RP_UNSUPPORTED, with the mend, where this rankpool was built without. */
rp_status json_check(struct error *error);

struct json *json_list(void);
struct json *json_map(void);
struct json *json_add_list(struct json *to, const char *name);
struct json *json_add_object(struct json *to, const char *name);
void json_add_text(struct json *to, const char *name, const char *text);
void json_add_number(struct json *to, const char *name, int64_t number);
void json_add_real(struct json *to, const char *name, double number);
void json_add_flag(struct json *to, const char *name, bool flag);

rp_status json_print(struct json *json, FILE *out, struct error *error);

/* NULL is fine. */
void json_free(struct json *json);

#endif
