# A filter of Doxygen's for pages of Markdown, whose links know headings by names that Markdown's readers make of them (#heading,
# page.md#heading): Doxygen wants these names written out. Each heading that a link leads to gets one, which begins with its page's.
# A link to a file that is no page of the site (CHANGELOG.md, ../examples/web/net.c) becomes its text. The number of lines stays the same.

# The name of a heading: small letters, hyphens for spaces, nothing else but letters, digits and underscores.
function slug(heading) {
    while (match(heading, /\[[^]]*\]\([^)]*\)/)) {
        heading = substr(heading, 1, RSTART - 1) substr(heading, RSTART + 1, index(substr(heading, RSTART), "]") - 2) \
            substr(heading, RSTART + RLENGTH)
    }
    heading = tolower(heading)
    gsub(/ /, "-", heading)
    gsub(/[^a-z0-9_-]/, "", heading)
    return heading
}

function page_of(path) {
    sub(/.*docs\//, "", path)
    sub(/^(\.\.\/)+/, "", path)
    sub(/\.md$/, "", path)
    gsub(/\//, "_", path)
    return path
}

function links(text,  out, target, page) {
    while (match(text, /\]\([^)# ]*#[^)]*\)/)) {
        target = substr(text, RSTART + 2, RLENGTH - 3)
        page = target
        sub(/#.*/, "", page)
        out = out substr(text, 1, RSTART - 1)
        if (target ~ /^[a-z]+:/ || page ~ /\.html$/) {
            out = out "](" target ")"
        } else {
            sub(/^[^#]*#/, "", target)
            out = out "](#" (page == "" ? here : page_of(page)) "_" target ")"
        }
        text = substr(text, RSTART + RLENGTH)
    }
    return out text
}

# Links out of this folder that lead to no page of Markdown are to sources, which the site does not have. Doxygen takes the text of a link to a
# page as it is, backticks and all.
function plain_links(text,  out, link, name, end) {
    while (match(text, /\[[^]]*\]\([^)]*\)/)) {
        link = substr(text, RSTART, RLENGTH)
        out = out substr(text, 1, RSTART - 1)
        text = substr(text, RSTART + RLENGTH)
        end = index(link, "](")
        if (link ~ /\]\(\.\.\// && link !~ /\.md(#[^)]*)?\)$/) {
            link = substr(link, 2, end - 2)
        } else if (link !~ /\]\([a-z]+:/ && link ~ /\.md(#[^)]*)?\)$/) {
            name = substr(link, 1, end)
            gsub(/`/, "", name)
            link = name substr(link, end + 1)
        }
        out = out link
    }
    return out text
}

# The names of all headings that links lead to, whatever the page.
BEGIN {
    here = page_of(ARGV[1])
    while (("cat docs/*.md docs/notes/*.md SECURITY.md" | getline text) > 0) {
        while (match(text, /\]\([^)# ]*#[^)]*\)/)) {
            name = substr(text, RSTART, RLENGTH - 1)
            sub(/^[^#]*#/, "", name)
            linked[name] = 1
            text = substr(text, RSTART + RLENGTH)
        }
    }
}
/^```/ { fence = !fence }
fence || /^    / { print; next }
{
    gsub(/\]\(CHANGELOG\.md\)/, "](CHANGELOG)")
    if (match($0, /\[[^]]*\]\(CHANGELOG\)/)) {
        $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + 1, RLENGTH - 14) substr($0, RSTART + RLENGTH)
    }
    $0 = links(plain_links($0))
}
/^###* / {
    name = $0
    sub(/^#* /, "", name)
    name = slug(name)
    again = seen[name]++
    name = name (again ? "-" again : "") # the second one of a name is name-1
    print $0 (name in linked ? " {#" here "_" name "}" : "")
    next
}
{ print }
