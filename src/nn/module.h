/* The inside of modules: a tree whose nodes own named parameters, buffers and children.
 *
 * A module's class says what its forward does; forward never writes to the module, so that one module serves many
 * threads. The state (parameters and buffers) is walked without allocation, in the order of PyTorch's state_dict: a
 * module's parameters, its buffers, then its children, each in the order in which they were added. */
#ifndef CNN_NN_MODULE_H
#define CNN_NN_MODULE_H

#include "tensor/tensor.h"

#include <cnn/module.h>

/* Bounds the recursion of forward. */
enum { CNN__MODULE_MAX_DEPTH = 1000 };

/* What a kind of layer is; a constant in the file of the layer. */
typedef struct cnn__module_class {
    const char *type; /* "Conv2d"; NULL: the module has a name of its own */
    /* One tensor in, one out; NULL: `forward_many` alone. */
    cnn_tensor *(*forward)(cnn_module *self, cnn_tensor *x);
    /* Any number of both: writes every output, results of the step. NULL: `forward` alone. */
    cnn_status (*forward_many)(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                               int output_count);
    /* Writes what PyTorch's extra_repr says, with snprintf's return value; NULL: nothing. */
    int (*describe)(const cnn_module *self, char *buffer, size_t size);
    /* Releases what `attributes` holds; NULL: nothing. */
    void (*destroy)(cnn_module *self);
    /* Fills the attributes of `clone`, which are zeros, from those of `self`; its tensors and children are copied
     * already. Reports as "module_clone". Attributes without pointers take cnn__clone_bytes, those with pointers to the
     * module's own tensors cnn__cloned(). NULL: the class has no attributes, or cannot be cloned. */
    cnn_status (*clone)(cnn_module *clone, const cnn_module *self);
} cnn__module_class;

/* A named thing that a module owns: a tensor or a child. */
typedef struct cnn__named {
    char *name;
    cnn_tensor *tensor;
    cnn_module *module;
} cnn__named;

typedef struct cnn__named_list {
    cnn__named *items;
    int count, capacity;
} cnn__named_list;

/* The lists of a module. Its names are unique among all three. */
typedef enum cnn__list { CNN__PARAMETERS, CNN__BUFFERS, CNN__CHILDREN, CNN__LISTS } cnn__list;

struct cnn_module {
    cnn_context *ctx; /* held */
    const cnn__module_class *class;
    char *type; /* the type of a module of the user's */
    cnn_module *parent;
    int index;  /* among the parent's children */
    int height; /* levels from here to the deepest descendant; 1 for a leaf */
    cnn_module_mode mode;
    bool doomed; /* in a list of modules to be freed, linked by `next` */
    cnn_module *next;
    cnn__named_list parameters, buffers, children;
    uint32_t *name_slots; /* the hash table of all names; NULL while they are few (names.c) */
    uint32_t name_capacity;
    void *attributes; /* the class's own struct */
    size_t attributes_size;
};

/* A module without children whose `attributes` are zeros. NULL: no memory, reported as `call`. */
cnn_module *cnn__module_new(cnn_context *ctx, const char *call, const cnn__module_class *class, size_t attributes_size);

/* Makes `child` a child; on failure, which is reported as `call`, the caller still has it. */
cnn_status cnn__module_attach(cnn_module *parent, const char *call, const char *name, cnn_module *child);

/* A class's `clone` for attributes that may be copied as bytes; succeeds. */
cnn_status cnn__clone_bytes(cnn_module *clone, const cnn_module *self);
/* The copy in `clone` of a parameter or buffer that `self` itself owns; NULL for NULL. */
cnn_tensor *cnn__cloned(const cnn_module *clone, const cnn_module *self, const cnn_tensor *tensor);

/* Frees every module among `modules` that has no parent, each once, with its children. */
void cnn__modules_free(cnn_module *const *modules, int count);

/* Adds `item` under a copy of item.name, which must be valid and not used in the module yet; reports as `call`. */
cnn_status cnn__names_add(cnn_module *module, const char *call, cnn__list list, cnn__named item);
/* The thing in that list whose name is the `length` bytes at `name`; NULL if there is none. Its cost does not
 * depend on how many there are. */
const cnn__named *cnn__names_find(const cnn_module *module, cnn__list list, const char *name, size_t length);
void cnn__names_free(cnn_module *module);

/* One step of a walk over the state of a tree. */
typedef struct cnn__state {
    const cnn_module *root;
    const cnn_module *owner; /* the module that owns `tensor`; NULL at the end */
    int place;
    /* The entry, once cnn__state_next() has returned true: */
    cnn_tensor *tensor;
    const char *leaf; /* its name within `owner` */
    bool is_parameter;
} cnn__state;

/* for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) … s.tensor … */
cnn__state cnn__state_begin(const cnn_module *root);
bool cnn__state_next(cnn__state *state);
/* The whole name, such as "l1.0.weight", cut to `size` bytes; returns its whole length. */
size_t cnn__state_name(const cnn__state *state, char *buffer, size_t size);
/* The length of the longest whole name; 0 where there is no state. */
size_t cnn__longest_name(const cnn_module *module);
/* The parameter or buffer whose whole name is the `length` bytes at `name`; NULL if there is none. */
cnn_tensor *cnn__state_find(const cnn_module *root, const char *name, size_t length);
/* The next module of a tree, parents before children; NULL at the end. */
const cnn_module *cnn__module_next(const cnn_module *root, const cnn_module *module);

#endif
