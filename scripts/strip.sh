#!/usr/bin/env bash
# Moves the symbols of a program into a file beside it (PROGRAM.debug) and links the two: the program is a quarter of the
# size, and backtraces still have names and lines where that file is there. A stripped program is left as it is.
set -euo pipefail
program=$1
readelf --sections --wide "$program" | grep -q '\.debug_line' || exit 0
work=$(mktemp -d "$(dirname "$program")/strip.XXXXXX")
trap 'rm -rf "$work"' EXIT
debug=$work/$(basename "$program").debug
objcopy --only-keep-debug --compress-debug-sections=zlib "$program" "$debug"
# Into a new file: cargo keeps another link to the one that it built, and would build it anew if that changed.
objcopy --strip-all --add-gnu-debuglink="$debug" "$program" "$work/stripped"
mv "$debug" "$program.debug"
mv "$work/stripped" "$program"
