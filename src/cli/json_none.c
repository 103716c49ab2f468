#include "cli/json.h"

rp_status json_check(struct error *error)
{
    return error_set(error, RP_UNSUPPORTED,
                     "--json: this rankpool was built without json-c (Debian: libjson-c-dev)");
}

struct json *json_list(void)
{
    return NULL;
}

struct json *json_map(void)
{
    return NULL;
}

struct json *json_add_list(struct json *to, const char *name)
{
    (void)name;
    return to;
}

struct json *json_add_object(struct json *to, const char *name)
{
    (void)name;
    return to;
}

void json_add_text(struct json *to, const char *name, const char *text)
{
    (void)to, (void)name, (void)text;
}

void json_add_number(struct json *to, const char *name, int64_t number)
{
    (void)to, (void)name, (void)number;
}

void json_add_real(struct json *to, const char *name, double number)
{
    (void)to, (void)name, (void)number;
}

void json_add_flag(struct json *to, const char *name, bool flag)
{
    (void)to, (void)name, (void)flag;
}

rp_status json_print(struct json *json, FILE *out, struct error *error)
{
    (void)json, (void)out;
    return json_check(error);
}

void json_free(struct json *json)
{
    (void)json;
}
