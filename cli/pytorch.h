/* PyTorch's files, as torch.save() has written them since 1.6: a zip archive of stored members, in which data.pkl is a
 * pickle and the storages lie beside it. */
#ifndef CLI_PYTORCH_H
#define CLI_PYTORCH_H

#include "tensors.h"

bool pytorch_is(const unsigned char *head, size_t size);
bool pytorch_open(tensors *t);
cnn_tensor *pytorch_read(tensors *t, int i);
void pytorch_close(tensors *t);

/* The form before that, a series of pickles, is told and not read. */
bool pytorch_is_old(const unsigned char *head, size_t size);
bool pytorch_open_old(tensors *t);

#endif
