"""Slots: where in a text a route leads, and why it may lead to nothing that can be changed."""

from __future__ import annotations

from typing import NamedTuple

from rke2_policies.edits import Edit, RewriteError, Set
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence, resolve
from rke2_policies.route import Json, Route, Step, Templated
from rke2_policies.scalars import ScalarError, key_text
from rke2_policies.scalars import resolve as meaning


class Slot(NamedTuple):
    """A node, what it means, and where it stands: entry `place` of `parent`, under `key` if any."""

    node: Node
    value: Json
    parent: Mapping | Sequence | None = None
    key: Node | None = None
    place: int = 0


def walk(root: Node, tree: Json, edit: Edit) -> tuple[list[Slot], Route]:
    """Return the slots along an edit's route, and the steps for which nothing is written yet."""
    slots = [Slot(root, tree)]
    for done, step in enumerate(edit.route):
        slot = slots[-1]
        refuse_borrowed(slot)
        below = slot_below(slot, step)
        if below is None:
            merged = isinstance(slot.value, dict) and step in slot.value
            if merged and not (isinstance(edit, Set) and done == len(edit.route) - 1):
                raise RewriteError(f"{step} comes from another place, through the merge key <<")
            return slots, edit.route[done:]
        slots.append(below)
    return slots, ()


def slot_below(slot: Slot, step: Step) -> Slot | None:
    """Return where a step leads in the text; None where nothing is written there."""
    match slot.node, step:
        case Mapping(pairs=pairs) as mapping, str() if step in slot.value:
            for index in range(len(pairs) - 1, -1, -1):
                key, value = pairs[index]
                if _says(key, step):
                    return Slot(value, slot.value[step], mapping, key, index)
        case Sequence(items=items) as sequence, int() if 0 <= step < len(items):
            return Slot(items[step], slot.value[step], sequence, None, step)
    return None


def refuse_borrowed(slot: Slot) -> None:
    """Refuse to change what is written elsewhere, or by a template."""
    if isinstance(slot.node, Alias):
        name = slot.node.name
        raise RewriteError(
            f"the value is the alias *{name}; changing the anchor would change other places too"
        )
    if isinstance(slot.value, Templated):
        raise RewriteError("a template decides the value")


def refuse_properties(node: Node) -> None:
    """Refuse to write over a scalar that other places may refer to, or whose type is told."""
    if isinstance(node, Scalar) and node.anchor is not None:
        raise RewriteError(f"the value is the anchor &{node.anchor}, for other places to refer to")
    if isinstance(node, Scalar) and node.tag is not None:
        raise RewriteError("the value says its type with a tag")


def refuse_anchors(node: Node) -> None:
    """Refuse to take away what other places may refer to."""
    if isinstance(node, Alias):
        return
    if node.anchor is not None:
        raise RewriteError(f"the anchor &{node.anchor} stands in what would go")
    if isinstance(node, Sequence):
        for item in node.items:
            refuse_anchors(item)
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            refuse_anchors(key)
            refuse_anchors(value)


def _says(key: Node, name: str) -> bool:
    node = resolve(key)
    if not isinstance(node, Scalar):
        return False
    if node.value == name:
        return True
    try:
        return key_text(meaning(node.value, node.style, node.tag)) == name
    except ScalarError:
        return False
