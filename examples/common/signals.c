/* The signal handler only sets a flag; the program ends where that is safe. */
#include "signals.h"

#include <stddef.h>

volatile sig_atomic_t interrupted;

static void note(int signal)
{
    interrupted = signal;
}

void signals_catch(void)
{
    const struct sigaction action = { .sa_handler = note };
    struct sigaction before;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) { /* SIGHUP stays ignored under nohup */
        sigaction(SIGHUP, &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
}

int signals_status(void)
{
    return 128 + interrupted;
}
