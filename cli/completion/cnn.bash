# Completion of cnn's command line for bash.
_cnn()
{
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} options
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'info convert diff run bench help --help --version' -- "$word")
        return
    fi
    case $command in
    info) options='--nodes --json --help' ;;
    convert) options='--prefix --tensor --into --compress --json --help' ;;
    diff) options='--tolerance --json --help' ;;
    run) options='--input --output-dir --resize --crop --fit --mean --std --layout --threads --json --help' ;;
    bench) options='--input --resize --crop --fit --mean --std --layout --batch --size --steps --threads --json --help' ;;
    help)
        mapfile -t COMPREPLY < <(compgen -W 'info convert diff run bench' -- "$word")
        return
        ;;
    *) return ;;
    esac
    case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    esac
}
complete -o filenames -F _cnn cnn
