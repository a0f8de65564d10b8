#!/bin/sh
# Training over MPI on this machine: usage: check-mpi.sh PROGRAMS FLAVOUR..., where PROGRAMS has train-FLAVOUR.
# CNN_MPI_LONG=1: 8 processes too. A launcher that is missing is said and skipped.
set -u
programs=$1
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_base_warn_component_unused=0
# MPICH binds to no CPU; Open MPI does not with more processes than CPUs. Messages stay on this machine.
export HYDRA_IFACE=lo
failures=0

fail() {
    echo "check-mpi: $*"
    failures=$((failures + 1))
}

# launch FLAVOUR RANKS ARGUMENT...: at most a minute
launch() {
    flavour=$1 ranks=$2
    shift 2
    case $flavour in
    openmpi) timeout 60 "mpirun.openmpi" --oversubscribe --mca btl self,vader,tcp --mca btl_tcp_if_include lo -n "$ranks" "$programs/train-$flavour" "$@" ;;
    mpich) timeout 60 "mpirun.mpich" -n "$ranks" "$programs/train-$flavour" "$@" ;;
    *) timeout 60 mpirun -n "$ranks" "$programs/train-$flavour" "$@" ;;
    esac
}

digest() {
    launch "$@" 2>"$work/error" >"$work/out" || fail "$*: $(cat "$work/error")"
    awk '{ print $3 }' "$work/out"
}

# threads WHAT EXPECTED FLAVOUR RANKS [COMMAND...]: how many threads each of unbound processes has
cpus=$(nproc) first_cpu=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
threads() {
    what=$1 expected=$2 flavour=$3 ranks=$4
    shift 4
    case $flavour in
    openmpi) set -- mpirun.openmpi --oversubscribe --bind-to none --mca btl self,vader -n "$ranks" "$@" "$programs/train-$flavour" threads ;;
    mpich) set -- mpirun.mpich -n "$ranks" "$@" "$programs/train-$flavour" threads ;;
    *) return ;;
    esac
    found=$(timeout 60 "$@" 2>"$work/error" | sort -u)
    [ "$found" = "$expected" ] || fail "$what: threads are \"$found\", expected \"$expected\": $(cat "$work/error")"
}

same() { # WHAT EXPECTED FOUND
    [ "$2" = "$3" ] && [ -n "$2" ] || fail "$1: weights $3, expected $2"
}

reference= after_two=
for flavour; do
    case $flavour in mpi) launcher=mpirun ;; *) launcher=mpirun.$flavour ;; esac
    if ! command -v "$launcher" >/dev/null 2>&1; then
        echo "skipped: $flavour: there is no $launcher"
        continue
    fi
    # The bits are those of one process, over the other MPI too.
    [ -n "$reference" ] || reference=$(digest "$flavour" 1)
    for ranks in 1 2 3 4 ${CNN_MPI_LONG:+8}; do
        same "$flavour, $ranks processes" "$reference" "$(digest "$flavour" "$ranks" threads $((ranks % 3 + 1)))"
    done
    # A checkpoint of 4 processes goes on with others.
    [ -n "$after_two" ] || after_two=$(digest "$flavour" 1 epochs 2)
    same "$flavour, saving" "$reference" "$(digest "$flavour" 4 save "$work/$flavour")"
    for ranks in 1 2 ${CNN_MPI_LONG:+8}; do
        same "$flavour, resumed by $ranks processes" "$after_two" "$(digest "$flavour" "$ranks" epochs 2 resume "$work/$flavour")"
    done
    launch "$flavour" 3 fast >"$work/out" 2>&1 || fail "$flavour, fast: $(cat "$work/out")"
    # One that does not answer is said by the others, which give up what is on its way; MPI lets nobody cancel a sum.
    for how in "epochs 1" fast; do
        # shellcheck disable=SC2086
        launch "$flavour" 3 $how stall 1 >"$work/out" 2>&1 && fail "$flavour, $how: a process stalled, and all is well"
        grep -q '^train: .*no process of the group has answered for 1 seconds' "$work/out" ||
            fail "$flavour, $how: a process stalled: $(cat "$work/out")"
    done
    # One that leaves within a step is said by the others at once, and why.
    begun=$(date +%s)
    launch "$flavour" 3 epochs 1 leave 1 >"$work/out" 2>&1 && fail "$flavour: a process left, and all is well"
    took=$(($(date +%s) - begun))
    [ $took -le 10 ] || fail "$flavour: $took seconds after a process left"
    grep -q '^train: .*: process 1 has given up: a step was freed before cnn_data_parallel_end()$' "$work/out" ||
        fail "$flavour: a process left: $(cat "$work/out")"
    # Under the other MPI's launcher each would be alone.
    case $flavour in openmpi) other=mpich set=PMI_SIZE=3 ;; *) other=openmpi set=OMPI_COMM_WORLD_SIZE=3 ;; esac
    if [ "$flavour" != mpi ]; then
        env "$set" "$programs/train-$flavour" >"$work/out" 2>&1 && fail "$flavour: it trains alone under another launcher"
        grep -qE "^train: mpi_begin: .* started 3 processes \(${set%=3}\), .* use libcnn-mpi-$other\$" "$work/out" ||
            fail "$flavour, with $set: $(cat "$work/out")"
        if command -v "mpirun.$other" >/dev/null 2>&1; then
            timeout 60 "mpirun.$other" $([ $other = openmpi ] && echo --oversubscribe) -n 2 "$programs/train-$flavour" >"$work/out" 2>&1 &&
                fail "$flavour: it trains under mpirun.$other"
            grep -q "^train: mpi_begin: .* started 2 processes" "$work/out" ||
                fail "$flavour, by mpirun.$other: $(cat "$work/out")"
        fi
    fi
    # A rank that dies ends all, with a failure, within ten seconds. The launcher says so.
    begun=$(date +%s)
    launch "$flavour" 3 epochs 100000 die 1 >"$work/out" 2>&1 && fail "$flavour: a process was killed, and all is well"
    took=$(($(date +%s) - begun))
    [ $took -le 10 ] || fail "$flavour: $took seconds after a process was killed"
    { grep -q '^train: rank 1 dies$' "$work/out" && grep -qE 'on signal 9|EXIT CODE: 9|KILLED BY SIGNAL: 9' "$work/out"; } ||
        fail "$flavour: a process was killed: $(cat "$work/out")"
    # One that is stopped, as by a machine that hangs, is found by the next one; an MPI that hangs, by the process itself too.
    for how in "stop 1" "stuck 1" "stuck 3"; do
        begun=$(date +%s)
        # shellcheck disable=SC2086
        launch "$flavour" 3 epochs 100000 $how >"$work/out" 2>&1 && fail "$flavour, $how: all is well"
        took=$(($(date +%s) - begun))
        [ $took -le 10 ] || fail "$flavour, $how: it took $took seconds"
        # Where an MPI hangs, its process and the next one find it within the same second, and one of them ends all.
        silent='process 1 has given no sign of life' stuck='a call of the transport has not returned'
        case $how in stuck\ 3) said=$stuck ;; stuck*) said="($silent|$stuck)" ;; *) said=$silent ;; esac
        grep -qE "^train: .*$said for 6 seconds\$" "$work/out" || fail "$flavour, $how: $(cat "$work/out")"
    done
    # A sample that one process cannot read, in the middle of an epoch, is said by all, and all end.
    begun=$(date +%s)
    launch "$flavour" 3 epochs 100000 bad 41 >"$work/out" 2>&1 && fail "$flavour: a sample is bad, and all is well"
    took=$(($(date +%s) - begun))
    [ $took -le 10 ] || fail "$flavour: $took seconds after a bad sample"
    [ "$(grep -cE '^train: rank [012]: .*sample 41' "$work/out")" = 3 ] || fail "$flavour: a sample is bad: $(cat "$work/out")"
    # MPI's end is waited for a second alone: then the process ends with its own status, and all that it printed is there.
    for expected in 0 3; do
        begun=$(date +%s)
        timeout 60 "$programs/train-$flavour" hang $expected >"$work/out" 2>&1
        status=$? took=$(($(date +%s) - begun))
        { [ $status = $expected ] && [ $took -le 10 ] && [ "$(awk '{ print $3 }' "$work/out")" = "$reference" ]; } ||
            fail "$flavour: MPI_Finalize() hangs: status $status, expected $expected, after $took seconds: $(cat "$work/out")"
        timeout 60 "$programs/train-$flavour" hang $expected >/dev/full 2>"$work/error"
        status=$?
        [ $status = $((expected > 0 ? expected : 1)) ] || fail "$flavour: MPI_Finalize() hangs on a full disk: status $status"
    done
    # Threads follow the binding: CPUs are divided by the processes that are bound to them, and each has one at least.
    threads "$flavour, one process of one CPU" 1 "$flavour" 1 taskset -c "$first_cpu"
    threads "$flavour, one process" "$cpus" "$flavour" 1
    threads "$flavour, two processes" "$([ "$cpus" -gt 1 ] && echo $((cpus / 2)) || echo 1)" "$flavour" 2
    threads "$flavour, two processes of one CPU" 1 "$flavour" 2 taskset -c "$first_cpu"
    if [ "$flavour" = openmpi ] && [ "$cpus" -gt 1 ]; then
        found=$(timeout 60 mpirun.openmpi --bind-to core --report-bindings --mca btl self,vader -n 2 "$programs/train-$flavour" threads 2>"$work/error" | tr '\n' ' ')
        # A core may have several CPUs.
        per_core=$(lscpu --parse=CORE 2>/dev/null | grep -v '^#' | sort | uniq -c | awk 'NR == 1 { print $1 }')
        [ "$found" = "${per_core:-1} ${per_core:-1} " ] || fail "$flavour, bound to cores: \"$found\" threads, expected ${per_core:-1} each: $(cat "$work/error")"
    fi
done
[ $failures = 0 ] && echo "check-mpi: $* agree"
