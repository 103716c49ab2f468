# The target `reference`: HTML and manual pages from the headers' comments, by doxygen, in
# reference/ of the build directory; `cmake --install` takes them along once they were built.
set(RANKPOOL_REFERENCE_MAKE "${CMAKE_CURRENT_LIST_DIR}/reference/make.sh")
set(RANKPOOL_REFERENCE_DOXYFILE "${PROJECT_BINARY_DIR}/Doxyfile")
set(RANKPOOL_REFERENCE_EXAMPLES "${PROJECT_SOURCE_DIR}/tests/reference")
set(reference "${PROJECT_BINARY_DIR}/reference")

find_package(Doxygen QUIET)
configure_file("${CMAKE_CURRENT_LIST_DIR}/reference/Doxyfile.in" "${RANKPOOL_REFERENCE_DOXYFILE}" @ONLY)

if(PROJECT_IS_TOP_LEVEL AND DOXYGEN_FOUND)
    file(GLOB sources CONFIGURE_DEPENDS include/rankpool/*.h "${CMAKE_CURRENT_LIST_DIR}/reference/*"
        "${RANKPOOL_REFERENCE_EXAMPLES}/*.c")
    add_custom_command(OUTPUT "${reference}/made"
        COMMAND "${RANKPOOL_REFERENCE_MAKE}" "${DOXYGEN_EXECUTABLE}" "${RANKPOOL_REFERENCE_DOXYFILE}"
            "${RANKPOOL_REFERENCE_EXAMPLES}" "${reference}"
        COMMAND "${CMAKE_COMMAND}" -E touch "${reference}/made"
        DEPENDS ${sources} "${RANKPOOL_REFERENCE_DOXYFILE}"
        COMMENT "Making the reference: ${reference}/html/index.html and ${reference}/man3" VERBATIM)
    add_custom_target(reference DEPENDS "${reference}/made")
elseif(PROJECT_IS_TOP_LEVEL)
    add_custom_target(reference
        COMMAND "${CMAKE_COMMAND}" -E echo
            "The reference needs doxygen (Debian, Fedora, Spack: doxygen); then configure again."
        COMMAND "${CMAKE_COMMAND}" -E false VERBATIM)
endif()

if(RANKPOOL_INSTALL)
    install(DIRECTORY "${reference}/html" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT reference OPTIONAL)
    install(DIRECTORY "${reference}/man3" DESTINATION "${CMAKE_INSTALL_MANDIR}" COMPONENT reference OPTIONAL)
endif()
