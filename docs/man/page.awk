# Writes a page of section 3 from the comments of headers, in mdoc(7):
#   awk -f page.awk -v page=cnn_tape -v line='one line' -v see='cnn_tensor cnn_ops' -v date='November 29, 2026' \
#       -v library=libcnn -v example=FILE -v status=include/cnn/status.h HEADER...
# Of a header it understands what the headers of libcnn contain: comments /** … */ with @file, @name, @{, @}, @param, @return and
# @since, code between `…`, lists that begin with "- ", functions, structs, enums, types of functions, opaque types, and macros.

function fail(text) {
    printf "page.awk: %s: %s\n", name, text >"/dev/stderr"
    failed = 1
}

function trim(s) {
    sub(/^[ \t\n]+/, "", s)
    sub(/[ \t\n]+$/, "", s)
    return s
}

# The text of a comment without its frame.
function inner(comment) {
    sub(/^\/\*\*<?/, "", comment)
    sub(/\*\/$/, "", comment)
    gsub(/\n[ \t]*\*[ \t]?/, "\n", comment)
    return trim(comment)
}

# ---- text to mdoc ----

# Words of a text: what is between backticks is bold; so are names of functions and statuses.
function words(s,  out, n, i, part) {
    gsub(/\\/, "\\e", s)
    gsub(/`[^`]*$/, "&", s)
    n = split(s, part, "`")
    for (i = 1; i <= n; i++) {
        if (i % 2 == 0) {
            gsub(/-/, "\\-", part[i])
            out = out "\\fB" part[i] "\\fR"
        } else {
            out = out bold_names(part[i])
        }
    }
    return out
}

function bold_names(s,  out) {
    while (match(s, /cnn_[a-z0-9_]+\(\)|CNN_[A-Z0-9_]+|cnn_[a-z0-9_]+|@p [a-z_]+/)) {
        out = out substr(s, 1, RSTART - 1) "\\fB" substr(s, RSTART, RLENGTH) "\\fR"
        s = substr(s, RSTART + RLENGTH)
    }
    return out s
}

# One paragraph. A sentence begins a new line, and a line never begins with a dot or an apostrophe.
function fill(s,  n, w, i, row, out) {
    n = split(s, w, /[ \t\n]+/)
    for (i = 1; i <= n; i++) {
        if (w[i] == "") {
            continue
        }
        if (row != "" && (length(row) + 1 + length(w[i]) > 78 || row ~ /[])a-zA-Z0-9"`][.!?][)"]?$/)) {
            out = out guard(row) "\n"
            row = w[i]
        } else {
            row = row == "" ? w[i] : row " " w[i]
        }
    }
    return row == "" ? out : out guard(row) "\n"
}

function guard(s) {
    return s ~ /^[.']/ ? "\\&" s : s
}

# Paragraphs and lists. The first paragraph follows what is there without a break.
function paragraphs(s,  n, row, i, out, text, list) {
    n = split(s, row, "\n")
    text = ""
    for (i = 1; i <= n + 1; i++) {
        if (i > n || row[i] ~ /^[ \t]*$/ || row[i] ~ /^ *- /) {
            if (trim(text) != "") {
                out = out (out != "" && !list ? ".Pp\n" : "") fill(words(trim(text)))
            }
            text = ""
            if (i <= n && row[i] ~ /^ *- /) {
                out = out (list ? "" : ".Bl -bullet -compact\n") ".It\n"
                list = 1
                sub(/^ *- /, "", row[i])
            } else if (list) {
                out = out ".El\n"
                list = 0
            }
        }
        if (i <= n) {
            text = text "\n" row[i]
        }
    }
    return out
}

# The text of a comment: what it says, then its parameters, what it returns, and since when it is there.
function described(s,  out, tags, n, i, kind, body, first, since, list, next_name) {
    gsub(/@/, "\001@", s)
    n = split(s, tags, "\001")
    out = paragraphs(trim(tags[1]))
    for (i = 2; i <= n; i++) {
        kind = tags[i]
        sub(/[ \t\n].*/, "", kind)
        body = trim(substr(tags[i], length(kind) + 1))
        if (kind != "@param" && list) {
            out = out ".El\n"
            list = 0
        }
        if (kind == "@param") {
            first = body
            sub(/[ \t\n].*/, "", first)
            body = trim(substr(body, length(first) + 1))
            while (first ~ /,$/) { # "h0, c0"
                next_name = body
                sub(/[ \t\n].*/, "", next_name)
                first = first next_name
                body = trim(substr(body, length(next_name) + 1))
            }
            gsub(/,/, " , ", first)
            out = out (list ? "" : ".Bl -tag -width 6n -compact\n") ".It Fa " first "\n" fill(words(body))
            list = 1
        } else if (kind == "@return") {
            out = out (out != "" ? ".Pp\n" : "") fill("Returns " words(body))
        } else if (kind == "@since") {
            first = body
            sub(/[ \t\n].*/, "", first)
            since = first
            body = trim(substr(body, length(first) + 1))
            if (body != "") {
                out = out paragraphs(body)
            }
        } else if (kind == "@file" || kind == "@{" || kind == "@}") {
            if (body != "") {
                out = out paragraphs(body)
            }
        } else {
            fail("no rule for " kind)
        }
    }
    if (list) {
        out = out ".El\n"
    }
    if (since != "") {
        out = out "Since version " since ".\n"
    }
    return out
}

function quoted(s) {
    gsub(/"/, "\"\"", s)
    return "\"" s "\""
}

# ---- declarations ----

# Without comments, on one line.
function plain(s) {
    while (match(s, /\/\*([^*]|\*+[^*\/])*\*+\//)) {
        s = substr(s, 1, RSTART - 1) " " substr(s, RSTART + RLENGTH)
    }
    gsub(/[ \t\n]+/, " ", s)
    return trim(s)
}

# Splits the parameters of a function at the commas between them.
function arguments(s,  n, i, c, depth, from) {
    split("", argument)
    from = 1
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        depth += c == "(" ? 1 : c == ")" ? -1 : 0
        if (c == "," && depth == 0) {
            argument[++n] = trim(substr(s, from, i - from))
            from = i + 1
        }
    }
    argument[++n] = trim(substr(s, from))
    return n
}

# Which functions mention a status, for the section about errors; a name in quotes is text.
function note_errors(what, text,  s) {
    gsub(/"CNN_ERROR_[A-Z_]+"/, "", text)
    while (match(text, /CNN_ERROR_[A-Z_]+/)) {
        s = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (index(" " mentioned[s] " ", " " what " ") == 0) {
            mentioned[s] = mentioned[s] (mentioned[s] == "" ? "" : " ") what
        }
    }
}

function open_list() {
    if (!listing) {
        add(".Bl -tag -width 4n\n")
        listing = 1
    }
}

function close_list() {
    if (listing) {
        add(".El\n")
        listing = 0
    }
}

function add(s) {
    body = body s
}

function function_item(s, doc,  open, head, called, type, n, i, tag, last) {
    sub(/^CNN_API */, "", s)
    s = plain(s)
    open = index(s, "(")
    head = trim(substr(s, 1, open - 1))
    match(head, /[a-z0-9_]+$/)
    called = substr(head, RSTART)
    type = trim(substr(head, 1, RSTART - 1))
    s = substr(s, open + 1)
    sub(/\)$/, "", s)
    n = arguments(s)
    synopsis = synopsis ".Ft " quoted(type) "\n.Fo " called "\n"
    tag = ".It Fn " called
    for (i = 1; i <= n; i++) {
        synopsis = synopsis ".Fa " quoted(argument[i]) "\n"
        last = argument[i]
        sub(/(\[[^]]*\])+$/, "", last)
        if (match(last, /[A-Za-z0-9_]+$/) && last != "void") {
            tag = tag " " substr(last, RSTART)
        }
    }
    synopsis = synopsis ".Fc\n"
    open_list()
    add(tag "\n" described(doc))
    functions = functions called "\n"
    note_errors(called, doc)
    if (group_text != "") {
        note_errors(called, group_text)
    }
}

# The members of a struct or the constants of an enum, each with its comment, which stands behind it or before it.
function members(s, separator, macro,  doc, end, decl, out) {
    while (s = trim(s)) {
        doc = ""
        if (s ~ /^\/\*\*[^<]/) {
            end = index(s, "*/")
            doc = inner(substr(s, 1, end + 1))
            s = trim(substr(s, end + 2))
        }
        while (s ~ /^\/\*[^*]/) {
            s = trim(substr(s, index(s, "*/") + 2))
        }
        if (s == "") {
            break
        }
        end = index(s, "/*")
        if (separator == "," && end && (index(s, ",") == 0 || index(s, ",") > end)) {
            decl = substr(s, 1, end - 1) # the last constant has no comma
            s = substr(s, end)
        } else if ((end = index(s, separator))) {
            decl = substr(s, 1, end - 1)
            s = substr(s, end + 1)
        } else {
            decl = s
            s = ""
        }
        s = trim(s)
        if (s ~ /^\/\*\*</) {
            end = index(s, "*/")
            doc = inner(substr(s, 1, end + 1))
            s = substr(s, end + 2)
        }
        decl = plain(decl)
        if (decl == "") {
            continue
        }
        out = out ".It " macro " " quoted(decl) "\n" described(doc)
    }
    return out == "" ? "" : ".Bl -tag -width 4n -compact\n" out ".El\n"
}

function type_item(s, doc,  open, close_, head, inside, called) {
    open = index(s, "{")
    if (!open) {
        open_list()
        s = plain(s)
        sub(/^typedef /, "", s)
        if (s ~ /^struct [a-z_0-9]+ [a-z_0-9]+$/) {
            sub(/^struct [a-z_0-9]+ /, "", s)
        }
        add(".It Vt " quoted(s) "\n" described(doc))
        return
    }
    head = substr(s, 1, open - 1)
    for (close_ = length(s); substr(s, close_, 1) != "}"; close_--) {
    }
    inside = substr(s, open + 1, close_ - open - 1)
    called = trim(substr(s, close_ + 1))
    head = plain(head)
    sub(/^typedef /, "", head)
    if (called == "") {
        called = head
    }
    open_list()
    add(".It Vt " quoted(called) " Pq " (head ~ /^enum/ ? "enum" : "struct") "\n" described(doc))
    add(members(inside, head ~ /^enum/ ? "," : ";", head ~ /^enum/ ? "Dv" : "Va"))
}

function macro_item(s, doc,  head, called) {
    sub(/^#define +/, "", s)
    match(s, /^[A-Za-z_0-9]+(\([^)]*\))?/)
    head = substr(s, 1, RLENGTH)
    called = head
    sub(/\(.*/, "", called)
    if (called ~ /__/ || doc == "") {
        return
    }
    open_list()
    add(".It Dv " quoted(head) "\n" described(doc))
    if (called ~ /^cnn_/) {
        functions = functions called "\n"
    }
}

# ---- a header ----

function header(text,  end, comment, doc, s, i, c, depth, title, rest) {
    doc = ""
    group_text = ""
    if (ARGC > 2) { # more than one header: each has a section
        add(".Ss cnn/" short "\n")
    }
    while (text = trim(text)) {
        if (text ~ /^\/\*\*/) {
            end = index(text, "*/")
            comment = inner(substr(text, 1, end + 1))
            text = substr(text, end + 2)
            if (comment ~ /^@file/) {
                sub(/^@file/, "", comment)
                add(described(trim(comment)))
                note_errors("*", comment)
            } else if (comment ~ /@name/) {
                rest = comment
                sub(/.*@name +/, "", rest)
                title = rest
                sub(/\n.*/, "", title)
                sub(/^[^\n]*/, "", rest)
                close_list()
                add(".Ss " words(title) "\n")
                sub(/@\{/, "", rest)
                group_text = trim(rest)
                add(described(group_text))
            } else if (comment ~ /@\}/) {
                close_list()
                group_text = ""
            } else {
                doc = comment
            }
        } else if (text ~ /^\/\*/) {
            text = substr(text, index(text, "*/") + 2)
        } else if (text ~ /^#/) {
            s = ""
            do {
                end = index(text, "\n")
                s = s (end ? substr(text, 1, end) : text)
                text = end ? substr(text, end + 1) : ""
            } while (s ~ /\\\n$/)
            if (s ~ /^#define/) {
                macro_item(s, doc)
                doc = ""
            }
        } else if (text ~ /^CNN_(BEGIN|END)_DECLS/) {
            sub(/^CNN_(BEGIN|END)_DECLS/, "", text)
        } else if (text ~ /^(extern "C" *\{|\})/) {
            sub(/^(extern "C" *\{|\})/, "", text)
        } else {
            depth = 0
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                if (c == "/" && substr(text, i, 2) == "/*") {
                    i += index(substr(text, i), "*/")
                } else if (c == "{") {
                    depth++
                } else if (c == "}") {
                    depth--
                } else if (c == ";" && depth == 0) {
                    break
                }
            }
            s = substr(text, 1, i - 1)
            text = substr(text, i + 1)
            if (s ~ /^CNN_API/) {
                function_item(s, doc)
            } else if (s ~ /^(typedef|struct|enum)/) {
                type_item(s, doc)
            } else {
                fail("what is " substr(s, 1, 60))
            }
            doc = ""
        }
    }
    close_list()
}

# ---- the page ----

function errors(  text, s, end, comment, i, n, who, out, all) {
    while ((getline s <status) > 0) {
        if (match(s, /CNN_ERROR_[A-Z_]+ = /)) {
            all = substr(s, RSTART, RLENGTH - 3)
            if (mentioned[all] != "") {
                comment = s
                sub(/.*\/\*\*< */, "", comment)
                sub(/ *\*\/.*/, "", comment)
                n = split(mentioned[all], who, " ")
                out = out ".It Bq Er " all "\n" fill(words(toupper(substr(comment, 1, 1)) substr(comment, 2) "."))
                if (n == 1 && who[1] == "*") {
                    continue
                }
                out = out "See\n"
                for (i = 1; i <= n; i++) {
                    if (who[i] != "*") {
                        out = out ".Fn " who[i] (i < n && !(i == n - 1 && who[n] == "*") ? " ,\n" : " .\n")
                    }
                }
            }
        }
    }
    close(status)
    return out == "" ? "" : ".Bl -tag -width 4n\n" out ".El\n"
}

function literal(file,  s, out, started) {
    while ((getline s <file) > 0) {
        if (!started && s ~ /^\/\*/) {
            sub(/^\/\* */, "", s)
            sub(/ *\*\/$/, "", s)
            out = fill(words(s)) ".Bd -literal\n"
            started = 1
            continue
        }
        gsub(/\\/, "\\e", s)
        gsub(/-/, "\\-", s)
        gsub(/\t/, "    ", s)
        out = out guard(s) "\n"
    }
    close(file)
    if (!started) {
        fail("the example " file " does not begin with a comment that says what it shows")
    }
    return out ".Ed\n"
}

FNR == 1 {
    if (name != "") {
        header(text)
    }
    text = ""
    name = FILENAME
    short = FILENAME
    sub(/.*include\/cnn\//, "", short)
    includes = includes ".In cnn/" short "\n"
    guarded = 0
}
# The guard of the header is no text of it.
/^#(ifndef|define) CNN_.*_H$/ { next }
{ text = text $0 "\n" }

END {
    if (failed) {
        exit 1
    }
    header(text)
    printf ".\\\" Made by docs/man/make.sh from the comments of the headers.\n.Dd %s\n.Dt %s 3\n.Os\n", date, toupper(page)
    printf ".Sh NAME\n.Nm %s\n.Nd %s\n", page, line
    printf ".Sh LIBRARY\n%s (\\-l%s%s)\n", library, substr(library, 4), (library == "libcnn" ? "" : " \\-lcnn")
    printf ".Sh SYNOPSIS\n%s%s", includes, synopsis
    printf ".Sh DESCRIPTION\n%s", body
    printf ".Sh EXAMPLES\n%s", literal(example)
    printf ".Sh ERRORS\n"
    printf "%s", fill(words("A function that returns a pointer returns NULL on failure, one that returns a `cnn_status` the status; an operation on " \
        "a tape returns the nil tensor, and its error is that of the step. The message, which names the call, what it was given and what it " \
        "expected, is"))
    printf ".Fn cnn_last_error .\n"
    printf "%s", errors()
    printf ".Sh SEE ALSO\n"
    n = split(see, other, " ")
    for (i = 1; i <= n; i++) {
        section = other[i] ~ /\.1$/ ? 1 : 3
        sub(/\.1$/, "", other[i])
        printf ".Xr %s %d%s\n", other[i], section, i < n ? " ," : ""
    }
    printf "%s", functions >list
    if (failed) {
        exit 1
    }
}
