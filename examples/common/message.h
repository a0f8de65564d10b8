/* Messages of protocol buffers, written field by field into memory that grows.
 *
 * A failure is kept: once memory has run out nothing more is accepted, and `failed` says so in the end. */
#ifndef COMMON_MESSAGE_H
#define COMMON_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct message {
    unsigned char *data;
    size_t size, capacity;
    bool failed;
} message;

void message_bytes(message *m, const void *data, size_t size); /* as they are, without a tag */

/* Fields by their number in the .proto file. */
void message_int(message *m, int field, uint64_t value);
void message_double(message *m, int field, double value);
void message_float(message *m, int field, float value);
void message_text(message *m, int field, const char *text);
void message_data(message *m, int field, const void *data, size_t size);
void message_doubles(message *m, int field, const double *values, int count); /* packed */
/* A message within, which is freed. */
void message_message(message *m, int field, message *inner);

void message_free(message *m);

#endif
