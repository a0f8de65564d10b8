/* Prints the offsets of the members of the public structs, one per line. It is compiled with the baseline's headers
 * and with today's (-include members.def defines MEMBERS, all members of the baseline), and the lines must be the
 * same. Bytes that are reserved are left out: later options take their place. */
#include <cnn/cnn.h>

#include <stdio.h>
#include <string.h>

#define KIND(x) \
    _Generic((x), float: "float", double: "double", bool: "bool", int: "int", unsigned: "unsigned", long: "long", \
             unsigned long: "unsigned long", default: "pointer or struct")
#define IS_BYTES(x) _Generic((x), unsigned char *: true, default: false)
#define MEMBER(type, member)                                                                               \
    if (!(strcmp(#member, "reserved") == 0 && IS_BYTES(((type *)0)->member))) {                            \
        printf("%s.%s: byte %zu, %zu bytes, %s\n", #type, #member, offsetof(type, member),                 \
               sizeof ((type *)0)->member, KIND(((type *)0)->member));                                     \
    }

int main(void)
{
    MEMBERS
    return 0;
}
