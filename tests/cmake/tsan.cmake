# Whether programs under ThreadSanitizer run here beside others: RANKPOOL_TSAN_RUNS, and what they
# must be started with, RANKPOOL_TSAN_LAUNCHER. Where the kernel spreads addresses more widely than
# the compiler's runtime knows (some starts fail), that is `setarch -R`. Not in a build that has a
# sanitizer of its own.

set(RANKPOOL_TSAN_RUNS OFF)
set(RANKPOOL_TSAN_LAUNCHER)
if(RANKPOOL_SANITIZE)
    return()
endif()

set(probe "${CMAKE_CURRENT_BINARY_DIR}/tsan-probe")
file(WRITE "${probe}.c" "#include <pthread.h>
static void *run(void *word) { ++*(int *)word; return word; }
int main(void)
{
    int word = 0;
    pthread_t thread;
    return pthread_create(&thread, 0, run, &word) || pthread_join(thread, 0) || word != 1;
}
")
if(NOT DEFINED RANKPOOL_TSAN_BUILDS)
    try_compile(RANKPOOL_TSAN_BUILDS "${CMAKE_CURRENT_BINARY_DIR}/tsan" SOURCES "${probe}.c"
        COMPILE_DEFINITIONS -fsanitize=thread LINK_OPTIONS -fsanitize=thread LINK_LIBRARIES Threads::Threads
        COPY_FILE "${probe}")
endif()

find_program(RANKPOOL_SETARCH setarch)
mark_as_advanced(RANKPOOL_SETARCH)
foreach(launcher "" "${RANKPOOL_SETARCH};-R")
    if(NOT RANKPOOL_TSAN_BUILDS OR RANKPOOL_TSAN_RUNS OR launcher MATCHES NOTFOUND)
        continue()
    endif()
    set(failed 0)
    foreach(start RANGE 1 10)
        execute_process(COMMAND ${launcher} "${probe}" RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
        if(NOT result EQUAL 0)
            set(failed 1)
            break()
        endif()
    endforeach()
    if(NOT failed)
        set(RANKPOOL_TSAN_RUNS ON)
        set(RANKPOOL_TSAN_LAUNCHER ${launcher})
    endif()
endforeach()
if(NOT RANKPOOL_TSAN_RUNS)
    message(STATUS "The board is not tested under ThreadSanitizer: the compiler has none that runs here.")
endif()
