#!/bin/sh
# Fetching from mirrors that misbehave: nothing that is not MNIST is kept, no more is taken than MNIST has, and a signal ends it
# within a second, with nothing left behind. With curl and with wget, whichever are there.
. "$(dirname "$0")/common.sh"
here=$(dirname "$(realpath "$0")")
digits_make "${2:-}"
quick="--limit 20 --batch-size 20 --epochs 0 --threads 1 --quiet"

server=
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT
python3 "$here/mirror.py" "$work" "${CNN_MNIST_DIR:-}" &
server=$!
tries=0
until [ -e "$work/port" ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "the mirror does not start"
    sleep 0.1
done
mirror=http://127.0.0.1:$(cat "$work/port")

# A folder in which nothing but the fetched files can appear: the digits are there already.
folder=$work/folder
mkdir "$folder"
ln -s "$(realpath "$digits")" "$folder/synthetic"
gzip -c "$digits/t10k-labels-idx1-ubyte" >"$work/secret.gz"
echo untouched >"$work/victim"

# A folder of programs that holds what fetching calls and no other one; every file is at most as large as MNIST's largest, in
# blocks of 512 bytes.
fetching()
{
    ulimit -f 91876
    # shellcheck disable=SC2086
    MNIST_MIRROR=$mirror/$1 exec env PATH="$work/$tool" "$program" --data "$folder" $quick >"$work/out" 2>"$work/err" </dev/null
}

# refused BEHAVIOUR MESSAGE: nothing is left, and the program says what happened.
refused()
{
    status=0
    (fetching "$1") || status=$?
    err=$(cat "$work/err")
    same "the exit status with a mirror that is $1 ($tool)" "$status" 0
    contains "what is said with a mirror that is $1 ($tool)" "$err" "^mnist_cnn: $2 $mirror/$1/train-images-idx3-ubyte\.gz$"
    contains "what is said with a mirror that is $1 ($tool)" "$err" '^MNIST is not there and cannot be fetched'
    same "what a mirror that is $1 leaves ($tool)" "$(ls -A "$folder")" synthetic
}

# running: how many programs fetch from this mirror; the bracket keeps grep from finding itself.
running()
{
    grep -lsa "[h]ttp://${mirror#http://}/" /proc/[0-9]*/cmdline | wc -l
}

# ended SIGNAL STATUS: sends it during a fetch that would never end.
ended()
{
    requests=$(wc -l <"$work/requests")
    (fetching slow) &
    pid=$!
    tries=0
    until [ "$(wc -l <"$work/requests")" -gt "$requests" ]; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { kill -KILL $pid; fail "nothing is fetched: $(cat "$work/err")"; }
        sleep 0.1
    done
    sleep 0.3
    names="$names $(ls -A "$folder")"
    [ "$(running)" = 1 ] || fail "$(running) programs fetch at once, expected 1 ($tool)"
    start=$(date +%s%N)
    kill -"$1" $pid
    status=0
    wait $pid || status=$?
    took=$((($(date +%s%N) - start) / 1000000))
    same "the exit status after SIG$1 ($tool)" "$status" "$2"
    [ $took -lt 1000 ] || fail "SIG$1 ends a fetch after $took ms ($tool)"
    same "what is said after SIG$1 ($tool)" "$(cat "$work/err")" ""
    same "what SIG$1 leaves ($tool)" "$(ls -A "$folder")" synthetic
    same "the programs that still run after SIG$1 ($tool)" "$(running)" 0
}

names=
touch "$work/requests"
for tool in curl wget; do
    if ! command -v $tool >/dev/null; then
        echo "fetch: skipped: $tool is not there"
        continue
    fi
    mkdir "$work/$tool"
    for command in $tool gzip sha256sum; do
        ln -s "$(command -v $command)" "$work/$tool/$command"
    done
    # planted by somebody else under the names of parts that an earlier version used
    ln -s "$work/victim" "$folder/train-images-idx3-ubyte.part"
    ln -s "$work/victim" "$folder/train-images-idx3-ubyte.part.gz"
    (fetching wrong)
    same "the file that planted links lead to" "$(cat "$work/victim")" untouched
    rm "$folder/train-images-idx3-ubyte.part" "$folder/train-images-idx3-ubyte.part.gz"
    refused wrong 'wrong SHA-256, not used:'
    refused plain 'not a gzip file:'
    refused empty '(could not fetch|not a gzip file:|wrong SHA-256, not used:)'
    refused truncated '(could not fetch|not a gzip file:)'
    refused too_long '(could not fetch|not a gzip file:)'
    refused bomb 'wrong SHA-256, not used:'
    refused endless '(could not fetch|not a gzip file:)'
    refused to_file 'could not fetch'
    refused loop 'could not fetch'
    refused absent 'could not fetch'
    ended INT 130
    ended TERM 143
    if hangup_is_ignored; then echo "fetch: skipped: SIGHUP, which is ignored here"; else ended HUP 129; fi
done

# What an endless answer could send is what the file has, 9,912,422 bytes, and what the pipes and sockets between hold.
[ -s "$work/sent" ] || fail "nobody asked for an endless answer"
while read -r sent; do
    checks=$((checks + 1))
    [ "$sent" -lt 40000000 ] || fail "$sent bytes of an endless answer were taken"
done <"$work/sent"

# No two partial files have the same name.
# shellcheck disable=SC2086
names=$(printf '%s\n' $names | grep -v '^synthetic$')
[ "$(printf '%s\n' "$names" | wc -l)" -ge 3 ] || fail "no partial files were seen"
same "the names of partial files that were used twice" "$(printf '%s\n' "$names" | sort | uniq -d)" ""

# nohup's promise: a SIGHUP that was ignored from the start stays so.
tool=$(command -v curl >/dev/null && echo curl || echo wget)
requests=$(wc -l <"$work/requests")
(trap '' HUP; fetching slow) &
pid=$!
until [ "$(wc -l <"$work/requests")" -gt "$requests" ]; do sleep 0.1; done
kill -HUP $pid
sleep 0.5
kill -0 $pid 2>/dev/null || fail "a SIGHUP that was ignored ends a fetch"
kill -TERM $pid
status=0
wait $pid || status=$?
same "the exit status after an ignored SIGHUP and a SIGTERM" "$status" 143

# A redirection to another place of the web is followed.
if [ -e "${CNN_MNIST_DIR:-}/t10k-labels-idx1-ubyte.gz" ] && [ -e "$CNN_MNIST_DIR/train-images-idx3-ubyte.gz" ]; then
    rm -r "$folder"
    (fetching moved) || fail "files that have moved are not fetched: $(cat "$work/err")"
    same "what is said about files that have moved" "$(cat "$work/err")" ""
    same "the files that had moved" "$(ls -A "$folder" | tr '\n' ' ')" \
        "t10k-images-idx3-ubyte t10k-labels-idx1-ubyte train-images-idx3-ubyte train-labels-idx1-ubyte "
    same "the mode of a fetched file" "$(stat -c %a "$folder/t10k-labels-idx1-ubyte")" "$(printf %o $((0666 & ~0$(umask))))"
else
    echo "fetch: skipped: MNIST's own files (CNN_MNIST_DIR does not name the folder of the gzipped ones)"
fi
passed
