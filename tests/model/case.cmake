# Runs one case of a model: spin makes pan.c, the compiler makes pan, pan searches.
#     cmake -Dspin=SPIN -Dcompiler=CC -Dmodel=FILE.pml -Ddefines="A;B=1" -Dexpect=EXPECT -Dfolder=DIR
#           -P case.cmake
# EXPECT is HOLDS: the whole case is searched and nothing is wrong; FAILS: something is found; ENDS: no
# run goes in a circle; CIRCLES: one does.
cmake_minimum_required(VERSION 3.22)

set(search -DSAFETY)
set(optimise -O1)
set(options -m20000 -w23)
set(incomplete "not completed|too small|truncated|out of memory")
if(expect MATCHES "ENDS|CIRCLES")
    set(search -DNP)
    list(APPEND options -l)
elseif(expect STREQUAL "FAILS")
    set(optimise -O0) # found soon, if at all
endif()
list(TRANSFORM defines PREPEND -D)

file(REMOVE_RECURSE "${folder}")
file(MAKE_DIRECTORY "${folder}")
execute_process(COMMAND "${spin}" ${defines} -a "${model}"
    WORKING_DIRECTORY "${folder}" OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT EXISTS "${folder}/pan.c")
    message(FATAL_ERROR "spin cannot read ${model} with ${defines}:\n${said}")
endif()
execute_process(COMMAND "${compiler}" ${optimise} -w ${search} -DCOLLAPSE -DMEMLIM=4096 -o pan pan.c
    WORKING_DIRECTORY "${folder}" RESULT_VARIABLE failed ERROR_VARIABLE said)
if(failed)
    message(FATAL_ERROR "pan.c of ${model} does not compile:\n${said}")
endif()
execute_process(COMMAND ./pan ${options}
    WORKING_DIRECTORY "${folder}" RESULT_VARIABLE failed OUTPUT_VARIABLE found ERROR_VARIABLE found)

string(REGEX MATCH "[0-9.e+]+ states, stored" size "${found}")
if(expect STREQUAL "FAILS")
    string(REGEX MATCH "assertion violated|invalid end state" error "${found}")
    if(NOT error OR NOT found MATCHES "errors: 1")
        message(FATAL_ERROR "The model does not see what is broken by ${defines}:\n${found}")
    endif()
    message("${error}, after ${size}")
elseif(expect STREQUAL "CIRCLES")
    if(NOT found MATCHES "non-progress cycle \\(")
        message(FATAL_ERROR "The model does not see the circle made by ${defines}:\n${found}")
    endif()
    message("a circle, after ${size}")
elseif(failed OR NOT found MATCHES "errors: 0" OR found MATCHES "${incomplete}")
    message(FATAL_ERROR "${found}\nTo see the run: in ${folder}, `spin ${defines} -t -p ${model}`")
else()
    message("${size}")
endif()
file(REMOVE_RECURSE "${folder}")
