# How test programs are made.
#
#   rankpool_unit_test(NAME SOURCES file... LAYERS layer... [LIBRARIES lib...] [TIMEOUT s])
#       A program that sees the internal symbols of the layers named and of those below them.
#   rankpool_mpi_test(NAME SOURCES file... [RANKS k...] [TIMEOUT s] [LIBRARIES lib...] [ARGS a...])
#       A program linked with the shared library, as users do, and started once for each k: alone
#       for 0, else under `mpirun -n k`. By default 0 1 2 3 5.
#   rankpool_example(NAME SOURCES file... [LIBRARIES lib...] [CHECK script] [STARTS start...] [TIMEOUT s])
#       A program linked with the shared library, and tests NAME.<start> that give the script the
#       program, the start and mpirun. By default check.py, and alone inline 1 3 altered: see there.
#   rankpool_bench(NAME SOURCES file... [LIBRARIES lib...])
#       A program linked with the shared library that is no test.
#   rankpool_programs_in(FOLDER)
#       The rule of a folder, after its own CMakeLists.txt.
#
#   rankpool_tests_wait(TEST...)
#       These mostly wait, for launchers, signals and deadlines, and run beside others.
#
# PROCESSORS counts half cores: `ctest --parallel` is to be given twice the number of cores.
# Timeouts are seconds for the whole program; each case has its own (tests/check.h). Sanitizers
# are given more time.

set(RANKPOOL_UNIT_TIMEOUT 120)
set(RANKPOOL_MPI_TIMEOUT 180)
set(RANKPOOL_MPI_RANKS 0 1 2 3 5)
set(RANKPOOL_EXAMPLE_TIMEOUT 120)
set(RANKPOOL_EXAMPLE_CHECK "${PROJECT_SOURCE_DIR}/tests/examples/check.py")
set(RANKPOOL_EXAMPLE_STARTS alone inline 1 3 altered)

# What a test is started with: more time for slow builds, and sanitizers that end at the first find.
set(RANKPOOL_TEST_ENVIRONMENT)
set(slowness 1)
if(RANKPOOL_SANITIZE)
    set(slowness 4)
    list(APPEND RANKPOOL_TEST_ENVIRONMENT RANKPOOL_TEST_TIMEOUT=${slowness}
        UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)
endif()

# A program of the tests: warnings, flags, includes, and where it is put.
function(rankpool_program name folder)
    cmake_parse_arguments(PARSE_ARGV 2 a "" "" "SOURCES;LIBRARIES")
    add_executable(${name} ${a_SOURCES})
    set_target_properties(${name} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${folder}")
    target_compile_definitions(${name} PRIVATE RANKPOOL_FIXTURES="${PROJECT_SOURCE_DIR}/tests/fixtures")
    target_link_libraries(${name} PRIVATE rankpool_flags rankpool_warnings ${a_LIBRARIES})
endfunction()

# All unit tests, to be built without the rest.
add_custom_target(unit_tests)

function(rankpool_test_properties test label timeout)
    math(EXPR seconds "${timeout} * ${slowness}")
    set_tests_properties(${test} PROPERTIES PROCESSORS 2
        LABELS ${label} TIMEOUT ${seconds} ENVIRONMENT "${RANKPOOL_TEST_ENVIRONMENT};${ARGN}")
endfunction()

function(rankpool_tests_wait)
    set_tests_properties(${ARGN} PROPERTIES PROCESSORS 1)
endfunction()

# The objects of layers and of those below them.
function(rankpool_objects_of variable)
    set(layers ${ARGN})
    foreach(layer IN LISTS ARGN)
        list(APPEND layers ${RANKPOOL_REACH_${layer}})
    endforeach()
    list(REMOVE_DUPLICATES layers)
    set(objects)
    foreach(layer IN LISTS layers)
        if(TARGET rankpool_layer_${layer})
            list(APPEND objects rankpool_layer_${layer})
        endif()
    endforeach()
    set(${variable} ${objects} PARENT_SCOPE)
endfunction()

function(rankpool_unit_test name)
    cmake_parse_arguments(PARSE_ARGV 1 a "" "TIMEOUT" "SOURCES;LAYERS;LIBRARIES")
    if(NOT a_TIMEOUT)
        set(a_TIMEOUT ${RANKPOOL_UNIT_TIMEOUT})
    endif()
    rankpool_objects_of(objects ${a_LAYERS})
    list(APPEND a_LIBRARIES ${objects})
    rankpool_program(${name} unit SOURCES ${a_SOURCES} LIBRARIES rankpool_check ${a_LIBRARIES})
    add_dependencies(unit_tests ${name})
    add_test(NAME ${name} COMMAND ${name})
    rankpool_test_properties(${name} unit ${a_TIMEOUT})
endfunction()

function(rankpool_mpi_test name)
    cmake_parse_arguments(PARSE_ARGV 1 a "" "TIMEOUT" "SOURCES;RANKS;LIBRARIES;ARGS")
    if(NOT a_TIMEOUT)
        set(a_TIMEOUT ${RANKPOOL_MPI_TIMEOUT})
    endif()
    if(NOT DEFINED a_RANKS)
        set(a_RANKS ${RANKPOOL_MPI_RANKS})
    endif()
    rankpool_program(${name} mpi
        SOURCES ${a_SOURCES} LIBRARIES rankpool_check rankpool rankpool_system ${a_LIBRARIES})
    foreach(ranks IN LISTS a_RANKS)
        if(ranks EQUAL 0)
            add_test(NAME ${name}.alone COMMAND ${name} ${a_ARGS})
            rankpool_test_properties(${name}.alone mpi ${a_TIMEOUT})
        else()
            add_test(NAME ${name}.${ranks} COMMAND "${MPIEXEC_EXECUTABLE}" --oversubscribe --bind-to none
                -n ${ranks} $<TARGET_FILE:${name}> ${a_ARGS})
            rankpool_test_properties(${name}.${ranks} mpi ${a_TIMEOUT}
                OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1)
        endif()
    endforeach()
endfunction()

find_package(Python3 COMPONENTS Interpreter QUIET)
find_program(RANKPOOL_BASH bash)
mark_as_advanced(RANKPOOL_BASH)

function(rankpool_example name)
    cmake_parse_arguments(PARSE_ARGV 1 a "" "CHECK;TIMEOUT" "SOURCES;LIBRARIES;STARTS")
    rankpool_program(${name} examples SOURCES ${a_SOURCES} LIBRARIES rankpool rankpool_system ${a_LIBRARIES})
    if(NOT RANKPOOL_TESTS)
        return()
    endif()
    foreach(part CHECK TIMEOUT STARTS)
        if(NOT a_${part})
            set(a_${part} ${RANKPOOL_EXAMPLE_${part}})
        endif()
    endforeach()
    set(interpreter_.py "${Python3_EXECUTABLE}")
    set(interpreter_.sh "${RANKPOOL_BASH}")
    get_filename_component(suffix "${a_CHECK}" LAST_EXT)
    if(NOT interpreter_${suffix})
        message(STATUS "The example ${name} is not tested: nothing here runs ${a_CHECK}")
        return()
    endif()
    foreach(start IN LISTS a_STARTS)
        add_test(NAME ${name}.${start} COMMAND "${interpreter_${suffix}}" "${a_CHECK}"
            $<TARGET_FILE:${name}> ${start} "${MPIEXEC_EXECUTABLE}")
        rankpool_test_properties(${name}.${start} examples ${a_TIMEOUT})
    endforeach()
endfunction()

# Benchmarks compare with what a program on bare MPI does.
function(rankpool_bench name)
    rankpool_program(${name} bench ${ARGN})
    target_link_libraries(${name} PRIVATE rankpool rankpool_system MPI::MPI_C)
endfunction()

function(rankpool_programs_in folder)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
        add_subdirectory(${folder})
    endif()
    if(folder STREQUAL "unit")
        foreach(layer IN LISTS RANKPOOL_LAYERS)
            file(GLOB sources CONFIGURE_DEPENDS unit/${layer}/*.c)
            if(NOT RANKPOOL_HAS_JOURNAL)
                list(FILTER sources EXCLUDE REGEX "/record/journal")
            endif()
            if(sources AND NOT TARGET unit_${layer})
                rankpool_unit_test(unit_${layer} SOURCES ${sources} LAYERS ${layer})
            endif()
        endforeach()
        return()
    endif()
    set(prefix_mpi mpi_)
    set(prefix_bench bench_)
    set(rule_mpi rankpool_mpi_test)
    set(rule_bench rankpool_bench)
    set(rule_examples rankpool_example)
    if(NOT DEFINED rule_${folder})
        return()
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
    foreach(source IN LISTS sources)
        get_filename_component(name "${source}" NAME_WE)
        set(name ${prefix_${folder}}${name})
        if(NOT TARGET ${name} AND NOT "${source}" IN_LIST RANKPOOL_LEFT_OUT)
            cmake_language(CALL ${rule_${folder}} ${name} SOURCES "${source}")
        endif()
    endforeach()
endfunction()
