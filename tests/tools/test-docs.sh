#!/bin/sh
# Proves tools/check-docs.sh and docs/check-links.awk on pages with faults. Usage: [CC=cc] [LIB=lib] test-docs.sh
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# found WHAT TEXT: the text is among what was said
found() {
    grep -qF -e "$2" "$work/said" && return
    echo "test-docs: $1: not found; expected \"$2\" in:" >&2
    sed 's/^/    /' "$work/said" >&2
    failures=$((failures + 1))
}

cat >"$work/page.md" <<'END'
# A page

[nowhere](#nowhere), [gone](gone.md), [here](#a-heading), `src/gone.c`

## A heading

```c
#include <stdio.h>
int main(void) { puts("a"); return 0; }
```
```text
b
```

```c
int main(void) { return 3; }
```

```c
return 1;
```

```c
*(volatile int *)0 = 1;
```

```c
cnn_backward(cnn_add(x, weight));
```

<!-- before: x = batch.images; -->
```c
if (x != batch.images) {
    return 1;
}
```

<!-- not run: nobody has the time -->
```c
for (;;) {
}
```

<!-- quotes tests/tools/test-docs.sh -->
```c
this line stands nowhere else, not even there
```
END
sed -i 's/not even there/not even '"'"'there'"'"'/' "$work/page.md"
"$here/tools/check-docs.sh" "$work/page.md" >"$work/said" 2>&1 && { echo "test-docs: a page of faults passes" >&2; failures=1; }
found "a program that prints something else" "page.md:7: prints"
found "a program that fails" "page.md:15: exit status 3"
found "a block that reports a failure" "page.md:19: fails when it is run (exit status 1)"
found "a block that crashes" "page.md:23: fails when it is run (exit status 139)"
found "a block that leaves its step failed" "do not broadcast"
found "a link to no page" "there is no $work/gone.md"
found "a link to no heading" "has no heading #nowhere"
found "a path to no file" "there is no ./src/gone.c"
found "a quotation that is none" "page.md:45: these lines are not in tests/tools/test-docs.sh"
for line in $(awk '/^if \(x/ || /^for \(;;/ { print NR - 1 }' "$work/page.md"); do
    ! grep -q "page.md:$line:" "$work/said" || { echo "test-docs: the block at line $line is good, but was found" >&2; failures=$((failures + 1)); }
done
! grep -q 'a-heading' "$work/said" || { echo "test-docs: the link to a heading is good, but was found" >&2; failures=$((failures + 1)); }

mkdir -p "$work/site/folder"
cd "$work/site" || exit 1
echo '<a id="top"></a><a href="b.html#there">1</a><a href="b.html#gone">2</a><a href="c.html">3</a><img src="a.svg"/><a href="https://x/">4</a>' >a.html
echo '<h2 id="there">x</h2><a href="a.html#top">5</a><a href="#there">6</a><a href="folder/d.html?x">7</a>' >b.html
: >folder/d.html
find . -type f | sed 's|^\./||' >../names
awk -f "$here/docs/check-links.awk" -v names=../names a.html b.html >"$work/said" 2>&1 && { echo "test-docs: dead links pass" >&2; failures=$((failures + 1)); }
found "a place that is not on the page" "b.html#gone (there is no such place on that page)"
found "a page that is missing" "c.html"
found "a picture that is missing" "a.svg"
[ "$(grep -c '^[ab].html: ' "$work/said")" = 3 ] || { echo "test-docs: expected three dead links:" >&2; cat "$work/said" >&2; failures=$((failures + 1)); }

[ $failures = 0 ] && echo "test-docs: what is planted is found, and what is good is not"
[ $failures = 0 ]
