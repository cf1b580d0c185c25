# The installed package, as a C++ program finds it: install, then configure, build and run the
# example against it.
set(prefix ${CMAKE_CURRENT_BINARY_DIR}/prefix)
add_test(NAME package_install COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --config $<CONFIG> --prefix
                                      ${prefix} --component development)
add_test(
  NAME package_example
  COMMAND
    ${CMAKE_CTEST_COMMAND} --build-and-test ${PROJECT_SOURCE_DIR}/cpp/example
    ${CMAKE_CURRENT_BINARY_DIR}/example --build-generator ${CMAKE_GENERATOR} --build-makeprogram
    ${CMAKE_MAKE_PROGRAM} --build-options -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
    -DCMAKE_PREFIX_PATH=${prefix} -DWANTED_VERSION=${PROJECT_VERSION} --test-command
    ${CMAKE_CROSSCOMPILING_EMULATOR} encode_one)
set_tests_properties(package_install PROPERTIES FIXTURES_SETUP package)
set_tests_properties(package_example PROPERTIES FIXTURES_REQUIRED package PASS_REGULAR_EXPRESSION
                                                                        "area [1-9][0-9]*")
