"""Taking back an ignore: the comment or the annotation goes, or only some of the rules that it names."""

from __future__ import annotations

from collections.abc import Collection

from rke2_policies.edits import Edit, Remove, Reword, Set
from rke2_policies.finding import Fix, Safety
from rke2_policies.ignore import Ignore, with_names


def taking_back(ignore: Ignore, names: Collection[str] = (), safety: Safety = Safety.SAFE) -> Fix:
    """Return the fix that takes some rules out of an ignore, or without names all of it."""
    left = [name for name in ignore.said.names if name not in names] if names else []
    if left:
        title = f"take {' and '.join(names)} out of the ignore"
        return Fix(title, (_writing(ignore, _text(ignore, left)),), safety)
    return Fix("remove the ignore", (_removing(ignore),), safety)


def naming(ignore: Ignore, old: str, new: str) -> Fix:
    """Return the fix that names another rule in an ignore."""
    names = dict.fromkeys(new if name == old else name for name in ignore.said.names)
    edit = _writing(ignore, _text(ignore, names))
    return Fix(f"write {new}", (edit,), Safety.UNSAFE)


def _text(ignore: Ignore, names: Collection[str]) -> str:
    return with_names(ignore.text, names, is_comment=ignore.is_comment)


def _writing(ignore: Ignore, text: str) -> Edit:
    if ignore.place.span is not None:
        return Reword(ignore.place.span, ignore.text, text)
    return Set(ignore.place.route, text)


def _removing(ignore: Ignore) -> Edit:
    if ignore.place.span is not None:
        return Reword(ignore.place.span, ignore.text)
    # Without it, an empty `annotations` would stay behind.
    return Remove(ignore.place.route[:-1] if ignore.is_alone else ignore.place.route)
