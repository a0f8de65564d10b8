/* Runs one harness over files and folders of files, with any compiler and without a fuzzer: a corpus as a regression test,
 * and the way to repeat a finding. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int inputs;

static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat info;
    if (!f || fstat(fileno(f), &info) != 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return EXIT_FAILURE;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, f) != size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        abort();
    }
    fclose(f);
    fprintf(stderr, "%s\r", path); /* stays as the last line where a promise breaks */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
    return EXIT_SUCCESS;
}

static int run_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    int result = EXIT_SUCCESS;
    if (!dir) {
        return run_file(folder);
    }
    for (struct dirent *e; (e = readdir(dir));) {
        char path[4096];
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            result |= run_folder(path);
        }
    }
    closedir(dir);
    return result;
}

int main(int count, char **paths)
{
    int result = EXIT_SUCCESS;
    for (int i = 1; i < count; i++) {
        result |= run_folder(paths[i]);
    }
    fprintf(stderr, "\r\33[2K");
    printf("%s: %d inputs, every promise kept\n", strrchr(paths[0], '/') ? strrchr(paths[0], '/') + 1 : paths[0], inputs);
    /* A folder that was moved must not look like one that passes. */
    return inputs > 0 ? result : EXIT_FAILURE;
}
