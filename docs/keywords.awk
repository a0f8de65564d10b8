# A filter of Doxygen's for headers: the comment of a keyword macro (cnn_NAME_new, cnn_augment_NAME) gets links to the options struct
# and to the function that its definition names, and each list of kernels becomes an enum. The number of lines stays the same, so that
# messages name the right ones.

# The comment before a macro, and what may stand between the two, are held back until the macro is seen whole.
function release(  i) {
    for (i = 1; i <= held; i++) {
        print line[i]
    }
    held = 0
}

function hold(text) {
    line[++held] = text
}

function link(definition,  i, name, options, made) {
    name = definition
    sub(/^#define /, "", name)
    sub(/\(.*/, "", name)
    options = match(definition, /cnn_[a-z0-9_]+_options/) ? substr(definition, RSTART, RLENGTH) : ""
    made = name
    if (!sub(/_new$/, "_create", made)) {
        made = made "_with"
    }
    for (i = held; i > 0; i--) {
        if (line[i] ~ /\*\/$/) {
            sub(/\.? *\*\/$/, (options != "" ? "; options: " options : "") "; as a function: " made "() */", line[i])
            return
        }
    }
}

/^#define CNN_[A-Z]+_KERNELS\(X\)/ {
    release()
    sub(/\(.*/, "", $2)
    print "enum " tolower($2) " {"
    kernels = 1
    next
}
kernels {
    kernels = sub(/ *\\$/, "")
    if (sub(/^ *X\(/, "CNN_KERNEL_")) {
        sub(/, [a-z0-9_]+\)/, ",")
    }
    print $0 (kernels ? "" : " };")
    next
}
joining {
    hold($0)
    definition = definition " " $0
    if ($0 !~ /\\$/) {
        joining = 0
        link(definition)
        release()
    }
    next
}
/^#define cnn_([a-z0-9_]+_new|augment_[a-z0-9_]+)\(/ && held {
    hold($0)
    definition = $0
    if (definition ~ /\\$/) {
        joining = 1
    } else {
        link(definition)
        release()
    }
    next
}
inside {
    hold($0)
    inside = $0 !~ /\*\/$/
    next
}
/^\/\*\*/ {
    release()
    hold($0)
    inside = $0 !~ /\*\/$/
    next
}
held && /^(#ifndef __cplusplus|)$/ { hold($0); next }
{ release(); print }
END { release() }
