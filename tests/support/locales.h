/* Locales for tests, made on the spot by localedef, so that none needs to be installed: two with a decimal comma, and one
 * whose decimal mark is the two bytes of U+066B. */
#ifndef CNN_TESTS_SUPPORT_LOCALES_H
#define CNN_TESTS_SUPPORT_LOCALES_H

#include "support/files.h"

#include <locale.h>
#include <sys/wait.h>

static const char *const locale_names[] = { "de_DE", "fr_FR", "ps_AF" };
static const char *const locale_marks[] = { ",", ",", "\xd9\xab" };
enum { LOCALES = 3 };

static char locale_folder[256];

/* Makes them in a folder of their own; false, with a line, where that cannot be. */
static inline bool locales_make(void)
{
    char command[1024];
    bool made = true;
    const char *base = getenv("TMPDIR");
    snprintf(locale_folder, sizeof locale_folder, "%.200s/cnn-locales-XXXXXX", base && *base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(locale_folder));
    for (int i = 0; i < LOCALES && made; i++) {
        snprintf(command, sizeof command, "localedef -i %s -f UTF-8 %s/%s.UTF-8 >/dev/null 2>&1", locale_names[i],
                 locale_folder, locale_names[i]);
        made = system(command) != -1;
        snprintf(command, sizeof command, "%s/%s.UTF-8/LC_NUMERIC", locale_folder, locale_names[i]);
        made = made && access(command, R_OK) == 0; /* localedef fails on warnings too */
    }
    setenv("LOCPATH", locale_folder, 1);
    if (!made) {
        printf("skipped: locales with other decimal marks; localedef or its sources are missing (Debian: locales)\n");
    }
    return made;
}

static inline void locales_remove(void)
{
    char command[512];
    snprintf(command, sizeof command, "rm -r '%s'", locale_folder);
    ck_assert_int_eq(system(command), 0);
}

/* Number i, for the whole program, and makes sure that it writes numbers in its own way. */
static inline void locale_set(int i)
{
    char name[64], half[16];
    snprintf(name, sizeof name, "%s.UTF-8", locale_names[i]);
    ck_assert_msg(setlocale(LC_ALL, name) != NULL, "%s was made but is not found", name);
    snprintf(half, sizeof half, "%.1f", 0.5);
    ck_assert_msg(strstr(half, locale_marks[i]), "%s writes %s", name, half);
}

#endif
