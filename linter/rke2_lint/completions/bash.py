"""Completions for bash, with and without the package bash-completion.

bash cuts a line at blanks and at `=`, and puts what completes the last piece in its place. The
script puts the words together again to understand them, and hands the last piece alone back.
Files are left to readline, which knows quotes and `~`: it is asked where the script has no answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rke2_lint.command_line import Command, Option, Value

_SCRIPT = """\
# Completions for rke2-lint in bash. Written by `rke2-lint completions bash`; in ~/.bashrc:
#     eval "$(rke2-lint completions bash)"

# Rules about files, and those about live nodes.
_rke2_lint_rules='
@RULES@'
_rke2_lint_live_rules='
@LIVE@'

# One of these words.
_rke2_lint_words() {
    local word
    compopt +o default 2>/dev/null
    for word in "$@"; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
    done
}

# One of these words in a list with commas that does not hold it yet. A comma or a blank may follow.
_rke2_lint_list() {
    local before='' word
    compopt +o default -o nospace 2>/dev/null
    [[ $cur == *,* ]] && before=${cur%,*},
    for word in "$@"; do
        [[ $before$word == "$cur"* && ,$before != *",$word,"* ]] && COMPREPLY+=("$before$word")
    done
}

# One of these words, and behind `=` a file.
_rke2_lint_word_or_file() {
    [[ $cur == *=* ]] || _rke2_lint_words "$@"
}

_rke2_lint_revisions() {
    # No name of a branch or a tag holds anything that bash would see something in.
    # shellcheck disable=SC2046
    _rke2_lint_words HEAD $(git for-each-ref --format='%(refname:short)' refs/heads refs/tags refs/remotes 2>/dev/null)
}

# What follows an option of a command. Status 1: nothing does.
_rke2_lint_value() {
    # shellcheck disable=SC2086
    case "$1 $2" in
@VALUES@
        *) return 1 ;;
    esac
}

_rke2_lint() {
    local -a words=()
    local word glued='' cur taken='' command=check only_files='' head=''
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ $word == = && ${#words[@]} -gt 1 ]]; then
            words[${#words[@]}-1]+="="
            glued=yes
        elif [[ $glued ]]; then
            words[${#words[@]}-1]+=$word
            glued=''
        else
            words+=("$word")
        fi
    done
    local last=$((${#words[@]} - 1))
    local whole=${words[last]}
    cur=$whole
    if ((last > 1)); then
        case ${words[1]} in
            @COMMANDS@) command=${words[1]} ;;
        esac
        for word in "${words[@]:1:last-1}"; do
            [[ $word == -- ]] && only_files=yes
        done
    fi

    if [[ $only_files ]]; then
        return
    elif [[ $whole == --*=* ]]; then
        taken=${whole%%=*}=
        cur=${whole#*=}
        _rke2_lint_value "$command" "${whole%%=*}" || return
    elif ((last > 1)) && _rke2_lint_value "$command" "${words[last-1]}"; then
        :
    elif [[ $cur == -* ]]; then
        case $command in
@OPTIONS@
        esac
    elif ((last == 1)); then
        _rke2_lint_words @NAMES@
        while IFS= read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -f -- "$cur")
        compopt -o default -o filenames 2>/dev/null
    else
        # shellcheck disable=SC2086
        case $command in
@POSITIONALS@
        esac
    fi

    [[ $COMP_WORDBREAKS == *=* && $whole == *=* ]] && head=${whole%"${whole##*=}"}
    local index
    for index in "${!COMPREPLY[@]}"; do
        word=$taken${COMPREPLY[index]}
        COMPREPLY[index]=${word#"$head"}
    done
}

complete -o default -F _rke2_lint rke2-lint
"""


def script(
    commands: Sequence[Command], rules: Sequence[tuple[str, str]], live: Sequence[tuple[str, str]]
) -> str:
    """Return the script; `rules` about files and `live` ones are names with summaries."""
    parts = {
        "RULES": "\n".join(name for name, _ in rules),
        "LIVE": "\n".join(name for name, _ in live),
        "COMMANDS": " | ".join(one.name for one in commands),
        "NAMES": " ".join(one.name for one in commands),
        "VALUES": _cases(_values(commands)),
        "OPTIONS": _cases(
            (one.name, f"_rke2_lint_words {' '.join(_spelt(one.options))}") for one in commands
        ),
        "POSITIONALS": _cases(
            (one.name, _completing(one.positional.value))
            for one in commands
            if one.positional is not None and one.positional.value is not None
        ),
    }
    written = _SCRIPT
    for name, text in parts.items():
        written = written.replace(f"@{name}@", text)
    return written


def _cases(cases: Iterator[tuple[str, str]]) -> str:
    return "\n".join(f"            {pattern}) {then} ;;" for pattern, then in cases)


def _values(commands: Sequence[Command]) -> Iterator[tuple[str, str]]:
    for command in commands:
        for option in command.options:
            if option.value is not None:
                pattern = " | ".join(f'"{command.name} {name}"' for name in option.names)
                yield pattern, _completing(option.value)


def _spelt(options: Sequence[Option]) -> Iterator[str]:
    """Yield the long names, and the short ones of those that have no other."""
    for option in options:
        yield from [name for name in option.names if name.startswith("--")] or option.names


def _completing(value: Value) -> str:
    match value.kind:
        case "words" if value.to_file:
            return f"_rke2_lint_word_or_file {' '.join(value.words)}"
        case "words":
            return f"_rke2_lint_words {' '.join(value.words)}"
        case "rules":
            return f"{_offering(value)} $_rke2_lint_rules $_rke2_lint_live_rules"
        case "file-rules":
            return f"{_offering(value)} $_rke2_lint_rules"
        case "revision":
            return "_rke2_lint_revisions"
        case "files":
            return ":"
        case _:  # what only the author knows
            return "_rke2_lint_words"


def _offering(value: Value) -> str:
    return "_rke2_lint_list" if value.listed else "_rke2_lint_words"
