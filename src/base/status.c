/* Versions and the names of statuses. */
#include "platform/target.h"

#include <cnn/status.h>
#include <cnn/version.h>

static const char *const status_names[] = {
    "CNN_OK",
    "CNN_ERROR_INVALID_ARGUMENT",
    "CNN_ERROR_NO_MEMORY",
    "CNN_ERROR_SHAPE",
    "CNN_ERROR_DTYPE",
    "CNN_ERROR_DEVICE",
    "CNN_ERROR_STATE",
    "CNN_ERROR_IO",
    "CNN_ERROR_NOT_FOUND",
    "CNN_ERROR_FORMAT",
    "CNN_ERROR_MISMATCH",
    "CNN_ERROR_THREAD",
    "CNN_ERROR_UNSUPPORTED",
    "CNN_ERROR_CALLBACK",
};

const char *cnn_status_name(cnn_status status)
{
    int count = (int)(sizeof status_names / sizeof status_names[0]);
    int i = (int)status;
    return i <= 0 && i > -count ? status_names[-i] : "CNN_ERROR_UNKNOWN";
}

const char *cnn_version(void)
{
    return CNN_VERSION_STRING;
}

int cnn_version_number(void)
{
    return CNN_VERSION_MAJOR * 10000 + CNN_VERSION_MINOR * 100 + CNN_VERSION_PATCH;
}
