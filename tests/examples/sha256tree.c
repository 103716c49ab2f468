/* sha256tree: the SHA-256 of every regular file below some folders, on all cores.
 *
 *     sha256tree /usr/share >sums && sha256sum --check --quiet sums
 *
 * Paths go in, digests come out: each file is one task (hash_file), and the line of a file is
 * written as soon as its task has ended. The manager walks through the folders and collects what
 * is done in turns, so that the first lines come while it still walks, and it never walks further
 * ahead than OPEN_MOST files. Standard output has lines as sha256sum writes them and nothing else;
 * how the machine was sized, the progress bar, failures and a summary go to standard error.
 *
 * Exit status: 0; 1 if a file could not be read, or the lines not be written; 2 for a mistake in
 * the arguments. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <rankpool/rankpool.h>

#define DIGEST_SIZE 32
#define BUFFER_SIZE ((size_t)256 << 10) /* what is read at a time stays in the cache */
#define OPEN_MOST   ((size_t)64 << 10)  /* files submitted and not collected */
#define TURN_S      0.001               /* of walking, then of collecting */

/* ---- The task: runs in the workers ------------------------------------------------------- */

/* What a worker keeps from one file to the next. */
struct hasher {
    EVP_MD_CTX *context;
    unsigned char buffer[BUFFER_SIZE];
};

struct answer {
    unsigned char digest[DIGEST_SIZE];
    uint64_t size; /* bytes */
};

/* The pool's initializer. */
static int begin_hasher(rp_call *call, const void *in, size_t in_size)
{
    (void)in, (void)in_size;
    struct hasher *hasher = *rp_local(call) = calloc(1, sizeof *hasher);
    if (!hasher)
        return rp_fail(call, "no memory for a buffer");
    hasher->context = EVP_MD_CTX_new();
    bool good = hasher->context && EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL);
    return good ? 0 : rp_fail(call, "libcrypto offers no SHA-256");
}

/* The pool's finalizer. */
static int end_hasher(rp_call *call, const void *in, size_t in_size)
{
    (void)in, (void)in_size;
    struct hasher *hasher = *rp_local(call);
    if (hasher)
        EVP_MD_CTX_free(hasher->context);
    free(hasher);
    return 0;
}

/* As open, for a path of any length: what one system call does not take is walked in pieces. */
static int open_path(const char *path, int flags)
{
    int folder = AT_FDCWD;
    while (strlen(path) >= PATH_MAX) {
        char piece[PATH_MAX];
        memcpy(piece, path, sizeof piece);
        char *end = memrchr(piece, '/', sizeof piece);
        if (!end || end == piece)
            break; /* a name that long is refused below */
        *end = '\0';
        path += end + 1 - piece;
        path += strspn(path, "/");
        int next = openat(folder, piece, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0)
            close(folder);
        if (next < 0)
            return -1;
        folder = next;
    }
    int fd = openat(folder, *path ? path : ".", flags | O_CLOEXEC), why = errno;
    if (folder >= 0)
        close(folder);
    errno = why;
    return fd;
}

/* Opens what was a regular file when the folder was read; nothing else can make it wait. */
static int open_file(const char *path)
{
    struct stat file = {0};
    int fd = open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || (fstat(fd, &file) == 0 && S_ISREG(file.st_mode)))
        return fd;
    close(fd);
    errno = S_ISDIR(file.st_mode) ? EISDIR : ENXIO;
    return -1;
}

/* Returns 0, or an errno. */
static int hash(struct hasher *hasher, int fd, struct answer *answer)
{
    ssize_t got;
    bool good = EVP_DigestInit_ex(hasher->context, NULL, NULL); /* with the initializer's choice */
    answer->size = 0;
    while ((got = read(fd, hasher->buffer, BUFFER_SIZE)) != 0) {
        if (got < 0 && errno != EINTR)
            return errno;
        if (got > 0) {
            good = good && EVP_DigestUpdate(hasher->context, hasher->buffer, (size_t)got);
            answer->size += (uint64_t)got;
        }
    }
    good = good && EVP_DigestFinal_ex(hasher->context, answer->digest, NULL);
    return good ? 0 : ENOTSUP;
}

/* The task: a path in, an answer out. It fails with errno as its code. */
static int hash_file(rp_call *call, const void *in, size_t in_size)
{
    (void)in_size;
    struct answer answer;
    int fd = open_file(in);
    int why = fd < 0 ? errno : hash(*rp_local(call), fd, &answer);
    if (fd >= 0)
        close(fd);
    if (why == 0)
        return rp_return(call, &answer, sizeof answer);
    rp_fail(call, "%s", strerror(why));
    return why;
}

/* ---- The manager: what is under way ------------------------------------------------------ */

/* A folder to be read, or a file whose task has not been collected. */
struct path {
    struct path *next; /* of the folders */
    char text[];
};

struct job {
    rp_pool *pool;
    struct path *folders; /* found, not read yet */
    size_t submitted, collected, hashed, failed;
    uint64_t bytes;
    double turn_ends; /* when, while it walks */
    /* What wipes the progress bar where a line or a message is about to stand. */
    const char *before_line, *before_message;
    double busy[]; /* seconds, by worker */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static _Noreturn void die(const struct job *job, const char *what, const char *why)
{
    fprintf(stderr, "%ssha256tree: %s: %s\n", job->before_message, what, why);
    exit(EXIT_FAILURE); /* which ends the workers too */
}

/* `name` in `folder`, or alone where that is NULL. */
static struct path *path_make(const struct job *job, const char *folder, const char *name)
{
    size_t length = folder ? strlen(folder) : 0;
    struct path *path = malloc(sizeof *path + length + strlen(name) + 2);
    if (!path)
        die(job, name, strerror(errno));
    memcpy(path->text, folder ? folder : "", length);
    if (length && path->text[length - 1] != '/')
        path->text[length++] = '/';
    strcpy(path->text + length, name);
    return path;
}

/* ---- Writing ----------------------------------------------------------------------------- */

/* A name in a message, as sha256sum has it: what a shell would not take as it is goes in quotes. */
static void put_quoted(const char *name)
{
    const char *c = name;
    while (isalnum((unsigned char)*c) || *c & 0x80 || (*c && strchr("%+,-./@]_", *c)))
        c++;
    if (*name && !*c) {
        fputs(name, stderr);
        return;
    }
    putc('\'', stderr);
    for (c = name; *c; c++) {
        if (*c >= '\a' && *c <= '\r')
            fprintf(stderr, "'$'\\%c''", "abtnvfr"[*c - '\a']);
        else if (iscntrl((unsigned char)*c))
            fprintf(stderr, "'$'\\%03o''", *c);
        else if (*c == '\'')
            fputs("'\\''", stderr);
        else
            putc(*c, stderr);
    }
    putc('\'', stderr);
}

static void complain(struct job *job, const char *path, const char *why)
{
    fprintf(stderr, "%ssha256tree: ", job->before_message);
    put_quoted(path);
    fprintf(stderr, ": %s\n", why);
    job->failed++;
}

static void put_digest(const unsigned char digest[DIGEST_SIZE])
{
    for (int i = 0; i < DIGEST_SIZE; i++) {
        putchar("0123456789abcdef"[digest[i] >> 4]);
        putchar("0123456789abcdef"[digest[i] & 15]);
    }
}

static void put_escaped(const char *name)
{
    for (; *name; name++) {
        if (strchr("\\\n\r", *name))
            putchar('\\');
        putchar(*name == '\n' ? 'n' : *name == '\r' ? 'r' : *name);
    }
}

/* A line as of sha256sum; a backslash at its start says that the name is escaped. */
static void put_line(const struct job *job, const unsigned char digest[DIGEST_SIZE], const char *name)
{
    bool escaped = strpbrk(name, "\\\n\r");
    fputs(job->before_line, stdout);
    fputs(escaped ? "\\" : "", stdout);
    put_digest(digest);
    fputs("  ", stdout);
    if (escaped)
        put_escaped(name);
    else
        fputs(name, stdout);
    putchar('\n');
    if (ferror(stdout))
        die(job, "write error", strerror(errno));
}

static void flush(const struct job *job)
{
    if (fflush(stdout))
        die(job, "write error", strerror(errno));
}

/* ---- Collecting -------------------------------------------------------------------------- */

static void collect(struct job *job, rp_future *future)
{
    struct path *path = rp_user(future);
    rp_task_info info = {0};
    rp_view view;
    rp_status status = rp_result(future, &view);
    if (rp_info(future, &info) == RP_OK)
        job->busy[info.worker] += info.ran;
    if (status == RP_OK) {
        const struct answer *answer = view.data;
        put_line(job, answer->digest, path->text);
        job->hashed++;
        job->bytes += answer->size;
    } else {
        complain(job, path->text, status == RP_TASK_FAILED ? strerror(info.code) : rp_error(future));
    }
    job->collected++;
    rp_release(&future);
    free(path);
}

/* Collects what is done already, though not for ever: alone, each rp_next runs a task. */
static void collect_some(struct job *job)
{
    double end = now() + TURN_S;
    for (rp_future *future; now() < end && (future = rp_next(job->pool, 0));)
        collect(job, future);
    flush(job);
    job->turn_ends = now() + TURN_S;
}

/* Waits for the next one; false: there is none left. */
static bool collect_next(struct job *job)
{
    rp_future *future = rp_next(job->pool, 0);
    if (!future) {
        flush(job);
        future = rp_next(job->pool, RP_FOREVER);
    }
    if (future)
        collect(job, future);
    return future;
}

/* ---- Walking ----------------------------------------------------------------------------- */

static void submit(struct job *job, struct path *path)
{
    const rp_task_options *options = RP_TASK_OPTIONS(.user = path);
    if (rp_submit_with(job->pool, hash_file, path->text, strlen(path->text) + 1, options, NULL))
        die(job, path->text, rp_last_error(job->pool));
    job->submitted++;
    while (job->submitted - job->collected >= OPEN_MOST && collect_next(job))
        ;
    if (now() >= job->turn_ends)
        collect_some(job);
}

/* One name in a folder. Links are not followed; those that lead nowhere are named. */
static void look_at(struct job *job, const char *folder, int fd, const struct dirent *entry)
{
    struct stat file;
    unsigned type = entry->d_type;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
        return;
    if (type == DT_UNKNOWN && fstatat(fd, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0)
        type = IFTODT(file.st_mode);
    struct path *path = path_make(job, folder, entry->d_name);
    if (type == DT_REG) {
        submit(job, path);
        return;
    }
    if (type == DT_DIR) {
        path->next = job->folders;
        job->folders = path;
        return;
    }
    if ((type == DT_LNK || type == DT_UNKNOWN) && fstatat(fd, entry->d_name, &file, 0))
        complain(job, path->text, strerror(errno));
    free(path);
}

static void read_folder(struct job *job, const char *folder, int flags)
{
    int fd = open_path(folder, O_RDONLY | O_DIRECTORY | flags);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        complain(job, folder, strerror(errno));
        return;
    }
    struct dirent *entry;
    while (errno = 0, (entry = readdir(stream)))
        look_at(job, folder, fd, entry);
    if (errno)
        complain(job, folder, strerror(errno));
    closedir(stream);
}

/* One folder is open at a time, however deep the tree. */
static void walk(struct job *job)
{
    for (struct path *folder; (folder = job->folders);) {
        job->folders = folder->next;
        read_folder(job, folder->text, O_NOFOLLOW);
        free(folder);
    }
}

/* An argument is a folder, or a file, or a link to one. */
static void walk_from(struct job *job, const char *name)
{
    struct stat file;
    int fd = open_path(name, O_PATH), why = fd < 0 || fstat(fd, &file) ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (why)
        complain(job, name, strerror(why));
    else if (S_ISREG(file.st_mode))
        submit(job, path_make(job, NULL, name));
    else if (S_ISDIR(file.st_mode))
        read_folder(job, name, 0);
    else
        complain(job, name, "neither a regular file nor a directory");
    walk(job);
}

/* ---- The whole --------------------------------------------------------------------------- */

static void describe(const rp_pool *pool)
{
    const char *line = rp_describe(pool);
    while (*line) {
        int length = (int)strcspn(line, "\n");
        fprintf(stderr, "sha256tree: %.*s\n", length, line);
        line += length + (line[length] == '\n');
    }
}

static void summarize(const struct job *job, double seconds)
{
    int workers = rp_workers(job->pool);
    fprintf(stderr, "sha256tree: %zu files, %ju bytes in %.2f s (%.0f files/s, %.1f MB/s), %zu failed\n",
            job->hashed, (uintmax_t)job->bytes, seconds, (double)job->hashed / seconds,
            (double)job->bytes / seconds / 1e6, job->failed);
    fprintf(stderr, "sha256tree: %d worker%s busy for", workers, workers == 1 ? " was" : "s were");
    for (int worker = 1; worker <= workers; worker++)
        fprintf(stderr, " %.0f", 100 * job->busy[worker] / seconds);
    fprintf(stderr, " %% of the time\n");
}

static int run(rp_pool *pool, char *const *names)
{
    static char *const usual[] = {"/usr/share", NULL};
    double began = now();
    struct job *job = calloc(1, sizeof *job + ((size_t)rp_workers(pool) + 1) * sizeof *job->busy);
    if (!job)
        return perror("sha256tree"), EXIT_FAILURE;
    job->pool = pool;
    job->before_message = isatty(STDERR_FILENO) ? "\033[K" : "";
    job->before_line = isatty(STDOUT_FILENO) ? job->before_message : "";
    describe(pool);
    for (char *const *name = *names ? names : usual; *name; name++)
        walk_from(job, *name);
    while (collect_next(job))
        ;
    summarize(job, now() - began);
    int status = job->failed ? EXIT_FAILURE : EXIT_SUCCESS;
    free(job);
    return status;
}

static int help(void)
{
    fputs("Usage: sha256tree [PATH...]\n"
          "Prints the SHA-256 of each PATH that is a file, and of every regular file below each that is\n"
          "a folder (default: /usr/share), computed on all cores, in no order, for sha256sum --check.\n",
          stdout);
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    rp_pool *pool;
    if (rp_open(RP_OPTIONS(.initializer = begin_hasher, .finalizer = end_hasher), &pool))
        return fprintf(stderr, "sha256tree: %s\n", rp_last_error(NULL)), EXIT_FAILURE;

    /* Every rank runs what stands above, only the manager what stands below. */
    setvbuf(stderr, NULL, _IOLBF, 0); /* messages in one piece */
    int option = getopt_long(argc, argv, "h", options, NULL);
    int status = option == 'h' ? help() : option != -1 ? 2 : run(pool, argv + optind);
    if (rp_close(&pool) == RP_OK)
        return status;
    fprintf(stderr, "sha256tree: %s\n", rp_last_error(NULL));
    return EXIT_FAILURE;
}
