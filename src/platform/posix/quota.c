/* The CPU quota of a container. Cgroups limit the microseconds of CPU time per period, and each group from the
 * process's own up to the root may have a limit; the smallest one counts.
 *
 * /proc/self/cgroup says which groups the process is in, /proc/self/mountinfo where they can be seen. In version 2 a
 * group's file cpu.max holds "QUOTA PERIOD", QUOTA being "max" where there is none; in version 1 cpu.cfs_quota_us
 * (−1: none) and cpu.cfs_period_us hold one number each. What is missing or malformed is no quota. */
#include "platform/cpu.h"

#if CNN__POSIX
#include "platform/posix/file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { QUOTA_LINE = 4096, QUOTA_WORD = 64 };

/* ---- reading: nothing is reported ---- */

typedef struct lines {
    int fd;
    size_t at, size;
    char buffer[QUOTA_LINE];
} lines;

static bool lines_open(lines *from, const char *root, const char *path)
{
    char whole[QUOTA_LINE + QUOTA_WORD];
    *from = (lines){ .fd = -1 };
    if (snprintf(whole, sizeof whole, "%s%s", root, path) >= (int)sizeof whole) {
        return false;
    }
    do {
        from->fd = cnn__file_now()->open(whole, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
    } while (from->fd < 0 && errno == EINTR);
    return from->fd >= 0;
}

/* The next byte; −1 at the end. */
static int lines_byte(lines *from)
{
    if (from->at == from->size) {
        ssize_t got;
        do {
            got = cnn__file_now()->read(from->fd, from->buffer, sizeof from->buffer);
        } while (got < 0 && errno == EINTR);
        if (got <= 0) {
            return -1;
        }
        from->at = 0;
        from->size = (size_t)got;
    }
    return (unsigned char)from->buffer[from->at++];
}

/* The next line without its newline; one that is too long comes out empty. */
static bool lines_next(lines *from, char *line, size_t size)
{
    size_t length = 0;
    int c;
    while ((c = lines_byte(from)) >= 0 && c != '\n') {
        if (length < size) {
            line[length] = (char)c;
        }
        length++;
    }
    line[length < size ? length : 0] = '\0';
    return c >= 0 || length > 0;
}

static bool first_line(const char *root, const char *folder, const char *name, char line[QUOTA_WORD])
{
    lines file;
    char path[QUOTA_LINE + QUOTA_WORD];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    bool read = lines_open(&file, root, path) && lines_next(&file, line, QUOTA_WORD);
    if (file.fd >= 0) {
        cnn__file_now()->close(file.fd);
    }
    return read;
}

/* ---- quotas ---- */

/* Reads digits up to `end` as a positive number; returns 0 if there is none. */
static int64_t quota_number(const char *text, char end, const char **after)
{
    int64_t n = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *text - '0', &n)) {
            return 0;
        }
    }
    *after = text + 1;
    return *text == end ? n : 0;
}

/* Converts `quota` microseconds per `period` into CPUs, rounded up; 0: no quota. */
static int64_t quota_cpus(int64_t quota, int64_t period)
{
    return quota > 0 && period > 0 ? quota / period + (quota % period != 0) : 0;
}

static int64_t group_quota(const char *root, const char *folder, bool version2)
{
    char quota[QUOTA_WORD], period[QUOTA_WORD];
    const char *rest = quota;
    if (version2) {
        int64_t time = first_line(root, folder, "cpu.max", quota) ? quota_number(quota, ' ', &rest) : 0;
        return time ? quota_cpus(time, quota_number(rest, '\0', &rest)) : 0;
    }
    return first_line(root, folder, "cpu.cfs_quota_us", quota) && first_line(root, folder, "cpu.cfs_period_us", period)
               ? quota_cpus(quota_number(quota, '\0', &rest), quota_number(period, '\0', &rest))
               : 0;
}

static int64_t smaller_quota(int64_t a, int64_t b)
{
    return !a || (b && b < a) ? b : a;
}

/* The smallest quota of the group in `folder` and of the groups above it, up to the mount point, whose path has
 * length `mount`. */
static int64_t smallest_quota(const char *root, char *folder, size_t mount, bool version2)
{
    int64_t quota = 0;
    for (;;) {
        quota = smaller_quota(quota, group_quota(root, folder, version2));
        char *slash = strrchr(folder, '/');
        if (strlen(folder) <= mount || !slash) {
            return quota;
        }
        *slash = '\0';
    }
}

/* ---- finding the groups ---- */

/* Whether `word` is in a comma-separated list. */
static bool is_listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length) {
        if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length])) {
            return true;
        }
    }
    return false;
}

/* Reads the paths of the process's groups: of version 2, and of the controller "cpu" of version 1; "" if there is
 * none. A line is "number:controllers:path"; in version 2 the number is 0 and the list of controllers is empty. */
static void read_groups(const char *root, char paths[2][QUOTA_LINE])
{
    lines file;
    char line[QUOTA_LINE];
    paths[0][0] = paths[1][0] = '\0';
    if (!lines_open(&file, root, "/proc/self/cgroup")) {
        return;
    }
    while (lines_next(&file, line, sizeof line)) {
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(++controllers, ':') : NULL;
        if (!path || path[1] != '/') {
            continue;
        }
        *path++ = '\0';
        bool version2 = strncmp(line, "0:", 2) == 0 && !*controllers;
        if (version2 || is_listed(controllers, "cpu")) {
            memcpy(paths[version2 ? 0 : 1], path, strlen(path) + 1);
        }
    }
    cnn__file_now()->close(file.fd);
}

/* Decodes spaces, tabs, newlines and backslashes, which are written as "\040" and so on. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *c = text; *c; to++) {
        bool octal =
            c[0] == '\\' && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' && c[2] <= '7' && c[3] >= '0' && c[3] <= '7';
        *to = (char)(octal ? (c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0') : *c);
        c += octal ? 4 : 1;
    }
    *to = '\0';
}

typedef struct mount {
    char *top;   /* the group that is seen at the mount point */
    char *point; /* where it is mounted */
    bool version2;
} mount;

/* "36 35 98:0 /top /point rw,noatime master:1 - cgroup2 source rw": fields 4 and 5, and after " - " the type, the
 * source and the controllers. Returns true for a mount of cgroups that have the CPU controller. */
static bool read_mount(char *line, mount *m)
{
    char *end = strstr(line, " - "), *fields[5], *save = NULL;
    if (!end) {
        return false;
    }
    *end = '\0';
    for (int i = 0; i < 5; i++) {
        fields[i] = strtok_r(i ? NULL : line, " ", &save);
        if (!fields[i]) {
            return false;
        }
    }
    char *type = strtok_r(end + 3, " ", &save), *source = strtok_r(NULL, " ", &save),
         *options = strtok_r(NULL, " ", &save);
    m->top = fields[3];
    m->point = fields[4];
    unescape(m->top);
    unescape(m->point);
    m->version2 = type && strcmp(type, "cgroup2") == 0;
    return m->version2 || (type && source && options && strcmp(type, "cgroup") == 0 && is_listed(options, "cpu"));
}

/* The part of a group's path below the top of a mount; NULL if the mount does not include it. */
static const char *path_below(const char *path, const char *top)
{
    size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
    bool shown = strncmp(path, top, length) == 0 && (!path[length] || path[length] == '/') && !strstr(path, "/..");
    return *path && shown ? path + length : NULL;
}

static int64_t mount_quota(const char *root, const mount *m, const char *path)
{
    char folder[QUOTA_LINE];
    const char *rest = path_below(path, m->top);
    if (!rest) {
        return 0;
    }
    int length = snprintf(folder, sizeof folder, "%s%s", m->point, strcmp(rest, "/") == 0 ? "" : rest);
    return length < QUOTA_LINE ? smallest_quota(root, folder, strlen(m->point), m->version2) : 0;
}

int cnn__cpu_quota(const char *root)
{
    lines file;
    char paths[2][QUOTA_LINE], line[QUOTA_LINE];
    int64_t quota = 0;
    mount m;
    read_groups(root, paths);
    if ((!*paths[0] && !*paths[1]) || !lines_open(&file, root, "/proc/self/mountinfo")) {
        return 0;
    }
    while (lines_next(&file, line, sizeof line)) {
        if (read_mount(line, &m)) {
            quota = smaller_quota(quota, mount_quota(root, &m, paths[m.version2 ? 0 : 1]));
        }
    }
    cnn__file_now()->close(file.fd);
    return quota > INT_MAX ? INT_MAX : (int)quota;
}
#endif
