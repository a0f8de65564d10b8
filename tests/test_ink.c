/* Handwriting in MNIST's form: examples/common/ink.c. */
#include "../examples/common/ink.c"
#include "support/suite.h"

#include <stdint.h>
#include <stdio.h>

enum { WIDTH = 120, HEIGHT = 90 };

static unsigned char picture[WIDTH * HEIGHT], digit[INK_PIXELS];

static void setup(void)
{
    memset(picture, 0, sizeof picture);
    memset(digit, 1, sizeof digit);
}

static void fill(int left, int top, int width, int height, unsigned char ink)
{
    for (int y = top; y < top + height; y++) {
        memset(picture + y * WIDTH + left, ink, (size_t)width);
    }
}

/* The box around all pixels that are not 0, and the centre of mass. */
static box measure(const unsigned char *pixels, double *x, double *y)
{
    box b = { INK_SIDE, 0, INK_SIDE, 0 };
    double mass = 0;
    *x = *y = 0;
    for (int i = 0; i < INK_PIXELS; i++) {
        int column = i % INK_SIDE, row = i / INK_SIDE;
        if (pixels[i]) {
            b.left = column < b.left ? column : b.left;
            b.right = column + 1 > b.right ? column + 1 : b.right;
            b.top = row < b.top ? row : b.top;
            b.bottom = row + 1 > b.bottom ? row + 1 : b.bottom;
        }
        mass += pixels[i];
        *x += pixels[i] * column;
        *y += pixels[i] * row;
    }
    *x /= mass;
    *y /= mass;
    return b;
}

START_TEST(an_empty_picture_gives_an_empty_digit)
{
    const unsigned char nothing[INK_PIXELS] = { 0 };
    ck_assert(!ink_fit(picture, WIDTH, HEIGHT, digit));
    ck_assert_mem_eq(digit, nothing, sizeof digit);
    fill(3, 3, 50, 50, INK_FAINT - 1);
    ck_assert(!ink_fit(picture, WIDTH, HEIGHT, digit));
    ck_assert_mem_eq(digit, nothing, sizeof digit);
}
END_TEST

START_TEST(the_longer_side_becomes_twenty_pixels_and_the_ratio_stays)
{
    const int sides[][4] = { { 60, 60, 20, 20 }, { 30, 60, 10, 20 }, { 80, 8, 20, 2 },
                             { 5, 10, 10, 20 },  { 1, 80, 1, 20 },   { 1, 1, 20, 20 } };
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        double x, y;
        setup();
        fill(7, 4, sides[i][0], sides[i][1], 200);
        ck_assert(ink_fit(picture, WIDTH, HEIGHT, digit));
        box b = measure(digit, &x, &y);
        ck_assert_int_eq(b.right - b.left, sides[i][2]);
        ck_assert_int_eq(b.bottom - b.top, sides[i][3]);
        ck_assert_int_eq(digit[b.top * INK_SIDE + b.left], 200);
        ck_assert_double_le(fabs(x - 14), 0.5);
        ck_assert_double_le(fabs(y - 14), 0.5);
    }
}
END_TEST

/* A heavy foot and a long neck: the box is not in the middle, its mass is. */
START_TEST(the_centre_of_mass_is_in_the_middle)
{
    double x, y;
    fill(40, 10, 5, 60, 255);
    fill(36, 60, 22, 10, 255);
    ck_assert(ink_fit(picture, WIDTH, HEIGHT, digit));
    box b = measure(digit, &x, &y);
    ck_assert_double_le(fabs(x - 14), 0.5);
    ck_assert_double_le(fabs(y - 14), 0.5);
    ck_assert_int_ne(b.top + b.bottom, INK_SIDE);
}
END_TEST

START_TEST(where_it_is_written_does_not_matter)
{
    unsigned char first[INK_PIXELS];
    fill(2, 1, 40, 8, 255);
    fill(34, 1, 8, 40, 100);
    ck_assert(ink_fit(picture, WIDTH, HEIGHT, first));
    setup();
    fill(72, 41, 40, 8, 255);
    fill(104, 41, 8, 40, 100);
    ck_assert(ink_fit(picture, WIDTH, HEIGHT, digit));
    ck_assert_mem_eq(digit, first, sizeof digit);
}
END_TEST

/* What is in the form already keeps its pixels: those within 20 × 20 are not mixed, and every pixel of a picture that
 * is three times as large is the mean of nine equal ones. */
START_TEST(a_digit_in_mnists_form_stays_as_it_is)
{
    unsigned char again[INK_PIXELS], large[9 * INK_PIXELS];
    fill(20, 10, 9, 80, 230);
    fill(20, 10, 60, 11, 250);
    fill(40, 40, 30, 9, 120);
    ck_assert(ink_fit(picture, WIDTH, HEIGHT, digit));
    ck_assert(ink_fit(digit, INK_SIDE, INK_SIDE, again));
    ck_assert_mem_eq(again, digit, sizeof digit);
    for (int i = 0; i < 9 * INK_PIXELS; i++) {
        large[i] = digit[i / (3 * INK_SIDE) / 3 * INK_SIDE + i % (3 * INK_SIDE) / 3];
    }
    ck_assert(ink_fit(large, 3 * INK_SIDE, 3 * INK_SIDE, again));
    ck_assert_mem_eq(again, digit, sizeof digit);
}
END_TEST

/* The box stays inside even where its mass is all in one corner. */
START_TEST(nothing_is_cut_off)
{
    double x, y;
    fill(0, 0, 90, 1, 40);
    fill(0, 0, 1, 90, 40);
    fill(0, 0, 20, 20, 255);
    ck_assert(ink_fit(picture, WIDTH, HEIGHT, digit));
    box b = measure(digit, &x, &y);
    ck_assert_int_eq(b.right - b.left, 20);
    ck_assert_int_eq(b.bottom - b.top, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ink");
    TCase *tests = suite_case(suite, "ink", setup, NULL);
    tcase_add_test(tests, an_empty_picture_gives_an_empty_digit);
    tcase_add_test(tests, the_longer_side_becomes_twenty_pixels_and_the_ratio_stays);
    tcase_add_test(tests, the_centre_of_mass_is_in_the_middle);
    tcase_add_test(tests, where_it_is_written_does_not_matter);
    tcase_add_test(tests, a_digit_in_mnists_form_stays_as_it_is);
    tcase_add_test(tests, nothing_is_cut_off);
    return suite_run(suite);
}
