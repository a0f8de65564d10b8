# Lists the optimizers of include/cnn/optim/, whose constructors are
#     CNN_API cnn_optimizer *cnn_NAME_create(cnn_module *module, const cnn_TYPE_options *options);
# as CNN_OPTIMIZER(NAME, TYPE, needs): `needs` is the option that must be given, whose comment says "required", or struct_size.
# Before them come the options, with the range that their comment states: CNN_OPTIMIZER_OPTION(TYPE, name, range).
function option_type(text) {
    sub(/^cnn_/, "", text)
    sub(/_options.*/, "", text)
    return text
}
/^typedef struct cnn_[a-z0-9]*_options {/ { type = option_type($3); needs[type] = "struct_size" }
/^ *(double|bool) [a-z0-9_]*; *\/\*\*</ {
    name = substr($2, 1, length($2) - 1)
    range = /below 1/ ? "BELOW_ONE" : /at least 0/ ? "NOT_NEGATIVE" : "ANY_FINITE"
    print "CNN_OPTIMIZER_OPTION(" type ", " name ", " ($1 == "bool" ? "SWITCH" : range) ")"
    needs[type] = /required/ ? name : needs[type]
}
/^CNN_API cnn_optimizer \*cnn_[a-z0-9]*_create\(cnn_module \*module, const cnn_[a-z0-9]*_options \*options\);/ {
    name = $3
    sub(/^\*cnn_/, "", name)
    sub(/_create.*/, "", name)
    type = option_type($6)
    print "CNN_OPTIMIZER(" name ", " type ", " needs[type] ")"
}
BEGIN {
    print "#ifndef CNN_OPTIMIZER\n#define CNN_OPTIMIZER(...)\n#endif"
    print "#ifndef CNN_OPTIMIZER_OPTION\n#define CNN_OPTIMIZER_OPTION(...)\n#endif"
}
END { print "#undef CNN_OPTIMIZER\n#undef CNN_OPTIMIZER_OPTION" }
