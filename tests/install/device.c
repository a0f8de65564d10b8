/* Whether the installed library finds the back end of the device that is named: prints what there is. */
#include <cnn/cnn.h>

#include <stdio.h>

int main(int argc, char **argv)
{
    cnn_context *ctx = argc > 1 && cnn_device_available(argv[1]) ? cnn_context_new(.device = argv[1]) : NULL;
    puts(ctx ? cnn_context_device(ctx) : "no such device");
    fputs(cnn_device_problem(), stderr);
    cnn_context_free(ctx);
    return 0;
}
