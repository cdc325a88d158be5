# Tests are found by folder, and built and registered in one step, so that none
# is built and never run: tests/unit/test_*.c, tests/mpi/mpi_*.c and
# tests/e2e/test_*.py.
#
# A line "ctest: LABEL [timeout=SECONDS] [machine] [unsanitized] [ranks=N] [survives]" in the first
# comment of a test file sets its label (quick, slow or nightly; quick without such
# a line), its time limit (300 s) and "machine": it needs something that no package
# brings, such as a GPU or the right to mount, and is skipped, visibly, where that is
# missing. "unsanitized": it measures memory, of which sanitizers take some of their own,
# and does not exist in their build. For the programs in tests/mpi: ranks to start (2), and "survives": the job
# goes on when one of them dies. The launcher's status tells nothing then; the line
# "all survivors passed" does. The line ends its comment: words on the next one would be lost.

function(mx_test_properties test source)
    file(STRINGS ${source} lines REGEX "ctest: [a-z]+" LIMIT_COUNT 1)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    set(label quick)
    set(timeout 300)
    if(lines MATCHES "ctest: ([a-z]+)")
        set(label ${CMAKE_MATCH_1})
    endif()
    if(NOT label MATCHES "^(quick|slow|nightly)$")
        message(FATAL_ERROR "${source}: label '${label}' is none of quick, slow, nightly")
    endif()
    if(lines AND NOT lines MATCHES "ctest: [a-z0-9= ]+( [*]/|\"\"\")$")
        message(FATAL_ERROR "${source}: the line with 'ctest:' must end with its words and the comment's end")
    endif()
    if(lines MATCHES "timeout=([0-9]+)")
        set(timeout ${CMAKE_MATCH_1})
    endif()
    if(lines MATCHES " machine")
        list(APPEND label machine)
    endif()
    # Criterion passes a test that leaks, and a program under test may hide its
    # own report: the sanitizers' words decide. SIGBUS stays the program's: tests
    # send it to executors and look for its name.
    set_tests_properties(${test} PROPERTIES
        LABELS "${label}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77
        FAIL_REGULAR_EXPRESSION "Sanitizer;runtime error:"
        ENVIRONMENT "UBSAN_OPTIONS=print_stacktrace=1;MIXSWEEP_CACHE=${CMAKE_BINARY_DIR}/tests/image-cache;PYTHONDONTWRITEBYTECODE=1;MX_PROGRAM=$<TARGET_FILE:mixsweep>;MX_FAULTS_PROGRAM=$<TARGET_FILE:mixsweep_faults>;MX_FAKE_NVML=$<TARGET_FILE:fake_nvml>;MX_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
endfunction()

function(mx_unit_test source)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE mx_reference mx_sweep PkgConfig::criterion)
    target_compile_definitions(${name} PRIVATE MX_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                               MX_PROGRAM="$<TARGET_FILE:mixsweep>"
                               MX_FAKE_NVML="$<TARGET_FILE:fake_nvml>")
    add_dependencies(${name} mixsweep fake_nvml)
    add_test(NAME unit.${name} COMMAND ${name})
    mx_test_properties(unit.${name} ${source})
endfunction()

# Start as root, on fewer cores than ranks, and without a page of text of its own.
set(MX_MPI_ENVIRONMENT OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
    # What MPI itself leaks, from modules that it unloads, cannot be told from ours.
    ASAN_OPTIONS=detect_leaks=0)

function(mx_mpi_test source)
    get_filename_component(name ${source} NAME_WE)
    file(STRINGS ${source} lines REGEX "ctest: [a-z]+" LIMIT_COUNT 1)
    set(ranks 2)
    if(lines MATCHES "ranks=([0-9]+)")
        set(ranks ${CMAKE_MATCH_1})
    endif()
    set(launch ${MPIEXEC_EXECUTABLE} -n ${ranks} --oversubscribe --bind-to none)
    if(lines MATCHES " survives")
        if(MX_OPENMPI_VERSION VERSION_LESS 5)
            list(APPEND launch --enable-recovery)
        else()
            list(APPEND launch --with-ft ulfm)
        endif()
    endif()
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE mx_sweep)
    add_test(NAME mpi.${name} COMMAND ${launch} $<TARGET_FILE:${name}>)
    mx_test_properties(mpi.${name} ${source})
    set_property(TEST mpi.${name} APPEND PROPERTY ENVIRONMENT ${MX_MPI_ENVIRONMENT})
    set_property(TEST mpi.${name} PROPERTY PROCESSORS 2)
    if(lines MATCHES " survives")
        set_property(TEST mpi.${name} PROPERTY PASS_REGULAR_EXPRESSION "all survivors passed")
    endif()
    set_property(TEST mpi.${name} APPEND PROPERTY FAIL_REGULAR_EXPRESSION "FAILED")
endfunction()

function(mx_e2e_test source)
    get_filename_component(name ${source} NAME_WE)
    file(STRINGS ${source} lines REGEX "ctest: [a-z]+" LIMIT_COUNT 1)
    if(MX_SANITIZE AND lines MATCHES " unsanitized")
        return()
    endif()
    add_test(NAME e2e.${name} COMMAND ${Python3_EXECUTABLE} ${source})
    mx_test_properties(e2e.${name} ${source})
    if(MX_MPI_USED)
        set_property(TEST e2e.${name} APPEND PROPERTY ENVIRONMENT
                     MX_MPIRUN=${MPIEXEC_EXECUTABLE} MX_OPENMPI=${MX_OPENMPI_VERSION})
    endif()
endfunction()

# Run a target of tests/fuzz for some seconds.
function(mx_fuzz_test source label seconds)
    get_filename_component(name ${source} NAME_WE)
    if(NOT TARGET ${name})
        add_executable(${name} ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz.c)
        target_link_libraries(${name} PRIVATE mx_sweep)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    endif()
    add_test(NAME ${label}.${name}
             COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz.py $<TARGET_FILE:${name}> ${seconds})
    math(EXPR timeout "${seconds} * 2 + 120")
    set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout})
endfunction()
