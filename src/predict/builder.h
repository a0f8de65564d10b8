/* What making a program needs, besides the program: the record's blocks, and what is known of them by now. */
#ifndef CNN_PREDICT_BUILDER_H
#define CNN_PREDICT_BUILDER_H

#include "predict/program.h"

typedef struct cnn__block {
    bool varies;     /* depends on an input */
    bool given;      /* a parameter or buffer of the module */
    int port;        /* −1: none */
    int uses, maker; /* as an operand of the record, whose step number `maker` wrote it last; −1: none did */
    int first, last; /* steps of the program that use it; last −1: none */
    bool local;      /* lives within a slice */
    size_t at;       /* its place in the memory of a call */
    int constant;    /* the number of its memory among the program's constants; −1: none yet */
} cnn__block;

typedef struct cnn__builder {
    cnn__program *program;
    cnn__recorder *record;
    const char *call;
    cnn__block *blocks;
    cnn__form *forms; /* the forms of the weight of each step of the program */
    size_t workspace; /* the most that a step needs */
} cnn__builder;

/* The block that an address of the record lies in, and how far; NULL: in none. */
static inline cnn__block *cnn__builder_block(const cnn__builder *b, const void *address, size_t *offset)
{
    int number = cnn__recorder_block(b->record, address, offset);
    return number < 0 ? NULL : &b->blocks[number];
}

/* Makes what follows a convolution part of its launch, once it is known what varies (fuse.c). */
void cnn__program_fuse(const cnn__builder *b);

#endif
