/* fuzz.h - what the targets share: a file that holds the bytes of the fuzzer.
 *
 * Each fuzz_NAME.c defines LLVMFuzzerTestOneInput() for one reader and is built
 * with clang's libFuzzer and the sanitizers (preset fuzz). fuzz.py makes the first
 * inputs and runs them. A reader may refuse what it likes; it may not crash,
 * leak, hang or read what is not its own.
 */
#ifndef MX_FUZZ_H
#define MX_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Make the file of this process hold the bytes, and give its path. It lives in
 * memory, and is the same from call to call. */
const char *fuzz_file(const void *data, size_t size);

/* A second file of that kind, for sets whose files have to differ. */
const char *fuzz_other_file(const void *data, size_t size);

/* A folder that holds links to the first file under these names, NULL last, and to the second
 * one under those that begin with a '+', which is not part of them; with the folder before
 * the first slash of each. Removed when the process ends. */
const char *fuzz_folder(const char *const *names);

/* Ends the process with the text, as a finding, if what holds by promise does not. */
void fuzz_expect(int holds, const char *text);

#endif
