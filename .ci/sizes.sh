#!/bin/sh
# Fail if a file or a function is too long to be read in one go. Functions are
# found by the braces in the first column that clang-format puts there.
set -eu
cd "$(dirname "$0")/.."
max_file=500
max_function=70
git ls-files -- '*.c' '*.h' '*.cu' '*.py' '*.sh' .ci/run bootstrap |
    xargs awk -v max_file=$max_file -v max_function=$max_function '
    FNR == 1 { start = 0 }
    FNR == max_file + 1 { print FILENAME ": more than " max_file " lines"; bad = 1 }
    /^[a-z].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^{/ { start = FNR }
    /^}/ && start {
        if (FNR - start - 1 > max_function) {
            print FILENAME ": " name "() has " FNR - start - 1 " lines, more than " max_function
            bad = 1
        }
        start = 0
    }
    END { exit bad }'
