#!/bin/sh
# Fail if a page links to a file that is not there, or names a file in `code`
# that looks like a path of this project and is none.
set -eu
cd "$(dirname "$0")/.."
bad=0
for page in *.md docs/*.md docs/*/*.md; do
    [ -e "$page" ] || continue
    here=$(dirname "$page")
    for target in $(sed -n 's/](\([^)#]*\)[^)]*)/\n&\n/gp' "$page" | sed -n 's/^](\([^)#]*\).*)$/\1/p'); do
        case $target in '' | *://* | mailto:*) continue ;; esac
        [ -e "$here/$target" ] || { echo "$page: no file $target"; bad=1; }
    done
    for target in $(grep -v NAME "$page" | grep -oE '`(base|kernels|reduce|worker|sweep|tests|configs|cmake|docs|bench|\.ci)/[A-Za-z0-9_./-]+`' | tr -d '`'); do
        [ -e "$target" ] || { echo "$page: no file $target"; bad=1; }
    done
done
exit $bad
