# bash completion for rankpool

_rankpool() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local where='--hosts --hostfile --per --memory-per-worker --patience --help'
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'run topo doctor --help --version' -- "$word")
        return
    fi
    # An option's value stands behind "=", which is a word of its own here, or behind the option.
    [ "$before" = = ] && before=${COMP_WORDS[COMP_CWORD - 2]}
    [ "$word" = = ] && before=${COMP_WORDS[COMP_CWORD - 1]} && word=
    case $before in
    --per) mapfile -t COMPREPLY < <(compgen -W 'core thread l3 numa package' -- "$word"); return ;;
    --hostfile) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --hosts) mapfile -t COMPREPLY < <(compgen -A hostname -- "$word"); return ;;
    --memory-per-worker | --patience | --workers | -n) return ;;
    esac
    case $command:$word in
    run:-*) mapfile -t COMPREPLY < <(compgen -W "$where --workers --dry-run --quiet" -- "$word") ;;
    topo:-* | doctor:-*) mapfile -t COMPREPLY < <(compgen -W "$where --json" -- "$word") ;;
    run:* | doctor:*) mapfile -t COMPREPLY < <(compgen -c -- "$word"; compgen -f -- "$word") ;;
    esac
}
complete -o filenames -F _rankpool rankpool
