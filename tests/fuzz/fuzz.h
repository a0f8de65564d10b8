/* What the fuzzing harnesses share: the input as a file in memory, an allocator that counts, and the promises that
 * every reader of files makes.
 *
 * Each harness is one fuzz_<name>.c with LLVMFuzzerTestOneInput; libFuzzer, AFL++ and replay.c run it. A promise
 * that is broken aborts. One context without threads serves the whole process. */
#ifndef CNN_TESTS_FUZZ_H
#define CNN_TESTS_FUZZ_H

#include <cnn/cnn.h>

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what was broken, and aborts. */
void fuzz_require(bool kept, const char *promise);

/* Made by the first call. */
cnn_context *fuzz_context(void);

/* From now on the context gets so many bytes more, and no others; 0: any number. */
void fuzz_limit_memory(size_t more);

/* The only file that the library finds from now on holds these bytes (borrowed), under the name that is returned.
 * Counting of memory and of open files begins here. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* What must hold after a load of that file: memory never went past 4 × `promised` bytes and 1 MiB, all of it was given back,
 * the file is closed, and a failure has one of the statuses of files and a message that names the file, and the byte too
 * where the file itself is at fault. */
void fuzz_check(cnn_status status, size_t promised);

/* Adds up all elements, so that a sanitizer sees each of them read; a bool must be 0 or 1. */
void fuzz_read_elements(const cnn_tensor *tensor);

/* A small network with every kind of state: weights, buffers, and a counter that is an integer. */
cnn_module *fuzz_model(void);
/* Adam over it with every moment that there is. */
cnn_optimizer *fuzz_optimizer(cnn_module *model);

/* All bytes of a module's state, at most `room` of them; and back again. */
size_t fuzz_state_get(const cnn_module *module, unsigned char *bytes, size_t room);
void fuzz_state_set(cnn_module *module, const unsigned char *bytes);

#endif
