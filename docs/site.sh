#!/bin/sh
# What Doxygen cannot be told: usage: docs/site.sh HTML-FOLDER STYLE-FOLDER
# Groups of a header stand in its order; the index is one page, of functions, types, constants and macros alike, because the page of
# functions lacks the keyword macros; the text of a picture, which Doxygen writes below it, is its `alt`, too; and each program has a button
# that copies it, where the style's package has the script for it.
set -eu
html=$1 copy=$2/doxygen-awesome-fragment-copy-button.js

replace() { # FILE, and a filter that reads it
    file=$1
    shift
    "$@" >"$file.new"
    mv "$file.new" "$file"
}

find include/cnn -name '*.h' | while read -r header; do
    page=$html/$(basename "$header" .h | sed 's/_/__/g')_8h.html
    [ ! -f "$page" ] || replace "$page" awk -f docs/order-groups.awk "$header" "$page"
done

replace "$html/menudata.js" awk '
    /^{text:"Index",/ { print "{text:\"Index\",url:\"globals.html\"}]},"; skipped = 1; next }
    skipped && /^{text:"Structs"/ { skipped = 0 }
    !skipped' "$html/menudata.js"
replace "$html/navtreedata.js" awk '
    /\[ "Index", "globals.html", \[/ { sub(/\[ "Index".*/, "[ \"Index\", \"globals.html\", null ]"); print; skipped = 1; next }
    skipped && /^ *\] \]/ { skipped = 0; sub(/\] \]/, ""); gsub(/^ +/, ""); if ($0 != "") print; next }
    !skipped' "$html/navtreedata.js"

grep -l '<img src="[^"]*" alt=""/>$' "$html"/md_*.html "$html"/index.html | while read -r page; do
    replace "$page" awk '
        /<img src="[^"]*" alt=""\/>$/ {
            picture = $0
            below = caption = ""
            if ((getline below) > 0 && below == "<div class=\"caption\">" && (getline caption) > 0) {
                text = caption
                sub(/<\/div>.*/, "", text)
                gsub(/<[^>]*>/, "", text)
                gsub(/"/, "\\&quot;", text)
                gsub(/&/, "\\\\&", text)
                sub(/alt=""/, "alt=\"" text "\"", picture)
            }
            print picture
            $0 = below
            if (caption != "") {
                print below
                $0 = caption
            }
        }
        { print }' "$page"
done

if [ -e "$copy" ]; then
    cp "$copy" "$html"
    button='<script src="doxygen-awesome-fragment-copy-button.js"></script><script>DoxygenAwesomeFragmentCopyButton.init()</script>'
    grep -l 'class="fragment"' "$html"/*.html | while read -r page; do
        replace "$page" sed "s|</head>|$button</head>|" "$page"
    done
fi
