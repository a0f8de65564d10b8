/* What all subcommands share: options and operands by getopt_long(), JSON, and the check that output was written. */
#include "command.h"

#include "common/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int command_read(const command *self, int argc, char **argv, const char *letters, const struct option *table,
                 bool (*take)(void *options, int letter, const char *value), void *options, char **operands, int count)
{
    int found = 0;
    opterr = 0; /* so that a mistake is reported in one line */
    optind = 1;
    for (;;) {
        int at = optind, c = getopt_long(argc, argv, letters, table, NULL);
        if (c == -1 && optind >= argc) {
            break;
        }
        if (c == '?' || c == ':') {
            say("cnn %s: %s \"%s\"; see cnn %s --help", self->name,
                c == ':' ? "a value is missing after" : "there is no option", argv[at < argc ? at : argc - 1],
                self->name);
            return STATUS_USAGE;
        }
        if (c == 'h') {
            fputs(self->help, stdout);
            return command_flush();
        }
        if (c == -1 && found == count) {
            say("cnn %s: \"%s\" is one file too many; see cnn %s --help", self->name, argv[optind], self->name);
            return STATUS_USAGE;
        }
        if (c == -1) {
            operands[found++] = argv[optind++];
        } else if (!take(options, c, optarg)) {
            return STATUS_USAGE;
        }
    }
    if (found < count) {
        say("cnn %s: %d %s given, expected %d; see cnn %s --help", self->name, found,
            found == 1 ? "file is" : "files are", count, self->name);
        return STATUS_USAGE;
    }
    return -1;
}

bool command_number(const char *name, const char *option, const char *text, int least, int most, int *value)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end || errno || number < least || number > most) {
        say("cnn %s: --%s is \"%s\", expected %d to %d", name, option, text, least, most);
        return false;
    }
    *value = (int)number;
    return true;
}

int command_flush(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return STATUS_OK;
    }
    say("cnn: cannot write the output: %s", errno ? strerror(errno) : "it failed earlier");
    return STATUS_FAILED;
}

/* The length of the character of UTF-8 (RFC 3629) that the text begins with; 0: it is none. */
static size_t character(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t length = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    unsigned least = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    unsigned most = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < length; i++) {
        if (c[i] < least || c[i] > most) {
            return 0;
        }
        least = 0x80;
        most = 0xbf;
    }
    return length;
}

/* Names and paths may be any bytes; JSON is UTF-8, so what is not becomes U+FFFD. */
void json_string(const char *text)
{
    putchar('"');
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        size_t length = character(c);
        if (length != 1) {
            printf("%.*s", length ? (int)length : 3, length ? c : "\xef\xbf\xbd");
            c += length ? length - 1 : 0;
        } else if (byte == '"' || byte == '\\') {
            printf("\\%c", byte);
        } else if (byte < 0x20 || byte == 0x7f) {
            printf("\\u%04x", byte);
        } else {
            putchar(byte);
        }
    }
    putchar('"');
}
