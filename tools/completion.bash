# Completion of marquee and infer for bash. Commands and options the program itself is asked for; presets and schemas are those
# installed beside it; files and folders are bash's own business.
# shellcheck shell=bash

# A line of --help that tells an option: its letter, if it has one, its name, and what its argument is called, if it takes one.
_marquee_option='^ +(-([a-z]), )?(--[a-z0-9-]+)( ([A-Z]+))?'

_marquee()
{
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=() words=() line option='' argument='' share
    # --store=DIR are three words.
    [[ $word != = ]] || word=
    [[ $previous != = ]] || previous=${COMP_WORDS[COMP_CWORD - 2]}

    if [[ ${program##*/} != infer ]]; then
        if ((COMP_CWORD == 1)); then
            mapfile -t words < <("$program" --help 2>/dev/null | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
            mapfile -t COMPREPLY < <(compgen -W "${words[*]} --help --version" -- "$word")
            compopt +o default
            return
        fi
        command=("${COMP_WORDS[1]}")
    fi
    while IFS= read -r line; do
        [[ $line =~ $_marquee_option ]] || continue
        words+=("${BASH_REMATCH[3]}")
        if [[ $previous == "${BASH_REMATCH[3]}" || $previous == "-${BASH_REMATCH[2]:-none}" ]]; then
            option=${BASH_REMATCH[3]} argument=${BASH_REMATCH[5]}
        fi
    done < <("$program" "${command[@]}" --help 2>/dev/null)

    share=$(type -P "$program")
    share=${share%/*}/../share/marquee
    case $option:$argument in
    --model:NAME) mapfile -t words < <(compgen -G "$share/models/*.json") ;;
    --schema:NAME) mapfile -t words < <(compgen -G "$share/schemas/*.json") ;;
    *:DIR) words=() && compopt -o dirnames +o default ;;
    *:FILE) words=() ;;
    *:) [[ $word == -* ]] || words=() ;; # not an option's argument
    *) words=() && compopt +o default ;;
    esac
    words=("${words[@]##*/}")
    mapfile -t COMPREPLY < <(compgen -W "${words[*]%.json}" -- "$word")
}

complete -o default -F _marquee marquee infer
