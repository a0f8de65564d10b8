/* The subcommands: one line of the table in main.c per subcommand, and what its options have in common. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <getopt.h>
#include <stdbool.h>

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };
/* Exit statuses of `cnn diff`, as diff(1) and cmp(1) have them. */
enum { STATUS_DIFFERENT = 1, STATUS_TROUBLE = 2 };

typedef struct command {
    const char *name;
    const char *help; /* from "Usage: " on */
    int (*run)(const struct command *self, int argc, char **argv);
} command;

int run_info(const command *self, int argc, char **argv);
int run_convert(const command *self, int argc, char **argv);
int run_diff(const command *self, int argc, char **argv);
int run_run(const command *self, int argc, char **argv);
int run_bench(const command *self, int argc, char **argv);

/* Reads the options of a subcommand, whose table ends with a line of zeros, and `count` operands. `take` is given each
 * option but --help, and refuses a value by saying so and returning false. Returns -1, or the exit status to end
 * with. */
int command_read(const command *self, int argc, char **argv, const char *letters, const struct option *table,
                 bool (*take)(void *options, int letter, const char *value), void *options, char **operands, int count);

/* An option's whole number from `least` to `most`; false, said. */
bool command_number(const char *name, const char *option, const char *text, int least, int most, int *value);

/* What has been printed must have been written: STATUS_OK or STATUS_FAILED, said. */
int command_flush(void);

/* A JSON string on stdout, with its quotes. */
void json_string(const char *text);

#endif
