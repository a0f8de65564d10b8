/* mkostemp() makes the file: its name is random, and the call fails if anything of that name exists, including a
 * planted link. */
#include "part.h"

#include "common/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(const char *what, const char *path)
{
    say("%s: cannot %s %s: %s", program_name, what, path, strerror(errno));
    return false;
}

/* Writes "folder/name". */
static bool join(char path[PATH_SIZE], const char *folder, const char *name)
{
    if (snprintf(path, PATH_SIZE, "%s/%s", folder, name) >= PATH_SIZE) {
        errno = ENAMETOOLONG;
        return fail("use", folder);
    }
    return true;
}

static bool make_folder(const char *path)
{
    char above[PATH_SIZE];
    if (!join(above, path, "")) {
        return false;
    }
    for (char *at = above + 1; *at; at++) {
        if (*at == '/') {
            *at = '\0';
            if (mkdir(above, 0777) != 0 && errno != EEXIST) {
                return fail("make the folder", above);
            }
            *at = '/';
        }
    }
    return true;
}

/* Writes the path of what `path` leads to, which is `path` where nothing is there yet. */
static bool resolve(const char *path, char place[PATH_SIZE])
{
    struct stat info;
    char *resolved = NULL;
    bool there = stat(path, &info) == 0;
    if (there && !S_ISREG(info.st_mode)) {
        say("%s: cannot write %s: it is not a regular file", program_name, path);
        return false;
    }
    if (there ? !(resolved = realpath(path, NULL)) : errno != ENOENT || !*path) {
        return fail("write", path);
    }
    int length = snprintf(place, PATH_SIZE, "%s", resolved ? resolved : path);
    free(resolved);
    errno = ENAMETOOLONG;
    return length < PATH_SIZE || fail("write", path);
}

bool part_check(const char *path)
{
    part_file p;
    if (!path) {
        return true;
    }
    if (!resolve(path, p.path)) {
        return false;
    }
    char *slash = strrchr(p.path, '/'), *name = slash ? slash + 1 : p.path;
    errno = ENAMETOOLONG;
    size_t room = sizeof p.path - (size_t)(name - p.path);
    p.fd = snprintf(name, room, ".%s-XXXXXX", program_name) < (int)room ? mkostemp(p.path, O_CLOEXEC) : -1;
    if (p.fd < 0) {
        return fail("write", path);
    }
    part_drop(&p);
    return true;
}

bool part_begin(part_file *p, const char *folder)
{
    p->folder = folder;
    char name[64];
    snprintf(name, sizeof name, ".%s-XXXXXX", program_name);
    if (!make_folder(folder) || !join(p->path, folder, name)) {
        return false;
    }
    p->fd = mkostemp(p->path, O_CLOEXEC);
    return p->fd >= 0 || fail("write into", folder);
}

void part_drop(part_file *p)
{
    close(p->fd);
    unlink(p->path);
}

bool part_end(part_file *p, const char *name)
{
    char target[PATH_SIZE];
    if (!join(target, p->folder, name)) {
        part_drop(p);
        return false;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(p->fd, 0666 & ~mask); /* the mode of any new file; mkostemp() sets 0600 */
    if (close(p->fd) != 0 || rename(p->path, target) != 0) {
        fail("write", target);
        unlink(p->path);
        return false;
    }
    return true;
}
