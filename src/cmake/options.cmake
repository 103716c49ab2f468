# What a build can be told, and the flags that all of our own code is compiled with:
# rankpool_flags for everybody, rankpool_warnings for C.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, RelWithDebInfo or MinSizeRel" FORCE)
endif()

# A newer compiler than those that the project is checked with may know a new warning: that must
# not keep a user from building.
set(known_compiler OFF)
if((CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 13)
   OR (CMAKE_C_COMPILER_ID STREQUAL "Clang" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 15))
    set(known_compiler ${PROJECT_IS_TOP_LEVEL})
endif()

option(RANKPOOL_WERROR "Treat warnings as errors" ${known_compiler})
option(RANKPOOL_TESTS "Build the tests (needs a C++ compiler and GoogleTest)" ${PROJECT_IS_TOP_LEVEL})
option(RANKPOOL_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(RANKPOOL_INSTALL "Have `cmake --install` install rankpool" ${PROJECT_IS_TOP_LEVEL})
set(RANKPOOL_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(rankpool_flags INTERFACE)
# Frame pointers and debug information are kept in a release too, for perf and for backtraces.
# Functions are shipped between ranks as build-id and offset, so that every module needs an id.
target_compile_options(rankpool_flags INTERFACE -g -fno-omit-frame-pointer)
target_link_options(rankpool_flags INTERFACE -Wl,--build-id)
if(RANKPOOL_SANITIZE)
    target_compile_options(rankpool_flags INTERFACE
        -O1 -fsanitize=${RANKPOOL_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(rankpool_flags INTERFACE -fsanitize=${RANKPOOL_SANITIZE})
endif()

add_library(rankpool_warnings INTERFACE)
target_compile_options(rankpool_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
    $<$<BOOL:${RANKPOOL_WERROR}>:-Werror>)
