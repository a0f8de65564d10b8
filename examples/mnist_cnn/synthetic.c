/* Files of MNIST's names and format with digits that are made of strokes (common/strokes.h), with specks and noise. */
#include "synthetic.h"

#include "common/part.h"
#include "common/program.h"
#include "common/say.h"
#include "common/signals.h"
#include "common/strokes.h"
#include "fetch.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = STROKES_SIDE, PIXELS = SIDE * SIDE, TRAIN_IMAGES = 60000, TEST_IMAGES = 10000 };

static void put_be32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (unsigned char)(value >> (24 - 8 * i));
    }
}

static bool write_file(const char *folder, const char *name, uint32_t count, bool images, const unsigned char *bytes)
{
    unsigned char head[16] = { 0, 0, 8, images ? 3 : 1 };
    part_file p;
    put_be32(head + 4, count);
    put_be32(head + 8, SIDE);
    put_be32(head + 12, SIDE);
    if (!part_begin(&p, folder)) {
        return false;
    }
    if (!write_all(p.fd, head, images ? 16 : 8) || !write_all(p.fd, bytes, (size_t)count * (images ? PIXELS : 1))) {
        say("mnist_cnn: cannot write %s/%s: %s", folder, name, strerror(errno));
        part_drop(&p);
        return false;
    }
    return part_end(&p, name);
}

static bool make_part(const char *folder, const mnist_file *files, uint32_t count, uint64_t first)
{
    unsigned char *images = malloc((size_t)count * PIXELS), *labels = malloc(count);
    bool ok = images && labels;
    if (!ok) {
        say("mnist_cnn: no memory for %lu digits", (unsigned long)count);
    }
    for (uint32_t i = 0; ok && i < count; i++) {
        labels[i] = (unsigned char)(strokes_mix(first + i) % 10);
        strokes_scan(first + i, labels[i], images + (size_t)i * PIXELS);
        ok = !interrupted;
    }
    ok = ok && write_file(folder, files[0].name, count, true, images) &&
         write_file(folder, files[1].name, count, false, labels);
    free(images);
    free(labels);
    return ok;
}

bool synthetic_make(const char *folder)
{
    return make_part(folder, mnist_files, TRAIN_IMAGES, 0) && make_part(folder, mnist_files + 2, TEST_IMAGES, 1u << 20);
}
