#include "cli/json.h"

#include <json.h>

/* A struct json is json-c's struct json_object by another name: its own has no end of ours. */
static struct json_object *theirs(struct json *json)
{
    return (struct json_object *)(void *)json;
}

static struct json *ours(struct json_object *object)
{
    return (struct json *)(void *)object;
}

static struct json *add(struct json *to, const char *name, struct json_object *object)
{
    if (!to || !object)
        return NULL;
    if (name)
        json_object_object_add(theirs(to), name, object);
    else
        json_object_array_add(theirs(to), object);
    return ours(object);
}

rp_status json_check(struct error *error)
{
    (void)error;
    return RP_OK;
}

struct json *json_list(void)
{
    return ours(json_object_new_array());
}

struct json *json_map(void)
{
    return ours(json_object_new_object());
}

struct json *json_add_list(struct json *to, const char *name)
{
    return add(to, name, json_object_new_array());
}

struct json *json_add_object(struct json *to, const char *name)
{
    return add(to, name, json_object_new_object());
}

void json_add_text(struct json *to, const char *name, const char *text)
{
    add(to, name, json_object_new_string(text));
}

void json_add_number(struct json *to, const char *name, int64_t number)
{
    add(to, name, json_object_new_int64(number));
}

void json_add_real(struct json *to, const char *name, double number)
{
    add(to, name, json_object_new_double(number));
}

void json_add_flag(struct json *to, const char *name, bool flag)
{
    add(to, name, json_object_new_boolean(flag));
}

rp_status json_print(struct json *json, FILE *out, struct error *error)
{
    const char *text =
        json ? json_object_to_json_string_ext(theirs(json), JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED)
             : NULL;
    if (!text)
        return error_set(error, RP_NO_MEMORY, "no memory to write JSON");
    return fprintf(out, "%s\n", text) < 0 || fflush(out)
               ? error_set(error, RP_LAUNCH, "standard output cannot be written")
               : RP_OK;
}

void json_free(struct json *json)
{
    json_object_put(theirs(json));
}
