/* Where the members of the public structs are, one line each. It is compiled with the baseline's headers and with today's
 * (-include members.def defines MEMBERS, all members of the baseline), and the lines must be the same: a struct may only grow
 * at its end. */
#include <cnn/cnn.h>

#include <stdio.h>

#define KIND(x) \
    _Generic((x), float: "float", double: "double", bool: "bool", int: "int", unsigned: "unsigned", long: "long", \
             unsigned long: "unsigned long", default: "pointer or struct")
#define MEMBER(type, member) \
    printf("%s.%s: byte %zu, %zu bytes, %s\n", #type, #member, offsetof(type, member), sizeof ((type *)0)->member, \
           KIND(((type *)0)->member));

int main(void)
{
    MEMBERS
    return 0;
}
