# Finds links that lead nowhere: awk -f check-links.awk FILE... reads pages of HTML, all by paths relative to the current folder, and prints
# "PAGE: LINK" for each href and src whose file is not among the names in the file `names` (-v names=FILE), or whose anchor the page that it
# leads to does not have. Links to other machines are not followed.

BEGIN {
    while ((getline name <names) > 0) {
        exists[name] = 1
    }
}

FNR == 1 {
    folder = FILENAME
    if (!sub(/[^\/]*$/, "", folder)) {
        folder = ""
    }
}

{
    rest = $0
    while (match(rest, /(id|name|href|src|data)="[^"]*"/)) {
        found = substr(rest, RSTART, RLENGTH - 1)
        rest = substr(rest, RSTART + RLENGTH)
        kind = found
        sub(/=.*/, "", kind)
        sub(/^[a-z]+="/, "", found)
        if (kind == "id" || kind == "name") {
            anchor[FILENAME "#" found] = 1
        } else if (found != "" && found !~ /^([a-z]+:|\/\/)/ && found !~ /^\$relpath/) {
            links++
            from[links] = FILENAME
            base[links] = folder
            link[links] = found
        }
    }
}

END {
    for (i = 1; i <= links; i++) {
        file = link[i]
        place = ""
        if ((hash = index(file, "#"))) {
            place = substr(file, hash + 1)
            file = substr(file, 1, hash - 1)
        }
        sub(/\?.*/, "", file)
        gsub(/&amp;/, "\\&", file)
        file = file == "" ? from[i] : base[i] file
        while (sub(/(^|\/)[^\/.]+\/\.\.\//, "/", file)) {
        }
        sub(/^\.?\//, "", file)
        if (!(file in exists)) {
            print from[i] ": " link[i]
            bad = 1
        } else if (place != "" && file ~ /\.html$/ && !((file "#" place) in anchor)) {
            print from[i] ": " link[i] " (there is no such place on that page)"
            bad = 1
        }
    }
    print links " links" >"/dev/stderr"
    exit bad
}
