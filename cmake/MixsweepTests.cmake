# Tests: every tests/unit/test_*.c is built and registered in one step.
function(mx_unit_test source)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE mx_sweep PkgConfig::criterion)
    target_compile_definitions(${name} PRIVATE MX_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                               MX_PROGRAM="$<TARGET_FILE:mixsweep>")
    add_test(NAME unit.${name} COMMAND ${name})
    # Criterion passes a test that leaks: the sanitizer's report decides.
    set_tests_properties(unit.${name} PROPERTIES LABELS quick
                         FAIL_REGULAR_EXPRESSION "Sanitizer")
endfunction()
