#!/bin/sh
# The keyword macros and options structs of the public headers: an option without its name draws a diagnostic of every compiler
# there is, without any flag and also from a system folder; the right forms compile without a warning as C99, C11 and C23; and no
# macro or struct of the headers is missing below. <cnn/backend.h> is for back ends, whose structs are no options.
# Usage: check-keywords.sh HEADER...
set -u
for header; do
    shift
    [ "${header##*/}" = backend.h ] || set -- "$@" "$header"
done
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The calls of each macro: wrong ones begin with "-", right ones with "+".
cat >"$work/calls" <<'END'
- cnn_context_new(1)
- cnn_context_new(1, 2)
- cnn_context_new(1, .threads = 2)
+ cnn_context_new()
+ cnn_context_new(.seed = 1, .threads = 2)
- cnn_conv2d_new(ctx, 3, 16, 3, 1)
- cnn_conv2d_new(ctx, 3, 16, 3, 1, 1)
- cnn_conv2d_new(ctx, 3, 16, 3, 1, .padding = 1)
+ cnn_conv2d_new(ctx, 3, 16, 3)
+ cnn_conv2d_new(ctx, 3, 16, 2 + 1, .stride = 1, .padding_mode = CNN_PADDING_SAME)
- cnn_maxpool2d_new(ctx, 3, 2)
- cnn_maxpool2d_new(ctx, 3, 2, 1)
+ cnn_maxpool2d_new(ctx, 3)
+ cnn_maxpool2d_new(ctx, n ? 2 : 3, .stride = 2)
- cnn_batch_norm2d_new(ctx, 4, 0.1)
+ cnn_batch_norm2d_new(ctx, 4)
+ cnn_batch_norm2d_new(ctx, 4, .momentum = 0.01)
- cnn_embedding_new(ctx, 10, 4, true)
+ cnn_embedding_new(ctx, 10, 4)
+ cnn_embedding_new(ctx, 10, 4, .has_padding_idx = true, .padding_idx = 0)
- cnn_lstm_new(ctx, 4, 3, 2)
+ cnn_lstm_new(ctx, 4, 3)
+ cnn_lstm_new(ctx, 4, 3, .num_layers = 2, .bidirectional = true)
- cnn_linear_new(ctx, 4, 3, false)
- cnn_linear_new(ctx, 4, 3, true, CNN_F64)
+ cnn_linear_new(ctx, 4, 3)
+ cnn_linear_new(ctx, 4, 3, .no_bias = true)
- cnn_gelu_new(ctx, true)
+ cnn_gelu_new(ctx)
+ cnn_gelu_new(ctx, .approximate_tanh = true)
- cnn_relu_new(ctx, true)
+ cnn_relu_new(ctx)
- cnn_dropout_new(ctx, 0.5, true)
+ cnn_dropout_new(ctx, 0.5)
- cnn_flatten_new(ctx, 2)
- cnn_flatten_new(ctx, 2, .end_dim = 3)
+ cnn_flatten_new(ctx)
+ cnn_flatten_new(ctx, .start_dim = 2, .end_dim = -2)
- cnn_module_new(ctx, forward, ctx)
- cnn_module_new(ctx, forward, "type")
+ cnn_module_new(ctx, forward)
+ cnn_module_new(ctx, forward, .user = ctx)
- cnn_adam_new(module, 0.01)
- cnn_adam_new(module, 0.01, 0.9)
- cnn_adam_new(module, 0)
+ cnn_adam_new(module)
+ cnn_adam_new(module, .lr = 0.01, .amsgrad = true)
- cnn_adamw_new(module, 0.01)
+ cnn_adamw_new(module)
+ cnn_adamw_new(module, .lr = 0.01)
- cnn_sgd_new(module, 0.1)
- cnn_sgd_new(module, 0.1, 0.9)
+ cnn_sgd_new(module, .lr = 0.1, .momentum = 0.9)
- cnn_loader_new(dataset, 10, true)
- cnn_loader_new(dataset, 10, true, .seed = 1)
+ cnn_loader_new(dataset, 10)
+ cnn_loader_new(dataset, 10, .shuffle = true)
+ cnn_sequential_new(ctx, module)
+ cnn_sequential_new(ctx, module, cnn_relu_new(ctx))
END
# And each struct by CNN_OPTIONS, which the user's own pointers to options come from.
structs=$(grep -hB1 -A1 '^ *size_t struct_size;' "$@" | sed -n 's/^typedef struct \(cnn_[a-z0-9_]*\) {.*/\1/p')
for struct in $structs; do
    printf '%s\n' "- CNN_OPTIONS($struct, 0)" "- CNN_OPTIONS($struct, 0, 0)" "+ CNN_OPTIONS($struct)" >>"$work/calls"
done
printf '%s\n' '+ CNN_OPTIONS(cnn_conv2d_options, .stride = 2)' '+ CNN_OPTIONS(cnn_adam_options, .lr = 1, .beta1 = CNN_ZERO)' \
    >>"$work/calls"

# program KIND: makes the calls of that kind, one a line
program() {
    printf '%s\n' '#include <cnn/cnn.h>' \
        'void use(cnn_context *ctx, cnn_module *module, cnn_dataset *dataset, cnn_forward_fn forward, int n);' \
        'void use(cnn_context *ctx, cnn_module *module, cnn_dataset *dataset, cnn_forward_fn forward, int n)' \
        '{ (void)ctx, (void)module, (void)dataset, (void)forward, (void)n;'
    sed -n "s/^$1 \(.*\)/(void)\1;/p" "$work/calls"
    echo '}'
}

fail() {
    echo "check-keywords: $1" >&2
    failures=$((failures + 1))
}

program - >"$work/wrong.c"
program + >"$work/right.c"
for macro in $(sed -n 's/^#define \(cnn_[a-z0-9_]*_new\)(.*/\1/p' "$@"); do
    grep -q "^+ $macro(" "$work/calls" || fail "no right call of $macro"
    [ "$macro" = cnn_sequential_new ] || grep -q "^- $macro(" "$work/calls" || fail "no wrong call of $macro"
done
[ "$(echo "$structs" | wc -w)" = "$(grep -h '^ *size_t struct_size;' "$@" | wc -l)" ] || fail "a struct_size whose struct is not found"

for compiler in "${CC:-cc}" clang; do
    compiler=${compiler##* }
    if ! command -v "$compiler" >/dev/null 2>&1; then
        echo "skipped: keyword arguments with $compiler (not here)"
        continue
    fi
    newest=c2x
    ! "$compiler" -std=c23 -E -x c /dev/null >/dev/null 2>&1 || newest=c23
    for headers in -I -isystem; do
        "$compiler" "$headers" include -fsyntax-only "$work/wrong.c" >"$work/log" 2>&1
        sed -n 's/^[^ ]*wrong.c:\([0-9]*\):.*excess elements in struct initializer.*/\1/p' "$work/log" | sort -un >"$work/diagnosed"
        for line in $(grep -n '^(void)' "$work/wrong.c" | sed 's/:.*//' | grep -vxFf "$work/diagnosed"); do
            fail "$compiler $headers says nothing about $(sed -n "${line}s/^(void)//p" "$work/wrong.c")"
        done
    done
    for standard in c99 c11 "$newest"; do
        "$compiler" -std="$standard" -Wall -Wextra -Wpedantic -Wshadow -Werror -Iinclude -fsyntax-only "$work/right.c" >&2 ||
            fail "$compiler does not take the right calls as $standard without a warning"
    done
    # Padding without a name would be room that a later option could take without struct_size showing it: docs/abi.md.
    if [ "$("$compiler" -dumpmachine | sed 's/-.*//')" = x86_64 ]; then
        echo '#include <cnn/cnn.h>' | "$compiler" -Wpadded -Werror -Iinclude -fsyntax-only -x c - >"$work/log" 2>&1 ||
            { cat "$work/log" >&2; fail "a public struct has padding without a name"; }
    fi
done
[ "$failures" = 0 ] && echo "check-keywords: $(grep -c '^-' "$work/calls") wrong calls, each diagnosed; $(grep -c '^+' "$work/calls") right ones"
