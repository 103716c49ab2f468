// The C shim over GoogleTest: see check.h. The only C++ of the project.
#include "check.h"

#include <csetjmp>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <iomanip>
#include <pthread.h>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace
{

check_case *first_case;
check_case **end_of_cases = &first_case;

// The case that runs.
struct {
    const check_case *self;
    std::jmp_buf end;
    pid_t process;
    pthread_t thread;
    char note[256];
    int *failures_of_children; // in memory shared with them
} current;

bool in_child()
{
    return current.process != getpid();
}

// ---- Failures --------------------------------------------------------------------------------

bool fail(check_site site, const std::string &what)
{
    std::string text = what;
    if (current.note[0])
        text += std::string("\n  at: ") + current.note;
    if (in_child()) {
        // GoogleTest's books are the parent's: a copy of them would be lost with this process.
        std::fprintf(stderr, "%s:%d: Failure in a forked child\n%s\n", site.file, site.line, text.c_str());
        __atomic_add_fetch(current.failures_of_children, 1, __ATOMIC_SEQ_CST);
    } else {
        ADD_FAILURE_AT(site.file, site.line) << text;
    }
    return false;
}

template <typename Value>
bool differ(check_site site, const char *relation, const char *a_text, const char *b_text, const Value &a,
            const Value &b)
{
    std::ostringstream text;
    text << std::setprecision(17) << "Expected: " << a_text << " " << relation << " " << b_text << "\n  "
         << a_text << "\n    is " << a << "\n  " << b_text << "\n    is " << b;
    return fail(site, text.str());
}

std::string quoted(const char *text)
{
    return text ? testing::PrintToString(std::string(text)) : "NULL";
}

std::string named(rp_status status)
{
    switch (status) {
#define NAMED(name, text)                                                                                    \
    case name:                                                                                               \
        return #name ", " text;
        RP_STATUSES(NAMED)
#undef NAMED
    }
    return "no status: " + std::to_string(static_cast<int>(status));
}

// The bytes around the first one that differs.
std::string bytes_at(const void *data, size_t size, size_t at)
{
    const size_t before = 4, after = 12;
    const unsigned char *bytes = static_cast<const unsigned char *>(data);
    std::ostringstream text;
    size_t from = at < before ? 0 : at - before;
    text << (from ? "..." : "") << std::hex << std::setfill('0');
    for (size_t i = from; i < size && i < at + after; i++)
        text << (i == at ? "[" : " ") << std::setw(2) << static_cast<unsigned>(bytes[i])
             << (i == at ? "]" : "");
    return text.str();
}

// ---- The watchdog: a hang is a failure ---------------------------------------------------------

const double default_seconds = 60;
timer_t watchdog;

void say(const char *text)
{
    if (write(STDERR_FILENO, text, std::strlen(text)) < 0)
        return;
}

// Ends the processes that this one has forked: one that hangs would keep the test's output open.
void kill_children()
{
    char path[64], list[4096];
    std::snprintf(path, sizeof path, "/proc/self/task/%ld/children", static_cast<long>(getpid()));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, list, sizeof list - 1);
    if (size <= 0)
        return;
    list[size] = '\0';
    for (char *at = list, *end; long child = std::strtol(at, &end, 10); at = end)
        kill(static_cast<pid_t>(child), SIGKILL);
}

void on_timeout(int)
{
    say("\ncheck: this case hung, and ends the program: ");
    if (current.self)
        say(current.self->name);
    if (current.note[0]) {
        say(", at: ");
        say(current.note);
    }
    say("\n");
    kill_children();
    _exit(124);
}

// 0 stops it. RANKPOOL_TEST_TIMEOUT scales: for valgrind, say.
void watchdog_set(double seconds)
{
    const char *scale = std::getenv("RANKPOOL_TEST_TIMEOUT");
    if (scale && std::atof(scale) > 0)
        seconds *= std::atof(scale);
    itimerspec when = {};
    when.it_value.tv_sec = static_cast<time_t>(seconds);
    when.it_value.tv_nsec = static_cast<long>((seconds - static_cast<double>(when.it_value.tv_sec)) * 1e9);
    timer_settime(watchdog, 0, &when, nullptr);
}

void watchdog_make()
{
    struct sigaction action = {};
    action.sa_handler = on_timeout;
    sigaction(SIGALRM, &action, nullptr);
    if (timer_create(CLOCK_MONOTONIC, nullptr, &watchdog)) // signals SIGALRM
        std::perror("check: timer_create"), std::abort();
}

// ---- Running -----------------------------------------------------------------------------------

void run(const check_case *self)
{
    current.self = self;
    current.process = getpid();
    current.thread = pthread_self();
    current.note[0] = '\0';
    *current.failures_of_children = 0;
    watchdog_set(default_seconds);
    if (!setjmp(current.end))
        self->body();
    watchdog_set(0);
    int lost = __atomic_load_n(current.failures_of_children, __ATOMIC_SEQ_CST);
    if (lost)
        ADD_FAILURE_AT(self->site.file, self->site.line) << lost << " failures in forked children, see above";
    current.self = nullptr;
}

class Case : public testing::Test
{
  public:
    explicit Case(const check_case *self) : self_(self)
    {
    }
    void TestBody() override
    {
        run(self_);
    }

  private:
    const check_case *self_;
};

std::string suite_of(const check_case *self)
{
    if (self->suite)
        return self->suite;
    std::string name = self->site.file;
    name = name.substr(name.rfind('/') + 1);
    return name.substr(0, name.find('.'));
}

} // namespace

extern "C" {

void check_register(check_case *self)
{
    *end_of_cases = self;
    end_of_cases = &self->next;
}

int check_main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    if (argc > 1)
        return std::fprintf(stderr, "check: unknown argument %s\n", argv[1]), 2;
    for (const check_case *c = first_case; c; c = c->next)
        testing::RegisterTest(suite_of(c).c_str(), c->name, nullptr, nullptr, c->site.file, c->site.line,
                              [c]() -> testing::Test * { return new Case(c); });
    void *shared = mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return std::perror("check: mmap"), 2;
    current.failures_of_children = static_cast<int *>(shared);
    watchdog_make();
    int failed = RUN_ALL_TESTS();
    timer_delete(watchdog);
    munmap(shared, sizeof(int));
    if (testing::UnitTest::GetInstance()->test_to_run_count() == 0)
        return std::fprintf(stderr, "check: no case was run\n"), 1;
    return failed;
}

// A program's own main takes its place.
__attribute__((weak)) int main(int argc, char **argv)
{
    return check_main(argc, argv);
}

void check_leave(void)
{
    if (in_child())
        _exit(1);
    if (!pthread_equal(current.thread, pthread_self())) {
        std::fprintf(stderr, "check: REQUIRE and SKIP_CASE belong into the case's own thread\n");
        std::abort();
    }
    std::longjmp(current.end, 1);
}

void check_skip(check_site site, const char *why)
{
    [&] { GTEST_SKIP() << site.file << ":" << site.line << ": " << why; }();
    check_leave();
}

void check_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(current.note, sizeof current.note, format, arguments);
    va_end(arguments);
}

void check_seconds(double seconds)
{
    watchdog_set(seconds);
}

bool check_true(check_site site, const char *text, bool held)
{
    return held || fail(site, std::string("Expected: ") + text);
}

void check_failed(check_site site, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fail(site, text);
}

bool check_int(check_site site, const char *a_text, const char *b_text, long long a, long long b)
{
    return a == b || differ(site, "==", a_text, b_text, a, b);
}

bool check_uint(check_site site, const char *a_text, const char *b_text, unsigned long long a,
                unsigned long long b)
{
    return a == b || differ(site, "==", a_text, b_text, a, b);
}

bool check_ptr(check_site site, const char *a_text, const char *b_text, const void *a, const void *b)
{
    return a == b || differ(site, "==", a_text, b_text, a, b);
}

bool check_near(check_site site, const char *a_text, const char *b_text, double a, double b, double within)
{
    double distance = a < b ? b - a : a - b;
    return distance <= within ||
           differ(site, ("within " + std::to_string(within) + " of").c_str(), a_text, b_text, a, b);
}

bool check_str(check_site site, const char *a_text, const char *b_text, const char *a, const char *b)
{
    bool same = a && b ? std::strcmp(a, b) == 0 : a == b;
    return same || differ(site, "==", a_text, b_text, quoted(a), quoted(b));
}

bool check_has(check_site site, const char *a_text, const char *b_text, const char *a, const char *b)
{
    bool has = a && b && std::strstr(a, b);
    return has || differ(site, "holds", a_text, b_text, quoted(a), quoted(b));
}

bool check_mem(check_site site, const char *a_text, const char *b_text, const void *a, const void *b,
               size_t size)
{
    if (size == 0 || std::memcmp(a, b, size) == 0)
        return true;
    size_t at = 0;
    while (static_cast<const char *>(a)[at] == static_cast<const char *>(b)[at])
        at++;
    std::string relation =
        "== (" + std::to_string(size) + " bytes, the first difference at " + std::to_string(at) + ")";
    return differ(site, relation.c_str(), a_text, b_text, bytes_at(a, size, at), bytes_at(b, size, at));
}

bool check_status(check_site site, const char *a_text, const char *b_text, rp_status a, rp_status b)
{
    return a == b || differ(site, "==", a_text, b_text, named(a), named(b));
}

} // extern "C"
