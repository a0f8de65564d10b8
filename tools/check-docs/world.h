/* The world of the docs' blocks: world.c makes what fragment.h declares, and the files that they name. */
#ifndef WORLD_H
#define WORLD_H

#include "fragment.h"

/* Makes the objects; false after a failure, which is reported. */
bool world_begin(void);
/* Has the step of `tape` failed, in a block that did not say so? */
bool world_failed(void);
/* Writes the files into the current folder. */
bool world_files(void);
/* Runs the block at a line of a page. */
int run_fragment(int line);

#endif
