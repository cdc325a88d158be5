#!/bin/sh
# Fail if a file includes a header that its layer may not use. Own includes are
# spelled from the repository root, so the folder in the path is the layer;
# another library's header belongs to the layer that wraps it.
set -eu
cd "$(dirname "$0")/.."

allowed_layers() {
    case $1 in
    base) echo "base" ;;
    kernels) echo "kernels base" ;;
    reduce) echo "reduce kernels base" ;;
    worker) echo "worker reduce kernels base" ;;
    sweep) echo "sweep worker reduce kernels base" ;;
    esac
}

# The layer that alone may include a library's header; nothing for the system's own.
owner_of() {
    case $1 in
    xxhash.h) echo base ;;
    dnnl.h | dnnl_* | oneapi/* | cuda* | cublas* | cudnn* | cufft*) echo kernels ;;
    nccl.h) echo reduce ;;
    zlib.h | jpeglib.h | png.h | kiss_fft*) echo worker ;;
    yaml.h | mpi.h | curl/* | archive.h | archive_entry.h | md5.h | sha2.h | sqlite3.h | ncurses.h | curses.h) echo sweep ;;
    esac
}

bad=0
for layer in base kernels reduce worker sweep; do
    for file in "$layer"/*.[ch] "$layer"/*.cu "$layer"/*.def; do
        [ -e "$file" ] || continue
        for header in $(sed -n 's/^ *# *include *"\(.*\)".*/\1/p' "$file"); do
            case " $(allowed_layers $layer) " in
            *" $(dirname "$header") "*) ;;
            *) echo "$file: may not include \"$header\""; bad=1 ;;
            esac
        done
        for header in $(sed -n 's/^ *# *include *<\(.*\)>.*/\1/p' "$file"); do
            owner=$(owner_of "$header")
            [ -z "$owner" ] || [ "$owner" = $layer ] || {
                echo "$file: <$header> belongs to $owner/"
                bad=1
            }
        done
    done
done
exit $bad
