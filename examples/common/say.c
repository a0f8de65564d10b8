/* Prints one line at a time, escaped by the library. */
#include "say.h"

#include <cnn/cnn.h>

#include <stdarg.h>
#include <stdio.h>

static bool keeps;
static char kept[512];

void say_keep(void)
{
    keeps = true;
}

const char *say_kept(void)
{
    return kept;
}

void say(const char *format, ...)
{
    char text[8192] = "", line[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (keeps) {
        snprintf(kept, sizeof kept, "%.*s", (int)sizeof kept - 1, text);
        return;
    }
    cnn_name_escape(text, line, sizeof line);
    fprintf(stderr, "%s\n", line);
}

bool say_error(void)
{
    const char *message = cnn_last_error(NULL);
    say("%s: %s", program_name, *message ? message : "no memory");
    return false;
}
