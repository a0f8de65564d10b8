/* Lines for people on stderr. */
#ifndef COMMON_SAY_H
#define COMMON_SAY_H

#include <stdbool.h>

/* Each program defines it: what its lines begin with when something is wrong. */
extern const char program_name[];

/* Formats a line like printf and prints it with a newline. The whole line is escaped like the library's messages, so
 * that names and arguments cannot control the terminal. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says cnn_last_error(NULL), or that there is no memory where it has no message; returns false. */
bool say_error(void);

/* From now on lines are not printed, and say_kept() returns the newest ("": there is none): for processes that let another
 * one speak. */
void say_keep(void);
const char *say_kept(void);

#endif
