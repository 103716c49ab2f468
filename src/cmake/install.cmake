# What `cmake --install` puts where: headers, both libraries, a CMake package and a pkg-config
# module. Both descriptions find the rest of the tree from where they lie, so that the prefix may
# be chosen at install time and the tree may be moved.
if(NOT RANKPOOL_INSTALL)
    return()
endif()
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/rankpool")
set(module_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(DIRECTORY include/rankpool DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(TARGETS rankpool rankpool_static EXPORT rankpool
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")

install(TARGETS rankpool_command DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(FILES src/cli/rankpool.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES src/cli/rankpool.bash DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME rankpool)
install(TARGETS rankpool_trial DESTINATION libexec/rankpool)

install(EXPORT rankpool NAMESPACE rankpool:: FILE rankpoolTargets.cmake DESTINATION "${package_dir}")
configure_package_config_file(src/cmake/rankpoolConfig.cmake.in
    "${PROJECT_BINARY_DIR}/rankpoolConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/rankpoolConfigVersion.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/rankpoolConfig.cmake" "${PROJECT_BINARY_DIR}/rankpoolConfigVersion.cmake"
    DESTINATION "${package_dir}")

# From the module's folder to the prefix; a libdir outside of the prefix has no such way.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(module_prefix "${CMAKE_INSTALL_PREFIX}")
    set(module_libdir "${CMAKE_INSTALL_LIBDIR}")
else()
    file(RELATIVE_PATH module_up "/prefix/${module_dir}" "/prefix")
    string(REGEX REPLACE "/$" "" module_up "${module_up}")
    set(module_prefix "\${pcfiledir}/${module_up}")
    set(module_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
    set(module_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
else()
    set(module_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
string(REPLACE ";" " " module_private
    "${MPI_C_LIBRARIES};${MPI_C_LINK_FLAGS};${HWLOC_LINK_LIBRARIES};${SQLITE_LINK_LIBRARIES};-lm;-lpthread")
configure_file(src/cmake/rankpool.pc.in "${PROJECT_BINARY_DIR}/rankpool.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/rankpool.pc" DESTINATION "${module_dir}")
