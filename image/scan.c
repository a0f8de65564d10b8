/* Which classes and samples a folder has, by the rules of torchvision's ImageFolder: classes are the folders in it,
 * sorted; the samples of a class are the files below with the right extension, sorted by folder and then by name. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* gcc's analyzer loses sight of memory that a list holds. */
#if defined(CNN__LINT) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/* A folder that is being read, and those that it is in: a link may lead back to one of them. */
typedef struct level {
    const struct level *above;
    dev_t device;
    ino_t number;
} level;

/* Names, in no order. */
typedef struct names {
    char **all;
    size_t count, capacity;
} names;

/* ---- growing lists ---- */

/* Returns the list with room for one more element of `size` bytes, NULL on failure, when it stays as it is. */
static void *grow(void *list, size_t count, size_t *capacity, size_t size, cnn__image_failure *failure)
{
    if (count < *capacity) {
        return list;
    }
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *larger = wanted > SIZE_MAX / 2 / size ? NULL : realloc(list, wanted * size);
    if (larger) {
        *capacity = wanted;
    } else {
        cnn__image_note_memory(failure, wanted * size);
    }
    return larger;
}

/* Adds a copy of `name`. */
static bool names_add(names *n, const char *name, cnn__image_failure *failure)
{
    char **all = grow(n->all, n->count, &n->capacity, sizeof *n->all, failure);
    if (!all) {
        return false;
    }
    char **last = &all[n->count];
    n->all = all;
    *last = strdup(name);
    n->count += *last != NULL;
    return *last || cnn__image_note_memory(failure, strlen(name) + 1);
}

static void names_free(names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        free(n->all[i]);
    }
    free(n->all);
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *path_join(const char *folder, const char *name, cnn__image_failure *failure)
{
    size_t length = strlen(folder), size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (!path) {
        cnn__image_note_memory(failure, size);
        return NULL;
    }
    snprintf(path, size, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", name);
    return path;
}

/* ---- reading one folder ---- */

static bool has_picture_extension(const char *name)
{
    static const char *const extensions[] = { ".png", ".jpg", ".jpeg" };
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        size_t n = strlen(extensions[i]);
        if (length >= n && strcasecmp(name + length - n, extensions[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Links are followed; one that leads nowhere is no folder. */
static bool is_folder(const char *folder, const struct dirent *entry, cnn__image_failure *failure)
{
    struct stat info;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) {
        return entry->d_type == DT_DIR;
    }
    char *path = path_join(folder, entry->d_name, failure);
    bool yes = path && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    free(path);
    return yes;
}

/* The names of the folders in a folder, sorted, and those of its pictures, if wanted. */
static bool list_open(DIR *dir, const char *folder, names *folders, names *pictures, cnn__image_failure *failure)
{
    struct dirent *entry;
    bool good = true;
    errno = 0;
    while (good && (entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            continue;
        }
        if (is_folder(folder, entry, failure)) {
            good = names_add(folders, name, failure);
        } else if (pictures && has_picture_extension(name)) {
            good = names_add(pictures, name, failure);
        }
        good = good && failure->status == CNN_OK;
        errno = 0;
    }
    if (good && errno != 0) {
        good = cnn__image_note_errno(failure, "cannot be read");
    }
    if (good && folders->count > 0) {
        qsort(folders->all, folders->count, sizeof *folders->all, names_compare);
    }
    return good;
}

static bool list(const char *folder, level *here, names *folders, names *pictures, cnn__image_failure *failure)
{
    struct stat info;
    DIR *dir = opendir(folder);
    if (!dir) {
        return cnn__image_note_errno(failure, "cannot be opened");
    }
    bool good = fstat(dirfd(dir), &info) == 0 || cnn__image_note_errno(failure, "cannot be examined");
    if (good) {
        here->device = info.st_dev;
        here->number = info.st_ino;
    }
    for (const level *l = here->above; good && l; l = l->above) {
        if (l->device == info.st_dev && l->number == info.st_ino) {
            good = cnn__image_note(failure, CNN_ERROR_IO, "is a link to a folder that it is in");
        }
    }
    good = good && list_open(dir, folder, folders, pictures, failure);
    closedir(dir);
    return good;
}

/* ---- samples ---- */

static bool add_sample(cnn_image_folder *f, const char *folder, const char *name, cnn__image_failure *failure)
{
    size_t capacity = (size_t)f->capacity;
    cnn__sample *all = grow(f->samples, (size_t)f->count, &capacity, sizeof *all, failure);
    char *path = all ? path_join(folder, name, failure) : NULL;
    if (all) {
        f->samples = all;
        f->capacity = (int64_t)capacity;
    }
    if (!path) {
        return false;
    }
    f->samples[f->count++] =
        (cnn__sample){ .path = path, .root = strlen(path) - strlen(name), .label = f->class_count - 1 };
    return true;
}

static cnn_status report(cnn_image_folder *f, const char *call, const char *path, const cnn__image_failure *failure)
{
    return cnn__image_report(f->ctx, call, path, failure);
}

/* Adds the pictures in a folder and in those below. */
static cnn_status scan_class(cnn_image_folder *f, const char *call, const char *folder, const level *above)
{
    names folders = { .count = 0 }, pictures = { .count = 0 };
    level here = { .above = above };
    cnn__image_failure failure = { .status = CNN_OK };
    bool good = list(folder, &here, &folders, &pictures, &failure);
    for (size_t i = 0; good && i < pictures.count; i++) {
        good = add_sample(f, folder, pictures.all[i], &failure);
    }
    names_free(&pictures);
    cnn_status status = good ? CNN_OK : report(f, call, folder, &failure);
    for (size_t i = 0; status == CNN_OK && i < folders.count; i++) {
        char *below = path_join(folder, folders.all[i], &failure);
        status = below ? scan_class(f, call, below, &here) : report(f, call, folder, &failure);
        free(below);
    }
    names_free(&folders);
    return status;
}

/* By class, then by folder, then by name, each by its bytes. */
static int sample_compare(const void *a, const void *b)
{
    const cnn__sample *x = a, *y = b;
    size_t shorter = x->root < y->root ? x->root : y->root;
    if (x->label != y->label) {
        return x->label < y->label ? -1 : 1;
    }
    /* The slash at a folder's end would sort behind some characters of longer names. */
    int order = memcmp(x->path, y->path, shorter - 1);
    if (order == 0 && x->root != y->root) {
        order = x->root < y->root ? -1 : 1;
    }
    return order ? order : strcmp(x->path + x->root, y->path + y->root);
}

static cnn_status scan_classes(cnn_image_folder *f, const char *call, const char *directory, const names *classes,
                               const level *here)
{
    cnn__image_failure failure = { .status = CNN_OK };
    for (size_t i = 0; i < classes->count; i++) {
        char *folder = path_join(directory, classes->all[i], &failure);
        f->class_count = (int64_t)i + 1;
        cnn_status status = folder ? scan_class(f, call, folder, here) : report(f, call, directory, &failure);
        free(folder);
        if (status != CNN_OK) {
            return status;
        }
    }
    if (f->count > 0) {
        qsort(f->samples, (size_t)f->count, sizeof *f->samples, sample_compare);
    }
    return cnn__folder_check_classes(f, call, directory);
}

cnn_status cnn__folder_check_classes(cnn_image_folder *f, const char *call, const char *directory)
{
    memset(f->class_sizes, 0, (size_t)f->class_count * sizeof *f->class_sizes);
    for (int64_t i = 0; i < f->count; i++) {
        f->class_sizes[f->samples[i].label]++;
    }
    for (int64_t c = 0; c < f->class_count; c++) {
        if (f->class_sizes[c] == 0 && !f->options.allow_empty) {
            cnn__image_failure failure = { .status = CNN_OK };
            cnn__image_note(&failure, CNN_ERROR_NOT_FOUND, "class %.80s has no picture%s (.png, .jpg, .jpeg)",
                            f->classes[c], f->options.skip_unreadable ? " that can be read" : "");
            return report(f, call, directory, &failure);
        }
    }
    return CNN_OK;
}

cnn_status cnn__folder_scan(cnn_image_folder *f, const char *call, const char *directory)
{
    names classes = { .count = 0 };
    level here = { .above = NULL };
    cnn__image_failure failure = { .status = CNN_OK };
    bool good = list(directory, &here, &classes, NULL, &failure);
    if (good && classes.count == 0) {
        good = cnn__image_note(&failure, CNN_ERROR_NOT_FOUND, "has no folders, expected one for each class");
    }
    f->class_sizes = good && classes.count > 0 ? calloc(classes.count, sizeof *f->class_sizes) : NULL;
    if (!f->class_sizes) {
        cnn__image_note_memory(&failure, classes.count * sizeof *f->class_sizes);
        names_free(&classes);
        return report(f, call, directory, &failure);
    }
    f->classes = classes.all;
    f->class_count = (int64_t)classes.count; /* whatever happens, these names are the folder's to free */
    cnn_status status = scan_classes(f, call, directory, &classes, &here);
    f->class_count = (int64_t)classes.count;
    return status;
}
