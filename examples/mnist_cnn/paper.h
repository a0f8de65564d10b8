/* The paper of a picture, and how much a pixel differs from it. */
#ifndef MNIST_CNN_PAPER_H
#define MNIST_CNN_PAPER_H

#include "digit.h"

#include <stdbool.h>

enum { MAP_SIDE = 256 };

/* A picture that is looked at through a map of at most MAP_SIDE × MAP_SIDE cells of `block` × `block` pixels, and
 * its paper: a plane for each of red, green and blue, so that a shadow over the page is paper, too. */
typedef struct paper {
    const digit_picture *picture;
    double behind; /* the grey behind transparent pixels */
    int64_t block;
    int height, width;          /* the map's */
    double plane[3][3];         /* paper = plane[c][0] + plane[c][1] · x + plane[c][2] · y, in pixels */
    float (*colors)[3];         /* per cell: its mean colour */
    float *ink;                 /* per cell: how far its colour is from that of the paper, 0 to 442 */
    unsigned char *kept, *near; /* per cell: whether ink of the digit is in it; in it or in a cell beside it */
    double threshold;           /* between paper and ink */
} paper;

/* DIGIT_FOUND, DIGIT_NONE or DIGIT_NO_MEMORY; paper_free() is due in each case. */
digit_result paper_find(paper *p, const digit_picture *picture);
void paper_free(paper *p);

/* How far a pixel's colour is from that of the paper; 0 outside of the cells that are kept and of their neighbours. */
double paper_ink(const paper *p, int64_t x, int64_t y);

#endif
