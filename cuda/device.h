/* The functions of the back end that are in files of their own. */
#ifndef CNN_CUDA_DEVICE_H
#define CNN_CUDA_DEVICE_H

#include "queue.h"

/* What the library offers. */
extern const cnn_backend_host *cuda_host;

void *cuda_open(int index, char *message, size_t size);
void cuda_close(void *queue);
void cuda_math(void *queue, cnn_math math);
bool cuda_write(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
bool cuda_copy(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
bool cuda_read(void *queue, void *to, const void *from, size_t bytes, uint64_t number);
bool cuda_wait(void *queue, uint64_t number, cnn_backend_failure *failure);

/* What a shared object of a back end exports (cnn_backend_query_fn). */
CNN_API const cnn_backend *cnn_backend_query(uint32_t api_version, const cnn_backend_host *host);

#endif
