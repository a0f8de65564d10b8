# shellcheck shell=sh disable=SC2034
# How the scripts of this folder start an example by several processes; sourced after ../example/common.sh. $flavour is the MPI.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_base_warn_component_unused=0
export OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_rmaps_base_oversubscribe=1 HYDRA_IFACE=lo

# launched RANKS ARGUMENT...: as run
launched() {
    ranks=$1
    shift
    started "$ranks" "$program" "$@"
}

# started RANKS COMMAND...
started() {
    ranks=$1
    shift
    status=0 begun=$(date +%s)
    timeout 60 "mpirun.$flavour" -n "$ranks" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    took=$(($(date +%s) - begun))
    out=$(cat "$work/out")
    err=$(cat "$work/err")
}

# ended WHAT PATTERN: a failure in time, and one line of the program's
ended() {
    [ "$status" != 0 ] && [ "$status" != 124 ] || fail "$flavour, $1: exit status $status"
    [ $took -le 10 ] || fail "$flavour, $1: it took $took seconds"
    [ -z "$2" ] || same "$flavour, $1: the number of messages" "$(grep -cE "^(${program##*/}|interrupted)" "$work/err")" 1
    [ -z "$2" ] || contains "$flavour, $1: the message" "$err" "$2"
    checks=$((checks + 1))
}
