/* Lines for people on stderr. */
#ifndef MNIST_CNN_SAY_H
#define MNIST_CNN_SAY_H

/* Prints a line made like printf's, without its newline. What names and arguments hold cannot reach the terminal: the whole is
 * escaped as the library's messages are. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
