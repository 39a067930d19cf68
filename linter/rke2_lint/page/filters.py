"""Filters: a form that hides what is not asked for, with a script and without one.

An element with `data-item` is shown or hidden; a word in its `data-<facet>`, or in that of the
`data-group` it lies in, says what it is. Without a script the same choices work by style alone, but for the
search of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rke2_lint.page.escape import text

_WORD = re.compile(r"[a-z0-9-]+")


class Choice(NamedTuple):
    """One value of a facet, and how many items have it."""

    value: str
    number: int
    kind: str = ""
    """The class of the badge it is shown as."""


class Facet(NamedTuple):
    """One thing to choose by. Many choices are a list to pick one from, few are all in sight."""

    name: str
    label: str
    choices: Sequence[Choice]
    pick: bool = False


def form(facets: Iterable[Facet]) -> str:
    """Return the form, and where a screen reader hears how much is left."""
    facets = list(facets)
    picked = "".join(_picked(facet) for facet in facets if facet.pick)
    chosen = "".join(_chosen(facet) for facet in facets if not facet.pick)
    return (
        '<form class="filters" role="search" aria-label="Filter this page" autocomplete="off">'
        '<div class="panel">\n'
        '<p class="field search" data-scripted hidden><label for="filter-text">Search</label>'
        '<input id="filter-text" type="search" name="q" placeholder="Name, file, rule, text&#8230;"'
        ' spellcheck="false" autocapitalize="none"></p>\n'
        f'{picked}<p class="field"><button type="reset">Clear filters</button></p>\n{chosen}'
        '<p class="status" role="status" aria-live="polite" data-status></p>\n'
        "<noscript><p>Search the text of this page with your browser: its own search needs"
        " JavaScript.</p></noscript>\n"
        "</div></form>\n"
    )


def _chosen(facet: Facet) -> str:
    boxes = "".join(
        f'<label class="chip"><input type="checkbox" name="{facet.name}" value="{choice.value}">'
        f'<span class="{choice.kind}">{choice.value.replace("-", " ")}'
        f" <b>{choice.number:,}</b></span></label>"
        for choice in facet.choices
    )
    return f'<fieldset class="field"><legend>{text(facet.label)}</legend>{boxes}</fieldset>\n'


def _picked(facet: Facet) -> str:
    options = "".join(
        f'<option value="{choice.value}">{choice.value} ({choice.number:,})</option>'
        for choice in facet.choices
    )
    name = facet.name
    return (
        f'<p class="field"><label for="filter-{name}">{text(facet.label)}</label>'
        f'<select id="filter-{name}" name="{name}"><option value="">all</option>{options}</select></p>\n'
    )


def style(facets: Iterable[Facet], groups: Iterable[tuple[str, str]]) -> str:
    """Return the style that filters where there is no script.

    `groups` are the pairs of a facet and of words that groups say for it: a group is hidden where
    nothing in it is left.
    """
    names = {facet.name: facet for facet in facets}
    rules = [
        _hidden(facet, (choice.value,), f'[data-{facet.name}="{choice.value}"]')
        for facet in names.values()
        for choice in facet.choices
    ]
    for name, words in sorted(set(groups)):
        if " " in words:  # one word is the same as that of an item
            rules.append(_hidden(names[name], words.split(), f'[data-{name}="{words}"]'))
    return "".join(rules)


def _hidden(facet: Facet, values: Sequence[str], what: str) -> str:
    """Return the rule that hides elements where something is chosen, but none of these values."""
    for value in (facet.name, *values):
        if not _WORD.fullmatch(value):
            raise ValueError(f"{value!r} is no word for a filter")
    if facet.pick:
        some = f'#filter-{facet.name} option:checked:not([value=""])'
        these = ",".join(f'#filter-{facet.name} option[value="{one}"]:checked' for one in values)
    else:
        some = f"[name={facet.name}]:checked"
        these = ",".join(f'[name={facet.name}][value="{one}"]:checked' for one in values)
    return (
        f"body:has({some}):not(:has({these})) :is([data-item],[data-group]){what}{{display:none}}\n"
    )
