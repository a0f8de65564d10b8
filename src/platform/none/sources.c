/* platform/file.h where there are no files: what is read comes from a source, if there is one; nothing is written. */
#include "platform/file.h"

#if CNN__NONE
#include "platform/none/sources.h"

#include <errno.h>

static const cnn__file_source *current_source;

static const cnn__fault unsupported = { .kind = CNN__FAULT_UNSUPPORTED };

static cnn__fault missing_or_none(bool missing)
{
    return missing ? (cnn__fault){ CNN__FAULT_MISSING, "open", ENOENT } : (cnn__fault){ .kind = CNN__FAULT_NONE };
}

void cnn__file_source_set(const cnn__file_source *source)
{
    current_source = source;
}

cnn__fault cnn__system_open(const char *path, int *fd, uint64_t *size)
{
    if (!current_source) {
        return unsupported;
    }
    *fd = current_source->open(path, size);
    return missing_or_none(*fd < 0);
}

cnn__fault cnn__system_look(const char *path)
{
    int fd;
    uint64_t size;
    cnn__fault fault = cnn__system_open(path, &fd, &size);
    if (!cnn__fault_is(fault)) {
        cnn__system_close(fd);
    }
    return fault;
}

cnn__fault cnn__system_read(int fd, void *buffer, size_t size, size_t *got)
{
    *got = current_source->read(fd, buffer, size);
    return missing_or_none(false);
}

cnn__fault cnn__system_seek(int fd, uint64_t at)
{
    return current_source->seek(fd, at) ? missing_or_none(false) : (cnn__fault){ CNN__FAULT_SYSTEM, "seek", EIO };
}

void cnn__system_close(int fd)
{
    current_source->close(fd);
}

cnn__fault cnn__replace_begin(cnn__replacement *replacement, const char *path)
{
    (void)replacement;
    (void)path;
    return unsupported;
}

cnn__fault cnn__replace_write(cnn__replacement *replacement, const void *data, size_t size)
{
    (void)replacement;
    (void)data;
    (void)size;
    return unsupported;
}

cnn__fault cnn__replace_commit(cnn__replacement *replacement)
{
    (void)replacement;
    return unsupported;
}

void cnn__replace_abandon(cnn__replacement *replacement)
{
    (void)replacement;
}
#endif
