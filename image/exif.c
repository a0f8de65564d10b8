/* The orientation in an EXIF block, which is a TIFF file in small: a byte order, the offset of the first directory, and
 * in that directory entries of 12 bytes (tag, type, count, value). Nothing else of it is read. */
#include "picture.h"

enum { HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

static unsigned long number(const unsigned char *p, int bytes, bool big_endian)
{
    unsigned long value = 0;
    for (int i = 0; i < bytes; i++) {
        value = value << 8 | p[big_endian ? i : bytes - 1 - i];
    }
    return value;
}

int cnn__exif_orientation(const unsigned char *tiff, size_t size)
{
    if (size < HEADER || tiff[0] != tiff[1] || (tiff[0] != 'M' && tiff[0] != 'I')) {
        return 1;
    }
    bool big_endian = tiff[0] == 'M';
    size_t directory = number(tiff + 4, 4, big_endian);
    if (number(tiff + 2, 2, big_endian) != 42 || directory > size || size - directory < 2) {
        return 1;
    }
    size_t count = number(tiff + directory, 2, big_endian), fit = (size - directory - 2) / ENTRY;
    const unsigned char *entry = tiff + directory + 2;
    for (size_t i = 0; i < count && i < fit; i++, entry += ENTRY) {
        if (number(entry, 2, big_endian) == TAG_ORIENTATION) {
            unsigned long value = number(entry + 8, 2, big_endian);
            bool known = number(entry + 2, 2, big_endian) == TYPE_SHORT && value >= 1 && value <= 8;
            return known ? (int)value : 1;
        }
    }
    return 1;
}
