# Completion of filmgate for bash. The program knows its options and the plugins that are there.
_filmgate() {
    local line=${COMP_LINE:0:COMP_POINT} words=() count=0 word i
    # Readline splits words at the characters of COMP_WORDBREAKS, a shell at white space: what
    # touches belongs together (blur:radius=5).
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $line != [[:space:]]* ]]; then
            ((i == COMP_CWORD)) && word=$line
            words[count - 1]+=$word
        else
            line=${line#"${line%%[![:space:]]*}"}
            ((i == COMP_CWORD)) && word=$line
            words[count++]=$word
        fi
        line=${line#"$word"}
    done
    local cur=${words[count - 1]} breaks= cut= candidate
    [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
    [[ $breaks ]] && cut=${cur%"${cur##*["$breaks"]}"}
    COMPREPLY=()
    while IFS= read -r candidate || [[ $candidate ]]; do
        [[ $candidate ]] || continue
        # A name or key is not the end of the word.
        [[ $candidate == *[:=/] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("${candidate#"$cut"}")
    done < <(FILMGATE_COMPLETE=bash _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((count - 1)) \
        "$1" -- "${words[@]}" 2>/dev/null)
}
complete -o bashdefault -F _filmgate filmgate
