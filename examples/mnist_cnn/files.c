/* Fetching MNIST with the system's own tools: curl or wget, gzip and sha256sum, run by the shell with paths handed over in the
 * environment, so that nothing in them is code. A file appears under its name only when it is whole and its SHA-256 is right. */
#include "files.h"

#include "train.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const mnist_file mnist_files[MNIST_FILES] = {
    { "train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db" },
    { "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5" },
    { "t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7" },
    { "t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2" },
};

static const char *const mirrors[] = {
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
};

enum { PATH_SIZE = 4096 };

static void report(const char *text, const char *what)
{
    fprintf(stderr, "mnist_cnn: %s %s\n", text, what);
}

bool folder_make(const char *path)
{
    char part[PATH_SIZE];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        report("too long a path:", path);
        return false;
    }
    for (char *at = part + 1; *at; at++) {
        if (*at == '/') {
            *at = '\0';
            mkdir(part, 0777); /* what matters is the last one */
            *at = '/';
        }
    }
    if (mkdir(part, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "mnist_cnn: cannot make the folder %s: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

bool file_exists(const char *folder, const char *name)
{
    static const char *const endings[] = { "", ".gz" };
    for (int i = 0; i < 2; i++) {
        char path[PATH_SIZE];
        if (snprintf(path, sizeof path, "%s/%s%s", folder, name, endings[i]) < (int)sizeof path &&
            access(path, R_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* Runs a command whose paths are $FROM and $TO. While it runs Ctrl-C goes to it alone: it is passed on to this program. */
static bool run(const char *command, const char *from, const char *to)
{
    setenv("MNIST_CNN_FROM", from, 1);
    setenv("MNIST_CNN_TO", to, 1);
    fflush(NULL);
    int status = system(command);
    if (status != -1 && (WIFSIGNALED(status) ? WTERMSIG(status) == SIGINT : WEXITSTATUS(status) == 128 + SIGINT)) {
        raise(SIGINT);
    }
    return status == 0;
}

static bool fetch_url(const char *url, const char *to)
{
    return run("if command -v curl >/dev/null; then"
               " curl -fsSL --connect-timeout 5 --max-time 600 -o \"$MNIST_CNN_TO\" \"$MNIST_CNN_FROM\" 2>/dev/null;"
               " else wget -q --timeout=10 --tries=1 -O \"$MNIST_CNN_TO\" \"$MNIST_CNN_FROM\"; fi", url, to);
}

/* Is that the file's SHA-256? */
static bool digest_is(const char *path, const char *expected)
{
    char line[80] = "";
    setenv("MNIST_CNN_FROM", path, 1);
    FILE *pipe = popen("sha256sum < \"$MNIST_CNN_FROM\"", "r");
    bool read = pipe && fgets(line, sizeof line, pipe);
    if (pipe) {
        pclose(pipe);
    }
    return read && strncmp(line, expected, strlen(expected)) == 0;
}

/* From one mirror; leaves nothing behind on failure. */
static bool fetch_from(const char *mirror, const char *folder, const mnist_file *file)
{
    char url[PATH_SIZE], packed[PATH_SIZE], plain[PATH_SIZE], target[PATH_SIZE];
    if (snprintf(url, sizeof url, "%s/%s.gz", mirror, file->name) >= (int)sizeof url ||
        snprintf(packed, sizeof packed, "%s/%s.part.gz", folder, file->name) >= (int)sizeof packed ||
        snprintf(plain, sizeof plain, "%s/%s.part", folder, file->name) >= (int)sizeof plain ||
        snprintf(target, sizeof target, "%s/%s", folder, file->name) >= (int)sizeof target) {
        report("too long a path:", folder);
        return false;
    }
    bool whole = false;
    if (!fetch_url(url, packed)) {
        report("could not fetch", url);
    } else if (!run("gzip -dc < \"$MNIST_CNN_FROM\" > \"$MNIST_CNN_TO\" 2>/dev/null", packed, plain)) {
        report("not a gzip file:", url);
    } else if (!digest_is(plain, file->sha256)) {
        report("wrong SHA-256, not used:", url);
    } else {
        whole = rename(plain, target) == 0;
    }
    remove(packed);
    remove(plain);
    return whole;
}

static bool fetch(const char *folder, const mnist_file *file)
{
    const char *own = getenv("MNIST_MIRROR");
    if (own && *own) {
        return fetch_from(own, folder, file);
    }
    for (size_t i = 0; i < sizeof mirrors / sizeof *mirrors && !interrupted; i++) {
        if (fetch_from(mirrors[i], folder, file)) {
            return true;
        }
    }
    return false;
}

static bool fetch_missing(const char *folder, const mnist_file *file, bool quiet)
{
    if (file_exists(folder, file->name)) {
        return true;
    }
    if (!quiet) {
        fprintf(stderr, "fetching %s\n", file->name);
    }
    return folder_make(folder) && fetch(folder, file);
}

bool files_fetch(const char *folder, bool quiet)
{
    for (int i = 0; i < MNIST_FILES && !quiet; i++) {
        if (!file_exists(folder, mnist_files[i].name)) {
            fprintf(stderr, "not there: %s/%s, plain or with .gz\n", folder, mnist_files[i].name);
        }
    }
    for (int i = 0; i < MNIST_FILES; i++) {
        if (!fetch_missing(folder, &mnist_files[i], quiet)) {
            return false;
        }
    }
    return true;
}
