/* Prints one line at a time, escaped by the library. */
#include "say.h"

#include <cnn/cnn.h>

#include <stdarg.h>
#include <stdio.h>

void say(const char *format, ...)
{
    char text[8192] = "", line[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cnn_name_escape(text, line, sizeof line);
    fprintf(stderr, "%s\n", line);
}
