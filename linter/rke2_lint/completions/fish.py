"""Completions for fish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rke2_lint.command_line import Command, Option, Value

_SCRIPT = """\
# Completions for rke2-lint in fish. Written by `rke2-lint completions fish`; as a file that fish reads by itself:
#     rke2-lint completions fish > ~/.config/fish/completions/rke2-lint.fish

# The command that is being written: the first word, or `check` where that is none.
function __rke2_lint_command
    set -l words (commandline -opc)
    if set -q words[2]; and contains -- $words[2] @NAMES@
        echo $words[2]
    else
        echo check
    end
end

function __rke2_lint_is
    test (__rke2_lint_command) = $argv[1]
end

function __rke2_lint_first
    test (count (commandline -opc)) -eq 1
end

function __rke2_lint_rules
    printf '%s\\t%s\\n' \\
@RULES@
end

function __rke2_lint_live_rules
    printf '%s\\t%s\\n' \\
@LIVE@
end

# Words in a list with commas, without those that stand there already.
function __rke2_lint_list
    set -l before (string match -r '^(?:.*[,=])?' -- (commandline -ct))
    set -l names (string replace -r '^--[^=]*=' '' -- $before)
    __rke2_lint_rules | while read -l line
        set -l name (string split -m 1 \\t -- $line)
        contains -- $name[1] (string split , -- $names)
        or printf '%s%s\\n' $names $line
    end
end

# One of these words, and behind `=` a file.
function __rke2_lint_word_or_file
    set -l written (string replace -r '^--[^=]*=' '' -- (commandline -ct))
    if string match -q '*=*' -- $written
        set -l parts (string split -m 1 = -- $written)
        printf "$parts[1]=%s\\n" (__fish_complete_path $parts[2])
    else
        printf '%s\\n' $argv
    end
end

function __rke2_lint_revisions
    echo HEAD
    git for-each-ref --format='%(refname:short)' refs/heads refs/tags refs/remotes 2>/dev/null
end

@COMPLETIONS@
"""


def script(
    commands: Sequence[Command], rules: Sequence[tuple[str, str]], live: Sequence[tuple[str, str]]
) -> str:
    """Return the script; `rules` about files and `live` ones are names with summaries."""
    parts = {
        "NAMES": " ".join(one.name for one in commands),
        "RULES": _described(rules),
        "LIVE": _described(live),
        "COMPLETIONS": "\n".join(_completions(commands)),
    }
    written = _SCRIPT
    for name, text in parts.items():
        written = written.replace(f"@{name}@", text)
    return written


def _described(pairs: Sequence[tuple[str, str]]) -> str:
    return " \\\n".join(f"        {_quoted(name)} {_quoted(text)}" for name, text in pairs)


def _completions(commands: Sequence[Command]) -> Iterator[str]:
    for one in commands:
        yield (
            f"complete -c rke2-lint -n __rke2_lint_first -a {one.name} "
            f"-d {_quoted(one.description)}"
        )
    for one in commands:
        here = f"complete -c rke2-lint -n '__rke2_lint_is {one.name}'"
        for option in one.options:
            yield f"{here} {' '.join(_parts(option))}"
        if one.positional is not None and one.positional.value is not None:
            if one.positional.value.kind == "files":
                continue  # fish offers them by itself
            behind = f"'__rke2_lint_is {one.name}; and not __rke2_lint_first'"
            yield f"complete -c rke2-lint -n {behind} {_completing(one.positional.value)}"


def _parts(option: Option) -> Iterator[str]:
    for name in option.names:
        yield f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
    yield f"-d {_quoted(option.help)}"
    if option.value is not None:
        yield f"-r {_completing(option.value)}"


def _completing(value: Value) -> str:
    match value.kind:
        case "words" if value.to_file:
            return f"-f -a '(__rke2_lint_word_or_file {' '.join(value.words)})'"
        case "words":
            return f"-f -a {_quoted(' '.join(value.words))}"
        case "rules":
            return "-f -a '(__rke2_lint_rules; __rke2_lint_live_rules)'"
        case "file-rules":
            return f"-f -a '(__rke2_lint_{'list' if value.listed else 'rules'})'"
        case "revision":
            return "-f -a '(__rke2_lint_revisions)'"
        case "files":
            return "-F"
        case _:  # what only the author knows
            return "-f"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
