"""Who said the pin, who took it away, and what does a machine make of that?"""

from __future__ import annotations

import pytest

from rke2_policies import pin
from rke2_policies.document import DocumentId, Place
from rke2_policies.edits import Set
from rke2_policies.finding import Fix, Safety, Severity
from rke2_policies.machine import Machine, Said, Setting
from rke2_policies.pin import Verdict
from rke2_policies.route import MISSING

HERE = Place(DocumentId("config.yaml"), ("kube-proxy-extra-env",))
PIN, OTHER = "IPTABLES_MODE=nft", "IPTABLES_MODE=legacy"


def setting(*lists: list[str], dropped: bool = False) -> Setting:
    """Return what several places come to, each with the list that is in force from there on.

    What a list goes on with is what stood before it, and not said anew.
    """
    said: list[Said] = []
    for number, items in enumerate(lists):
        made = pin.entries(items, HERE / number)
        before = said[-1].entries if said else ()
        if [one.text for one in before] == [one.text for one in made[: len(before)]]:
            made = (*before, *made[len(before) :])
        said.append(Said(items, HERE / number, f"[{number}]", made))
    value = MISSING if dropped or not lists else lists[-1]
    return Setting(pin.KEY, value, tuple(said), "because" if dropped else "")


def machine(environment: Setting, *, sure: bool = True) -> Machine:
    settings = {pin.KEY: environment}
    return Machine("m", ("agent",), HERE, settings, home=None, origin="file", sure=sure)


@pytest.mark.parametrize(
    ("lists", "loss"),
    [
        pytest.param([], None, id="nobody speaks"),
        pytest.param([["A=1"], ["B=1"]], None, id="nobody says the pin"),
        pytest.param([[PIN]], None, id="it is there"),
        pytest.param([[PIN], [PIN, "A=1"]], None, id="it is kept"),
        pytest.param([[PIN], ["A=1"]], (0, 1), id="a list replaces it"),
        pytest.param([[PIN], [OTHER]], (0, 1), id="another backend replaces it"),
        pytest.param([[PIN], []], (0, 1), id="an empty list replaces it"),
        pytest.param([[PIN], ["A=1"], [PIN]], None, id="it is said again"),
        pytest.param([[PIN], ["A=1"], ["A=1", "B=1"]], (0, 1), id="more is added to what took it"),
        pytest.param([[PIN], ["A=1"], ["B=1"]], (0, 2), id="the last that replaces all"),
        pytest.param([[PIN], [], ["B=1"]], (0, 2), id="nothing is no list to add to"),
        pytest.param([[PIN], ["A=1"], [PIN], ["B=1"]], (2, 3), id="the last that said it"),
    ],
)  # fmt: skip
def test_a_pin_is_lost_to_who_took_it_for_good(
    lists: list[list[str]], loss: tuple[int, int] | None
) -> None:
    lost = setting(*lists).loss_of(pin.NFT)
    assert lost == machine(setting(*lists)).loss
    assert (lost and tuple(said.place.route[-1] for said in lost)) == loss


def test_what_is_dropped_comes_to_nothing() -> None:
    assert setting([PIN]).entries
    assert setting([PIN], dropped=True).entries == ()
    assert machine(setting([PIN], dropped=True)).reading.verdict == "unpinned"


def test_another_environment_is_read_anew() -> None:
    one = machine(setting([PIN]))
    assert one.reading.verdict == "pinned"
    assert one.overruled(setting([OTHER])).reading.verdict == "other"


@pytest.mark.parametrize(
    ("items", "verdict", "by", "otherwise"),
    [
        ([OTHER], "legacy", HERE / 0 / 0, True), ([OTHER], "broken", HERE / 0 / 0, True),
        ([OTHER], "unknown", HERE / 0 / 0, False), ([OTHER], "legacy", HERE, False),
        ([PIN], "legacy", HERE / 0 / 0, False), ([], "legacy", None, False),
    ],
)  # fmt: skip
def test_a_machine_is_pinned_otherwise_by_what_decides(
    items: list[str],
    verdict: Verdict,
    by: Place | None,
    otherwise: bool,  # noqa: FBT001
) -> None:
    decided = machine(setting(items)).decide(verdict, "because", None, by)
    assert decided.is_pinned_otherwise is otherwise


@pytest.mark.parametrize("safety", Safety)
def test_what_is_not_sure_is_no_error_and_fixed_on_request(safety: Safety) -> None:
    fix = Fix("t", (Set(HERE.route, 1),), safety)
    sure = machine(setting()).problem("m", HERE, fix=fix)
    unsure = machine(setting(), sure=False).problem("m", HERE, fix=fix)
    assert (sure.most, sure.fix) == (Severity.ERROR, fix)
    assert unsure.most == Severity.WARNING
    assert unsure.fix == fix._replace(safety=min(safety, Safety.UNSAFE))


def test_the_last_argument_decides_however_many_hyphens_it_has() -> None:
    key = "kube-proxy-arg"
    items = ["v=4", "--v=2", "vmodule=a=1"]
    said = Said(items, HERE, "", pin.entries(items, HERE))
    one = Machine("m", (), HERE, {key: Setting(key, items, (said,))}, home=None, origin="file")
    decides = one.argument("kube-proxy", "v")
    assert decides is not None
    assert decides.text == "--v=2"
    assert one.argument("kube-proxy", "vm") is None
    only = one.overruled(Setting(pin.KEY)).argument("kube-proxy", "vmodule")
    assert only is not None
    assert only.setting == "a=1"
