#!/bin/sh
# The keyword macros and options structs of the public headers: an option without its name draws a diagnostic of every compiler
# there is, without any flag and also from a system folder; the right forms compile without a warning as C99, C11 and C23; and no
# macro of the headers is without a call in its comment. <cnn/backend.h> and <cnn/kernels/…> are for back ends, whose structs are no options.
# Usage: check-keywords.sh HEADER...
set -u
for header; do
    shift
    case $header in *cnn/backend.h | *cnn/kernels/*) ;; *) set -- "$@" "$header" ;; esac
done
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The calls of each macro: wrong ones begin with "-", right ones with "+". The comment of a macro shows a call of it, which is right,
# and so is that call without its options; options whose names are left out are wrong.
sed -n 's/.*: `\(cnn_[a-z0-9_]*_new(.*)\)`\..*/\1/p; s/^\/\*\* `\(cnn_[a-z0-9_]*_new(.*)\)` \*\/$/\1/p
    s/^\/\*\* `\(cnn_augment_[a-z0-9_]*(.*)\)` \*\/$/\1/p' "$@" | sed 's/)`, `/)\n/g' |
    grep -v '…' >"$work/shown"
awk '{
    print "+ " $0
    bare = $0
    sub(/,? *\.[A-Za-z_0-9]+ = .*\)$/, ")", bare)
    print "+ " bare
    inside = bare
    sub(/\)$/, bare ~ /\(\)$/ ? "" : ", ", inside)
    print "- " inside "1)"
    print "- " inside "1, 2)"
    while (sub(/\.[A-Za-z_0-9]+ = /, "")) {
        print "- " $0
    }
}' "$work/shown" | sort -u >"$work/calls"
printf '%s\n' '- cnn_adam_new(model, 0)' '+ cnn_conv2d_new(ctx, 3, 16, 2 + 1, .stride = 1, .padding_mode = CNN_PADDING_SAME)' \
    '+ cnn_maxpool2d_new(ctx, kernel ? 2 : 3, .stride = 2)' '+ cnn_sequential_new(ctx, model)' \
    '+ cnn_sequential_new(ctx, model, cnn_relu_new(ctx))' >>"$work/calls"
# The names in the calls that stand for numbers.
numbers=$(sed 's/\.[A-Za-z_0-9]* = //g; s/cnn_[a-z0-9_]*//g' "$work/shown" | grep -oE '\b[a-z_]+\b' | sort -u |
    grep -vxE 'ctx|model|module|group|dataset|forward|optimizer|lr_lambda|augmentation|true' | sed 's/^/, int /' | tr -d '\n')
# And each struct by CNN_OPTIONS, which the user's own pointers to options come from.
structs=$(grep -hB1 -A1 '^ *size_t struct_size;' "$@" | sed -n 's/^typedef struct \(cnn_[a-z0-9_]*\) {.*/\1/p')
for struct in $structs; do
    printf '%s\n' "- CNN_OPTIONS($struct, 0)" "- CNN_OPTIONS($struct, 0, 0)" "+ CNN_OPTIONS($struct)" >>"$work/calls"
done
printf '%s\n' '+ CNN_OPTIONS(cnn_conv2d_options, .stride = 2)' '+ CNN_OPTIONS(cnn_adam_options, .lr = 1, .beta1 = CNN_ZERO)' \
    >>"$work/calls"

# program KIND: makes the calls of that kind, one a line
program() {
    parameters="cnn_context *ctx, cnn_module *model, cnn_dataset *dataset, cnn_forward_fn forward, cnn_optimizer *optimizer, cnn_lr_lambda_fn lr_lambda, cnn_augmentation *augmentation, cnn_group *group, cnn_module *module$numbers"
    printf '%s\n' '#include <cnn/cnn.h>' '#include <cnn/image.h>' '#include <cnn/onnx.h>' '#include <cnn/group.h>' "void use($parameters);" "void use($parameters)" \
        "{ $(echo ", x ctx, x model, x dataset, x forward, x optimizer, x lr_lambda, x augmentation, x group, x module$numbers" | sed 's/, [a-z]* \([a-z_]*\)/(void)\1;/g')"
    sed -n "s/^$1 \(.*\)/(void)\1;/p" "$work/calls"
    echo '}'
}

fail() {
    echo "check-keywords: $1" >&2
    failures=$((failures + 1))
}

program - >"$work/wrong.c"
program + >"$work/right.c"
for macro in $(sed -n 's/^#define \(cnn_[a-z0-9_]*_new\)(.*/\1/p; s/^#define \(cnn_augment_[a-z0-9_]*\)(.*/\1/p' "$@"); do
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
        printf '#include <cnn/cnn.h>\n#include <cnn/image.h>\n#include <cnn/onnx.h>\n#include <cnn/group.h>\n' | "$compiler" -Wpadded -Werror -Iinclude -fsyntax-only -x c - >"$work/log" 2>&1 ||
            { cat "$work/log" >&2; fail "a public struct has padding without a name"; }
    fi
done
[ "$failures" = 0 ] && echo "check-keywords: $(grep -c '^-' "$work/calls") wrong calls, each diagnosed; $(grep -c '^+' "$work/calls") right ones"
