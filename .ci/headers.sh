#!/bin/sh
# Fail if a header does not compile alone, as C11 and as C++17: it must include
# what it needs, and keep to what both languages share.
set -eu
cd "$(dirname "$0")/.."
flags="-D_GNU_SOURCE -I. -Wall -Wextra -Werror -fsyntax-only"
bad=0
cuda=${CUDA_HOME:-/usr/local/cuda}/include
for header in base/*.h kernels/*.h reduce/*.h worker/*.h sweep/*.h; do
    [ -e "$header" ] || continue
    case $header in
    *_cuda.h) # only where there is a toolkit
        [ -e "$cuda/cudnn.h" ] || continue
        flags="$flags -isystem $cuda"
        ;;
    esac
    # Included from a file, so that `#pragma once` and unused bodies are no matter.
    # shellcheck disable=SC2086 # one word a flag
    echo "#include \"$header\"" | ${CC:-cc} -std=c11 $flags -Wno-unused-function -x c - || bad=1
    # shellcheck disable=SC2086
    echo "#include \"$header\"" | ${CXX:-c++} -std=c++17 $flags -Wno-unused-function -x c++ - || bad=1
done
exit $bad
