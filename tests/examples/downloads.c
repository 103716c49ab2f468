/* downloads: many files from one web server, over one connection a worker.
 *
 *     python3 -m http.server --directory /usr/share/man --protocol HTTP/1.1 &
 *     (cd /usr/share/man && find * -type f) | ./downloads http://localhost:8000
 *
 * The initializer makes a handle of libcurl's, which stays connected from one task to the next, the
 * finalizer closes it: what is slow to make is made once a worker, and kept by rp_local. Names come
 * from standard input; a line with CRC-32, size and name says that a file has arrived. What does
 * not arrive is named on standard error and makes the exit status 1; the others arrive. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <rankpool/rankpool.h>

struct file {
    uint32_t crc;
    uint64_t size;    /* bytes */
    long connections; /* made for it: 0 where the worker's last one was still open */
};

/* Called by libcurl with one part of a file after the other. */
static size_t receive(char *data, size_t one, size_t size, void *state)
{
    struct file *file = state;
    for (size_t i = 0; i < size * one; i++) {
        file->crc ^= (unsigned char)data[i];
        for (int bit = 0; bit < 8; bit++)
            file->crc = file->crc >> 1 ^ (file->crc & 1 ? 0xedb88320 : 0);
    }
    file->size += size * one;
    return size * one;
}

/* The pool's initializer. */
static int begin_curl(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    CURL *curl = *rp_local(call) = curl_easy_init();
    if (!curl)
        return rp_fail(call, "libcurl does not start");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L); /* seconds */
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L); /* byte a second, */
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 10L); /* or for 10 seconds nothing */
    return 0;
}

/* The pool's finalizer. */
static int end_curl(rp_call *call, const void *in, size_t size)
{
    (void)in, (void)size;
    curl_easy_cleanup(*rp_local(call));
    return 0;
}

/* The task: a URL in, a struct file out. */
static int download(rp_call *call, const void *url, size_t size)
{
    (void)size;
    CURL *curl = *rp_local(call);
    struct file file = {.crc = UINT32_MAX};
    long answer = 0;
    curl_easy_setopt(curl, CURLOPT_URL, (const char *)url);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &file);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &file.connections);
    if (code)
        return rp_fail(call, "%s: %s", (const char *)url, curl_easy_strerror(code));
    if (answer != 200)
        return rp_fail(call, "%s: the server answers %ld", (const char *)url, answer);
    file.crc = ~file.crc;
    return rp_return(call, &file, sizeof file);
}

/* Submits a task for each line of standard input; the future's pointer is the URL. */
static rp_status submit_all(rp_pool *pool, const char *base)
{
    rp_status status = RP_OK;
    char *name = NULL, *url;
    size_t room = 0;
    while (status == RP_OK && getline(&name, &room, stdin) > 0) {
        name[strcspn(name, "\n")] = '\0';
        if (asprintf(&url, "%s/%s", base, name) < 0)
            return RP_NO_MEMORY;
        status = rp_submit_with(pool, download, url, strlen(url) + 1, RP_TASK_OPTIONS(.user = url), NULL);
    }
    free(name);
    return status;
}

int main(int argc, char **argv)
{
    const char *base = argc > 1 ? argv[1] : "http://localhost:8000";
    struct file sum = {0};
    size_t arrived = 0, failed = 0;
    rp_pool *pool;
    if (rp_open(RP_OPTIONS(.initializer = begin_curl, .finalizer = end_curl), &pool))
        return fprintf(stderr, "downloads: %s\n", rp_last_error(NULL)), EXIT_FAILURE;

    rp_status status = submit_all(pool, base);
    for (rp_future *future; (future = rp_next(pool, RP_FOREVER)); rp_release(&future)) {
        char *url = rp_user(future);
        rp_view view;
        if (rp_result(future, &view)) {
            fprintf(stderr, "downloads: %s\n", rp_error(future));
            failed++;
        } else {
            const struct file *file = view.data;
            printf("%08x %ju %s\n", file->crc, (uintmax_t)file->size, url + strlen(base) + 1);
            sum.size += file->size;
            sum.connections += file->connections;
            arrived++;
        }
        free(url);
    }
    fprintf(stderr, "downloads: %zu files, %ju bytes, %ld connections, %d workers, %zu failed\n", arrived,
            (uintmax_t)sum.size, sum.connections, rp_workers(pool), failed);
    if (status) /* not all were submitted */
        fprintf(stderr, "downloads: %s: %s\n", rp_strerror(status), rp_last_error(pool));
    if (fflush(stdout))
        perror("downloads");
    bool good = rp_close(&pool) == RP_OK && status == RP_OK && !failed && !ferror(stdout);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
