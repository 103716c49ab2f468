#define _GNU_SOURCE
#include "cli/finding.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"

static const struct {
    const char *word, *line, *colour;
} verdicts[FOUND_KINDS] = {
    [FOUND_FINE] = {"ok", "ok  ", "\033[32m"},
    [FOUND_NOTED] = {"note", "note", "\033[33m"},
    [FOUND_WRONG] = {"wrong", "FAIL", "\033[31m"},
    [FOUND_SKIPPED] = {"skipped", "skip", "\033[2m"},
};

/* With each %h of the text as the host. */
static char *fill_in(const char *text, const char *host)
{
    char *filled = NULL;
    size_t size;
    FILE *out = open_memstream(&filled, &size);
    for (; out && *text; text++) {
        if (text[0] == '%' && text[1] == 'h') {
            fputs(host ? host : "the host", out);
            text++;
        } else {
            fputc(*text, out);
        }
    }
    if (!out || fclose(out)) {
        free(filled);
        return NULL;
    }
    return filled;
}

void findings_add(struct findings *findings, const char *check, enum verdict verdict, const char *host,
                  const char *mend, const char *format, ...)
{
    struct finding made = {.check = check, .verdict = verdict};
    va_list values;
    va_start(values, format);
    if (vasprintf(&made.says, format, values) < 0)
        made.says = NULL;
    va_end(values);
    made.host = host ? strdup(host) : NULL;
    made.mend = mend ? fill_in(mend, host) : NULL;
    size_t size = ((size_t)findings->count + 1) * sizeof *findings->one;
    struct finding *larger =
        made.says && (!host || made.host) && (!mend || made.mend) ? realloc(findings->one, size) : NULL;
    if (!larger) {
        free(made.says);
        free(made.host);
        free(made.mend);
        findings->short_of_memory = true;
        return;
    }
    findings->one = larger;
    findings->one[findings->count++] = made;
}

bool findings_have(const struct findings *findings, enum verdict verdict)
{
    for (int i = 0; i < findings->count; i++)
        if (findings->one[i].verdict == verdict)
            return true;
    return false;
}

void findings_print(const struct findings *findings, bool colour, FILE *out)
{
    for (int i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->one[i];
        fprintf(out, "%s%s%s  %-9s %s%s%s", colour ? verdicts[one->verdict].colour : "",
                verdicts[one->verdict].line, colour ? "\033[0m" : "", one->check, one->host ? one->host : "",
                one->host ? ": " : "", one->says);
        if (one->mend)
            fprintf(out, "; %s", one->mend);
        fputc('\n', out);
    }
}

rp_status findings_print_json(const struct findings *findings, FILE *out, struct error *error)
{
    struct json *all = json_map();
    json_add_flag(all, "healthy", !findings_have(findings, FOUND_WRONG));
    struct json *list = json_add_list(all, "findings");
    for (int i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->one[i];
        struct json *object = json_add_object(list, NULL);
        json_add_text(object, "check", one->check);
        json_add_text(object, "verdict", verdicts[one->verdict].word);
        if (one->host)
            json_add_text(object, "host", one->host);
        json_add_text(object, "says", one->says);
        if (one->mend)
            json_add_text(object, "mend", one->mend);
    }
    rp_status status = json_print(all, out, error);
    json_free(all);
    return status;
}

void findings_free(struct findings *findings)
{
    for (int i = 0; i < findings->count; i++) {
        free(findings->one[i].host);
        free(findings->one[i].says);
        free(findings->one[i].mend);
    }
    free(findings->one);
    *findings = (struct findings){0};
}
