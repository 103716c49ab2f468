# The target `reference` from a build directory of its own: what it makes is installed; without
# doxygen it fails with a sentence.
#     cmake -Dsource=DIR -Dfolder=DIR -Dgenerator=NAME -P install.cmake
cmake_minimum_required(VERSION 3.22)
file(REMOVE_RECURSE "${folder}")

function(configure build)
    execute_process(COMMAND "${CMAKE_COMMAND}" -G "${generator}" -S "${source}" -B "${build}"
        -DRANKPOOL_TESTS=OFF -DRANKPOOL_EXAMPLES=OFF ${ARGN} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

configure("${folder}/with")
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${folder}/with" --target reference
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${folder}/with" --component reference
    --prefix "${folder}/prefix" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
foreach(file share/man/man3/rp_map.3 share/man/man3/rankpool.3 share/doc/rankpool/html/index.html)
    if(NOT EXISTS "${folder}/prefix/${file}")
        message(FATAL_ERROR "${file} is not installed")
    endif()
endforeach()

configure("${folder}/without" -DCMAKE_DISABLE_FIND_PACKAGE_Doxygen=ON)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${folder}/without" --target reference
    RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT failed OR NOT said MATCHES "\nThe reference needs doxygen [(]Debian[^\n]*: doxygen[)]")
    message(FATAL_ERROR "without doxygen, exit status ${failed}: ${said}")
endif()
