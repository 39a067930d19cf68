"""What does an environment list of kube-proxy come to, entry by entry, and what is written where the pin is missing?"""

from __future__ import annotations

from typing import Any

import pytest

from rke2_policies.document import DocumentId, Place
from rke2_policies.edits import Append, Edit, Set
from rke2_policies.pin import (
    LEGACY,
    NFT,
    Entry,
    Pin,
    addition,
    entries,
    names_variable,
    variable_of,
)
from rke2_policies.route import MISSING, Templated

HERE = Place(DocumentId("config.yaml"), ("kube-proxy-extra-env",))


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        pytest.param(MISSING, [], id="nothing"),
        pytest.param([], [], id="an empty list"),
        pytest.param(None, [""], id="null"),
        pytest.param("A=1", ["A=1"], id="a scalar"),
        pytest.param(["A=1", "B=2"], ["A=1", "B=2"], id="a list"),
        pytest.param(["  A=1\t\n"], ["A=1"], id="white space around"),
        pytest.param(["A= 1 "], ["A= 1"], id="white space inside"),
        pytest.param([None, True, False, 42, 1.5], ["", "true", "false", "42", "1.5"], id="no texts"),
        pytest.param([["A=1", "B=2"]], ["A=1"], id="a list in the list: its first item"),
        pytest.param([[["A=1"], "B=2"]], ["A=1"], id="a list in a list in the list"),
        pytest.param([[]], [""], id="an empty list in the list"),
        pytest.param({"A": "1"}, ["[{A 1}]"], id="a mapping"),
        pytest.param([{"A": "1", "B": None}], ["[{A 1} {B }]"], id="a mapping in the list"),
        pytest.param([Templated(" {{ x }} ")], [" {{ x }} "], id="what a template says"),
    ],
)  # fmt: skip
def test_a_value_becomes_arguments(value: Any, texts: list[str]) -> None:
    assert [entry.text for entry in entries(value, HERE)] == texts


def test_an_argument_knows_its_place() -> None:
    first, second = entries(["A=1", [["B=2"]]], HERE)
    assert (first.place, second.place) == (HERE / 0, HERE / 1 / 0 / 0)
    assert (second.name, second.setting, second.value) == ("B", "2", [["B=2"]])
    assert (Entry("A", HERE, "A").name, Entry("A=b=c", HERE, "").setting) == ("", "b=c")


@pytest.mark.parametrize(
    ("value", "verdict", "mode"),
    [
        pytest.param(MISSING, "unpinned", None, id="nothing"),
        pytest.param(["A=1"], "unpinned", None, id="others only"),
        pytest.param(["IPTABLES_MODE"], "unpinned", None, id="no equals sign"),
        pytest.param(["iptables_mode=nft", "XIPTABLES_MODE=nft"], "unpinned", None, id="other names"),
        pytest.param(["IPTABLES_MODE="], "unpinned", "", id="empty"),
        pytest.param(["IPTABLES_MODE=nft"], "pinned", "nft", id="nft"),
        pytest.param(["IPTABLES_MODE=legacy"], "other", "legacy", id="legacy"),
        pytest.param(["IPTABLES_MODE=NFT"], "broken", "NFT", id="capitals"),
        pytest.param(["IPTABLES_MODE=legacy", "IPTABLES_MODE=nft"], "pinned", "nft", id="the last counts"),
        pytest.param(["IPTABLES_MODE=nft", "IPTABLES_MODE=legacy"], "other", "legacy", id="the last counts, legacy"),
        pytest.param(["IPTABLES_MODE=nft", "IPTABLES_MODE="], "unpinned", "", id="the last counts, empty"),
        pytest.param(["IPTABLES_MODE=$(A)"], "unknown", "$(A)", id="another variable's value"),
        pytest.param([Templated("IPTABLES_MODE={{ x }}")], "unknown", "{{ x }}", id="a template's value"),
        pytest.param([Templated("{{ x }}")], "unknown", None, id="a template's entry"),
        pytest.param([Templated("{{ x }}=nft")], "unknown", None, id="a template's name"),
        pytest.param([Templated("A={{ x }}")], "unpinned", None, id="another variable of a template"),
        pytest.param([Templated("{{ x }}"), "IPTABLES_MODE=nft"], "pinned", "nft", id="after a template"),
    ],
)  # fmt: skip
def test_a_list_comes_to_the_last_that_it_says(value: Any, verdict: str, mode: str | None) -> None:
    reading = NFT.read(entries(value, HERE))
    assert (reading.verdict, reading.value) == (verdict, mode)


@pytest.mark.parametrize(
    ("value", "of_nft", "of_legacy"),
    [
        ("nft", "pinned", "other"), ("legacy", "other", "pinned"),
        ("nft -f", "pinned", "other"), ("legacy -f", "other", "pinned"),
        (" nft\t\n", "pinned", "other"), ("nft legacy", "broken", "broken"), ("-f nft", "broken", "broken"),
        ("nft\r", "broken", "broken"), ("nft\x0b", "broken", "broken"), ("nft\u00a0", "broken", "broken"),
        (" ", "broken", "broken"), ("", "unpinned", "unpinned"),
    ],
    ids=repr,
)  # fmt: skip
def test_the_shell_makes_words_of_a_value(value: str, of_nft: str, of_legacy: str) -> None:
    assert (NFT.judge(value), LEGACY.judge(value)) == (of_nft, of_legacy)


@pytest.mark.parametrize(
    ("pin", "value", "meant"),
    [
        (NFT, "NFT", True), (NFT, "nf_tables", True), (NFT, "nftables", True), (NFT, "' nft '", True),
        (NFT, '"nft"', True), (NFT, "legacy", False), (NFT, "nft4", False), (NFT, "", False),
        (LEGACY, "Iptables-Legacy", True), (LEGACY, "nft", False),
    ],
    ids=repr,
)  # fmt: skip
def test_a_misspelt_backend_is_known_by_its_other_names(pin: Pin, value: str, meant: bool) -> None:  # noqa: FBT001
    assert pin.is_meant_by(value) is meant


def test_who_names_the_other_backend_may_want_it() -> None:
    assert NFT.is_denied_in("IPTABLES_MODE: Legacy")
    assert not NFT.is_denied_in("IPTABLES_MODE: nft")
    assert LEGACY.is_denied_in("NFT")


@pytest.mark.parametrize(
    ("value", "edit"),
    [
        pytest.param(MISSING, Set(HERE.route, ["A=1"]), id="nothing"),
        pytest.param(None, Set(HERE.route, ["A=1"]), id="null"),
        pytest.param("", Set(HERE.route, ["A=1"]), id="an empty text"),
        pytest.param("B=2", Set(HERE.route, ["B=2", "A=1"]), id="a text"),
        pytest.param([], Append(HERE.route, "A=1"), id="an empty list"),
        pytest.param(["B=2", 3, None], Append(HERE.route, "A=1"), id="a list"),
        pytest.param(Templated("{{ x }}"), None, id="a template's"),
        pytest.param(["B=2", Templated("{{ x }}")], None, id="a list with a template's"),
        pytest.param([["B=2"]], None, id="a list in the list"),
        pytest.param([{"B": 2}], None, id="a mapping in the list"),
        pytest.param({"B": 2}, None, id="a mapping"),
        pytest.param(True, None, id="a truth value"),
    ],
)  # fmt: skip
def test_an_item_is_added_where_that_is_a_small_step(value: Any, edit: Edit | None) -> None:
    assert addition(value, HERE, "A=1") == edit


@pytest.mark.parametrize(
    ("entry", "edits"),
    [
        pytest.param(Entry("A", HERE / 0, "A"), (Set((*HERE.route, 0), "IPTABLES_MODE=nft"),), id="a text"),
        pytest.param(Entry("A", HERE / 0, ["A"]), (Set((*HERE.route, 0), "IPTABLES_MODE=nft"),), id="a list"),
        pytest.param(Entry("A", HERE / 0, {"A": 1}), None, id="a mapping"),
        pytest.param(Entry("A", HERE / 0, Templated("A")), None, id="a template's"),
        pytest.param(Entry("A", HERE / 0, "A", whole=False), None, id="a part of a text"),
    ],
)  # fmt: skip
def test_the_pin_is_written_over_an_entry_that_is_a_text(entry: Entry, edits: Any) -> None:
    fix = NFT.respelling(entry)
    assert (fix and fix.edits) == edits


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("IPTABLES_MODE: nft", True), ("A=1", False), (1, False), (None, False),
        ({"IPTABLES_MODE": 1}, True), ({"name": "IPTABLES_MODE"}, True), ({"A": {"B": ["IPTABLES_MODE"]}}, True),
        ({"A": 1}, False), ([["A"], ["IPTABLES_MODE=nft"]], True), ([], False),
    ],
    ids=repr,
)  # fmt: skip
def test_the_variable_is_found_wherever_it_is_named(value: Any, named: bool) -> None:  # noqa: FBT001
    assert names_variable(value) is named


@pytest.mark.parametrize(
    ("value", "variable"),
    [
        ({"A": "1"}, ("A", "1")), ({"name": "A", "value": "1"}, ("A", "1")), ({"A": 1}, None), ({}, None),
        ({"name": "A"}, ("name", "A")), ({"A": "1", "B": "2"}, None),
        ({"name": "A", "value": "1", "more": "2"}, None), ("A=1", None), (["A=1"], None),
    ],
    ids=repr,
)  # fmt: skip
def test_a_mapping_may_mean_one_variable(value: Any, variable: tuple[str, str] | None) -> None:
    assert variable_of(value) == variable
