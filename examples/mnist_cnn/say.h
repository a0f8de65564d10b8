/* Lines for people on stderr. */
#ifndef MNIST_CNN_SAY_H
#define MNIST_CNN_SAY_H

/* Formats a line like printf and prints it with a newline. The whole line is escaped like the library's messages, so
 * that names and arguments cannot control the terminal. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
