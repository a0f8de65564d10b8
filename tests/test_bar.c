/* The progress bar of the example: what it writes at each width. */
#include "../examples/common/bar.c"

#include "support/suite.h"

static const bar_state half = { .epoch = 3, .epochs = 10, .done = 150, .batches = 300, .seconds = 5.4,
                                .images_per_second = 5151.4, .loss = 0.17034 };

/* Columns are letters of UTF-8: every byte but those that continue one. */
static int columns_of(const char *text)
{
    int columns = 0;
    for (; *text; text++) {
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return columns;
}

START_TEST(less_is_written_on_narrower_terminals)
{
    static const struct {
        int width;
        const char *text;
    } bars[] = {
        { 1000, "epoch 3/10:  50%|##########          | 150/300 [00:05<00:05, 5151 images/s, loss 0.1703]" },
        { 88, "epoch 3/10:  50%|##########          | 150/300 [00:05<00:05, 5151 images/s, loss 0.1703]" },
        { 79, "epoch 3/10:  50%|######     | 150/300 [00:05<00:05, 5151 images/s, loss 0.1703]" },
        { 72, "epoch 3/10:  50%|##  | 150/300 [00:05<00:05, 5151 images/s, loss 0.1703]" },
        { 71, "epoch 3/10:  50%|##########          | [00:05<00:05, loss 0.1703]" },
        { 49, "epoch 3/10:  50%|##  | [00:05<00:05, loss 0.1703]" },
        { 39, "epoch 3/10:  50%|#####    | loss 0.1703" },
        { 24, "epoch 3/10:  50%|###   |" },
        { 19, "epoch 3/10:  50%" },
        { 16, "epoch 3/10:  50%" },
        { 15, " 50%" },
        { 3, " 50" },
        { 0, "" },
        { -1, "" },
    };
    for (size_t k = 0; k < sizeof bars / sizeof *bars; k++) {
        char text[BAR_TEXT];
        int columns = bar_write(text, &half, bars[k].width);
        ck_assert_str_eq(text, bars[k].text);
        ck_assert_int_eq(columns, columns_of(text));
    }
}
END_TEST

/* Whatever is shown, at any width: never wider, always in the buffer, the columns told are those written. */
START_TEST(no_bar_is_wider_than_asked)
{
    static const bar_state bars[] = {
        { .epoch = 1, .epochs = 1, .done = 1, .batches = 1 },
        { .epoch = 1000000, .epochs = 1000000, .done = 59999, .batches = 60000, .seconds = 1e300, .images_per_second = 1e30,
          .loss = 1e38 },
        { .epoch = INT64_MAX, .epochs = INT64_MAX, .done = 1, .batches = 3, .seconds = 4000, .loss = -1e300 },
    };
    for (size_t k = 0; k < sizeof bars / sizeof *bars; k++) {
        for (int unicode = 0; unicode < 2; unicode++) {
            for (int width = -1; width < 400; width++) {
                char text[BAR_TEXT + 1];
                bar_state b = bars[k];
                b.unicode = unicode;
                text[BAR_TEXT] = 77;
                int columns = bar_write(text, &b, width);
                ck_assert_int_le(columns, width > 0 ? width : 0);
                ck_assert_int_eq(columns, columns_of(text));
                ck_assert_int_eq(text[BAR_TEXT], 77);
            }
        }
    }
}
END_TEST

START_TEST(cells_are_filled_in_eighths)
{
    char text[BAR_TEXT];
    bar_state b = { .epoch = 1, .epochs = 1, .batches = 64, .unicode = true };
    static const char *const cells[] = { "    ", "▏   ", "▌   ", "█   ", "██▋ ", "████" };
    static const int done[] = { 0, 2, 8, 16, 43, 64 };
    for (int k = 0; k < 6; k++) {
        char expected[BAR_TEXT];
        b.done = done[k];
        snprintf(expected, sizeof expected, "epoch 1/1: %3d%%|%s|", 100 * done[k] / 64, cells[k]);
        bar_write(text, &b, 21);
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

START_TEST(long_times_have_hours)
{
    char text[32];
    ck_assert_str_eq(clock_text(text, 0), "00:00");
    ck_assert_str_eq(clock_text(text, 59.6), "01:00");
    ck_assert_str_eq(clock_text(text, 3599), "59:59");
    ck_assert_str_eq(clock_text(text, 36000 + 61), "10:01:01");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bar");
    TCase *tests = suite_case(suite, "bar", NULL, NULL);
    tcase_add_test(tests, less_is_written_on_narrower_terminals);
    tcase_add_test(tests, no_bar_is_wider_than_asked);
    tcase_add_test(tests, cells_are_filled_in_eighths);
    tcase_add_test(tests, long_times_have_hours);
    return suite_run(suite);
}
