/* SHA-256, computed by the system's sha256sum. */
#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H

#include <stdbool.h>

enum { DIGEST_TEXT = 64 + 1 };

/* The digest of a whole file, in hexadecimal; "" if it could not be made. */
bool digest_of(int file, char hex[DIGEST_TEXT]);

#endif
