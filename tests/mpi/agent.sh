#!/bin/sh
# What a launcher calls in place of ssh: agent.sh [OPTION]... HOST COMMAND... runs the command in the network namespace of a host of
# check-hosts.sh, under a name of its own. CNN_HOSTS is what the namespaces' names begin with.
while :; do
    case $1 in
    -x | -q | -n) shift ;;
    -o | -l | -p) shift 2 ;;
    *) break ;;
    esac
done
host=$1
shift
number=${host##*.}
exec ip netns exec "$CNN_HOSTS$number" unshare --uts sh -c "hostname $CNN_HOSTS$number; exec sh -c \"\$*\"" sh "$@"
