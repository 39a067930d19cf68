"""The sections of a page, with what folds within them."""

from __future__ import annotations

from collections.abc import Iterable

from rke2_lint.page.escape import text

_FOLDING = (
    '<p class="actions" data-scripted hidden>'
    '<button type="button" data-open="true">Unfold all</button>'
    '<button type="button" data-open="false">Fold all</button></p>'
)


def section(
    name: str, title: str, count: int, intro: str, inside: str, *, folding: bool = False
) -> str:
    """Return a section, called `name` in addresses. `folding`: with buttons for all that folds."""
    titled = heading(name, title, count)
    if folding:
        titled = f'<div class="titled">{titled}{_FOLDING}</div>'
    about = f'<p class="intro">{text(intro)}</p>' if intro else ""
    return f'<section id="{name}" aria-labelledby="{name}-title">\n{titled}{about}\n{inside}</section>\n'


def heading(name: str, title: str, count: int) -> str:
    """Return the heading of a section, with how many things are in it."""
    return f'<h2 id="{name}-title">{title} <span class="count">{count:,}</span></h2>'


def folded(title: str, inside: str) -> str:
    """Return what is shown when somebody asks for it. `title` and `inside` are HTML."""
    return (
        f'<details class="card fold"><summary>{title}</summary>'
        f'<div class="inside">{inside}</div></details>\n'
    )


def listed(lines: Iterable[str]) -> str:
    """Return lines of text as a list."""
    return f'<ul class="lines">{"".join(f"<li>{text(line)}</li>" for line in lines)}</ul>'


def nothing(said: str) -> str:
    """Return what stands where there is nothing to show."""
    return f'<p class="empty">{text(said)}</p>\n'


def none_left(items: str, said: str) -> str:
    """Return what stands where filters leave nothing of some items."""
    return f'<p class="empty" data-none="{items}" hidden>{text(said)}</p>\n'
