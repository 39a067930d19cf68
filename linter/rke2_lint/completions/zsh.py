"""Completions for zsh, as a file `_rke2-lint` in its `fpath` or read in by `eval`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rke2_lint.command_line import Command, Option, Value

_SCRIPT = """\
#compdef rke2-lint
# Completions for rke2-lint in zsh. Written by `rke2-lint completions zsh`; as a file in a folder of fpath:
#     rke2-lint completions zsh > "${fpath[1]}/_rke2-lint"
# or in ~/.zshrc, below compinit:
#     eval "$(rke2-lint completions zsh)"

_rke2_lint_rules() {
    local -a rules=(
@RULES@
    )
    _describe -t rules rule rules "$@"
}

_rke2_lint_live_rules() {
    local -a rules=(
@LIVE@
    )
    _describe -t live-rules 'rule about live nodes' rules "$@"
}

_rke2_lint_all_rules() {
    _alternative 'rules:rule:_rke2_lint_rules' 'live-rules:rule about live nodes:_rke2_lint_live_rules'
}

_rke2_lint_rule_list() {
    _sequence _rke2_lint_rules
}

_rke2_lint_revisions() {
    local -a names=(HEAD ${(f)"$(git for-each-ref --format='%(refname:short)' refs/heads refs/tags refs/remotes 2>/dev/null)"})
    _describe -t revisions revision names
}

# One of these words, and behind `=` a file; the blank behind a word gives way to a sign.
_rke2_lint_word_or_file() {
    if compset -P '*='; then
        _files
    else
        compadd -S ' ' -r '=' -- "$@"
    fi
}

_rke2_lint_commands() {
    local -a commands=(
@COMMANDS@
    )
    _describe -t commands command commands
}

_rke2_lint_commands_or_files() {
    _alternative 'commands:command:_rke2_lint_commands' 'files:file:_files'
}

@FUNCTIONS@
_rke2-lint() {
    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _rke2_lint_commands_or_files
        return
    fi
    case $words[2] in
        (@NAMES@)
            local command=$words[2]
            shift words
            (( CURRENT-- ))
            _rke2_lint_of_$command
            ;;
        (*) _rke2_lint_of_check ;;
    esac
}

if [[ $funcstack[1] == _rke2-lint ]]; then
    _rke2-lint "$@"
else
    compdef _rke2-lint rke2-lint
fi
"""


def script(
    commands: Sequence[Command], rules: Sequence[tuple[str, str]], live: Sequence[tuple[str, str]]
) -> str:
    """Return the script; `rules` about files and `live` ones are names with summaries."""
    parts = {
        "RULES": _described(rules),
        "LIVE": _described(live),
        "COMMANDS": _described([(one.name, one.description) for one in commands]),
        "NAMES": "|".join(one.name for one in commands),
        "FUNCTIONS": "".join(_function(one) for one in commands),
    }
    written = _SCRIPT
    for name, text in parts.items():
        written = written.replace(f"@{name}@", text)
    return written


def _described(pairs: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"        {_quoted(f'{_escaped(name)}:{text}')}" for name, text in pairs)


def _function(command: Command) -> str:
    specs = [spec for option in command.options for spec in _specs(option)]
    if command.positional is not None and command.positional.value is not None:
        count = "*" if command.positional.repeatable else "1"
        specs.append(f"{count}:{_action(command.positional.metavar, command.positional.value)}")
    lines = " \\\n".join(f"        {_quoted(spec)}" for spec in specs)
    return f"_rke2_lint_of_{command.name}() {{\n    _arguments -s -S \\\n{lines}\n}}\n\n"


def _specs(option: Option) -> Iterator[str]:
    """Yield what `_arguments` reads, once for each name; one name excludes the others."""
    for name in option.names:
        others = "" if option.repeatable else f"({' '.join(option.names)})"
        start = f"{'*' if option.repeatable else others}{name}"
        described = f"[{_in_brackets(option.help)}]"
        if option.value is None:
            yield start + described
        else:
            sign = "=" if name.startswith("--") else "+"
            yield f"{start}{sign}{described}:{_action(option.metavar, option.value)}"


def _action(metavar: str, value: Value) -> str:
    what = _escaped(metavar.lower())
    match value.kind:
        case "words" if value.to_file:
            return f"{what}:{{_rke2_lint_word_or_file {' '.join(value.words)}}}"
        case "words":
            return f"{what}:({' '.join(value.words)})"
        case "rules":
            return f"{what}:_rke2_lint_all_rules"
        case "file-rules":
            return f"{what}:_rke2_lint_rule{'_list' if value.listed else 's'}"
        case "revision":
            return f"{what}:_rke2_lint_revisions"
        case "files":
            return f"{what}:_files"
        case _:  # what only the author knows
            return f"{what}: "


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")


def _in_brackets(text: str) -> str:
    return _escaped(text).replace("[", "\\[").replace("]", "\\]")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
