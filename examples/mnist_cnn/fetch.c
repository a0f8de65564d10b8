/* Fetches files with the system's tools: curl or wget, then gzip, then sha256sum, each of which may deliver at most
 * as many bytes as the known file has. Data from the network are kept in an unnamed file until they are unpacked. */
#include "fetch.h"

#include "common/digest.h"
#include "common/part.h"
#include "common/program.h"
#include "common/say.h"
#include "common/signals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const mnist_file mnist_files[MNIST_FILES] = {
    { "train-images-idx3-ubyte", CNN_MNIST_TRAIN, CNN_MNIST_IMAGES, 9912422, 47040016,
      "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db" },
    { "train-labels-idx1-ubyte", CNN_MNIST_TRAIN, CNN_MNIST_LABELS, 28881, 60008,
      "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5" },
    { "t10k-images-idx3-ubyte", CNN_MNIST_TEST, CNN_MNIST_IMAGES, 1648877, 7840016,
      "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7" },
    { "t10k-labels-idx1-ubyte", CNN_MNIST_TEST, CNN_MNIST_LABELS, 4542, 10008,
      "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2" },
};

static const char *const mirrors[] = {
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
};

static fetch_result end_with(fetch_result result, const char *text, const char *what)
{
    say("mnist_cnn: %s %s", text, what);
    return result;
}

static fetch_result say_errno(const char *what)
{
    say("mnist_cnn: cannot save %s: %s", what, strerror(errno));
    return UNSAVED;
}

/* Interprets the result of a program; if it failed, the message says `failed` about `what`. */
static fetch_result judge(program_result result, const char *program, const char *failed, const char *what)
{
    switch (result) {
    case PROGRAM_DONE: return FETCHED;
    case PROGRAM_MISSING: return end_with(UNAVAILABLE, "fetching needs", program);
    case PROGRAM_UNWRITTEN: return say_errno(what);
    case PROGRAM_INTERRUPTED: return STOPPED;
    default: return end_with(UNAVAILABLE, failed, what);
    }
}

/* Downloads the gzipped file. A redirection may lead to another server but never to a file of this machine. */
static fetch_result download(const char *url, int64_t most, int to)
{
    char size[24];
    snprintf(size, sizeof size, "%lld", (long long)most);
    const char *const curl[] = { "curl", "--fail", "--silent", "--globoff", "--location", "--max-redirs", "5",
                                 "--proto-redir", "=http,https", "--connect-timeout", "5", "--speed-limit", "100",
                                 "--speed-time", "30", "--max-filesize", size, "--url", url, NULL };
    const char *const wget[] = { "wget", "--quiet", "--timeout=10", "--tries=1", "--max-redirect=5", "--output-document=-",
                                 "--", url, NULL };
    program_result result = program_run(curl, -1, to, most);
    if (result == PROGRAM_MISSING) {
        result = program_run(wget, -1, to, most);
    }
    return judge(result, "curl or wget", "could not fetch", url);
}

/* Unpacks `packed` into the part and verifies that it is the known file. */
static fetch_result unpack(const char *url, const mnist_file *file, int packed, const part_file *p)
{
    static const char *const gzip[] = { "gzip", "-dc", NULL };
    char digest[DIGEST_TEXT];
    if (lseek(packed, 0, SEEK_SET) != 0) {
        return say_errno(url);
    }
    fetch_result result = judge(program_run(gzip, packed, p->fd, file->size), "gzip", "not a gzip file:", url);
    if (result != FETCHED) {
        return result;
    }
    if (!digest_of(p->fd, digest)) {
        return interrupted ? STOPPED : end_with(UNAVAILABLE, "cannot check with sha256sum:", url);
    }
    return strcmp(digest, file->sha256) == 0 ? FETCHED : end_with(UNAVAILABLE, "wrong SHA-256, not used:", url);
}

static fetch_result fetch_from(const char *mirror, const char *folder, const mnist_file *file)
{
    char url[PATH_SIZE];
    part_file p;
    if (snprintf(url, sizeof url, "%s/%s.gz", mirror, file->name) >= (int)sizeof url) {
        return end_with(UNAVAILABLE, "too long a URL:", mirror);
    }
    if (!part_begin(&p, folder)) {
        return UNSAVED;
    }
    FILE *packed = tmpfile();
    fetch_result result = packed ? download(url, file->packed, fileno(packed)) : say_errno(url);
    if (result == FETCHED) {
        result = unpack(url, file, fileno(packed), &p);
    }
    if (packed) {
        fclose(packed);
    }
    if (result != FETCHED) {
        part_drop(&p);
        return result;
    }
    return part_end(&p, file->name) ? FETCHED : UNSAVED;
}

fetch_result fetch(const char *folder, const mnist_file *file)
{
    const char *own = getenv("MNIST_MIRROR");
    if (own && *own) {
        return fetch_from(own, folder, file);
    }
    fetch_result result = UNAVAILABLE;
    for (size_t i = 0; i < sizeof mirrors / sizeof *mirrors && result == UNAVAILABLE; i++) {
        result = fetch_from(mirrors[i], folder, file);
    }
    return result;
}
