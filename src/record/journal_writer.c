#define _GNU_SOURCE
#include "record/journal_writer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define GROUP_NS    UINT64_C(10000000)
#define GROUP_BYTES ((size_t)1 << 20)
#define MOST_BYTES  ((size_t)32 << 20)

/* ---- The thread -------------------------------------------------------------------------- */

static bool is_due(const struct writer *writer)
{
    return writer->urgent || writer->stopping || writer->batch.used >= GROUP_BYTES ||
           clock_ns() >= writer->since + GROUP_NS;
}

static void wait_until(struct writer *writer, uint64_t deadline)
{
    struct timespec until = {.tv_sec = (time_t)(deadline / 1000000000u),
                             .tv_nsec = (long)(deadline % 1000000000u)};
    pthread_cond_timedwait(&writer->work, &writer->lock, &until);
}

/* False: there will be no more. */
static bool await_batch(struct writer *writer)
{
    while (!writer->batch.count && !writer->stopping)
        pthread_cond_wait(&writer->work, &writer->lock);
    while (writer->batch.count && !is_due(writer))
        wait_until(writer, writer->since + GROUP_NS);
    return writer->batch.count > 0;
}

static void write_batch(struct writer *writer, struct batch *batch)
{
    struct error error;
    if (atomic_load(&writer->failed))
        return;
    writer_hold_file(writer);
    rp_status status = file_write(writer->file, batch, &error);
    writer_drop_file(writer);
    if (status)
        writer_fail(writer, &error);
}

static void *write_all(void *state)
{
    struct writer *writer = state;
    struct batch mine = {0};
    pthread_mutex_lock(&writer->lock);
    while (await_batch(writer)) {
        struct batch full = writer->batch;
        writer->batch = mine;
        writer->busy = true;
        writer->urgent = false;
        pthread_cond_broadcast(&writer->room);
        pthread_mutex_unlock(&writer->lock);
        write_batch(writer, &full);
        size_t written = atomic_load(&writer->failed) ? 0 : full.items;
        batch_clear(&full);
        mine = full;
        pthread_mutex_lock(&writer->lock);
        writer->stored += written;
        writer->busy = false;
        pthread_cond_broadcast(&writer->room);
    }
    pthread_mutex_unlock(&writer->lock);
    batch_free(&mine);
    return NULL;
}

/* ---- Starting and stopping --------------------------------------------------------------- */

rp_status writer_start(struct writer *writer, struct journal_file *file, struct error *error)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    *writer = (struct writer){.file = file};
    pthread_mutex_init(&writer->lock, NULL);
    pthread_mutex_init(&writer->file_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->work, &monotonic);
    pthread_cond_init(&writer->room, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int wrong = pthread_create(&writer->thread, NULL, write_all, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!wrong)
        return RP_OK;
    return error_set(error, RP_NO_MEMORY, "no thread to write the journal %s: %s", file->path,
                     strerror(wrong));
}

rp_status writer_stop(struct writer *writer, struct error *error)
{
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    batch_free(&writer->batch);
    pthread_mutex_destroy(&writer->lock);
    pthread_mutex_destroy(&writer->file_lock);
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->room);
    if (!atomic_load(&writer->failed))
        return RP_OK;
    return error_set(error, RP_JOURNAL, "%s", writer->error.text);
}

/* ---- The manager's side ------------------------------------------------------------------ */

void writer_fail(struct writer *writer, const struct error *error)
{
    pthread_mutex_lock(&writer->lock);
    bool first = !atomic_load(&writer->failed);
    if (first) {
        writer->error = *error;
        atomic_store(&writer->failed, true);
    }
    pthread_mutex_unlock(&writer->lock);
    if (first)
        fprintf(stderr, "rankpool: %s; the program goes on, and stores nothing more\n", error->text);
}

void writer_add(struct writer *writer, const struct batch_entry *entry)
{
    if (atomic_load_explicit(&writer->failed, memory_order_relaxed))
        return;
    pthread_mutex_lock(&writer->lock);
    while (writer->batch.used >= MOST_BYTES && !atomic_load(&writer->failed))
        pthread_cond_wait(&writer->room, &writer->lock);
    bool first = !writer->batch.count, added = batch_add(&writer->batch, entry);
    if (first)
        writer->since = clock_ns();
    if (added && (first || writer->batch.used >= GROUP_BYTES) && !writer->busy)
        pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    if (!added)
        writer_fail(writer, &(struct error){.status = RP_NO_MEMORY, .text = "no memory for the journal"});
}

size_t writer_flush(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    while (writer->batch.count || writer->busy) {
        writer->urgent = true;
        pthread_cond_signal(&writer->work);
        pthread_cond_wait(&writer->room, &writer->lock);
    }
    size_t stored = writer->stored;
    pthread_mutex_unlock(&writer->lock);
    return stored;
}

void writer_hold_file(struct writer *writer)
{
    pthread_mutex_lock(&writer->file_lock);
}

void writer_drop_file(struct writer *writer)
{
    pthread_mutex_unlock(&writer->file_lock);
}
