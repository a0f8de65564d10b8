# Puts the groups of a header's page in the order of the header: awk -f order-groups.awk HEADER PAGE. Doxygen puts those with an
# enumeration first. What is in no group (functions, structs) stays behind them.
NR == FNR {
    if (match($0, /@name /)) {
        name = substr($0, RSTART + 6)
        place[name] = ++names
    }
    next
}

# A section is a table; the line that ends one begins the next.
/<table class="memberdecls">/ {
    if (!started) {
        started = 1
        sub(/<table class="memberdecls">/, "")
        print
    } else {
        sub(/^<\/table><table class="memberdecls">/, "")
    }
    section = ++sections
    text[section] = $0
    rank[section] = names + section
    next
}
section && /^<\/table>/ {
    for (r = 1; r <= names + sections; r++) {
        for (s = 1; s <= sections; s++) {
            if (rank[s] == r) {
                print "<table class=\"memberdecls\">" text[s] "\n</table>"
            }
        }
    }
    section = 0
    sub(/^<\/table>/, "")
    print
    next
}
section {
    if (match($0, /<h2 class="groupheader">[^<]*<\/h2>/)) {
        title = substr($0, RSTART + 24, RLENGTH - 29)
        gsub(/&#39;/, "'", title)
        if (title in place) {
            rank[section] = place[title]
        }
    }
    text[section] = text[section] "\n" $0
    next
}
{ print }
