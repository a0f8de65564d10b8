/* A table of cases of layers. The file that includes this has defined CASES(X), a list of X(name, make), where `make` makes the layer
 * in `dtype`; it gets `cases`, each with its name and its function, and CASE_COUNT. */

#define X(name, create)                              \
    static cnn_module *make_##name(cnn_dtype dtype)  \
    {                                                \
        return create;                               \
    }
CASES(X)
#undef X

static const struct {
    const char *name;
    cnn_module *(*make)(cnn_dtype dtype);
} cases[] = {
#define X(name, create) { #name, make_##name },
    CASES(X)
#undef X
};
enum { CASE_COUNT = sizeof cases / sizeof *cases };
