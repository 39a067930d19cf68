"""Does the model of the detector choose what is published of it, and what it must for any counts?

The table is what the scripts of k3s-io/k3s-root do (iptables-detect/iptables-detect.sh,
xtables-set-mode.sh). Real iptables are asked in test_real_iptables.py.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rke2_policies.diagnosis.detector import THRESHOLD, Counts, choose

COUNT = st.integers(0, 30)
KNOWN = st.tuples(COUNT, COUNT, COUNT, COUNT).map(lambda each: Counts(*each))
PARTLY = st.builds(
    Counts,
    st.none() | COUNT, st.none() | COUNT, st.none() | COUNT, st.none() | COUNT,
    st.booleans(), st.booleans(),
)  # fmt: skip
OLD = "rancher/hardened-kubernetes:v1.30.9-rke2r1-build20250115"
NEW = "rancher/hardened-kubernetes:v1.30.11-rke2r1-build20250312"
FIRST_WITH_AWK, LAST_WITHOUT = "x:v1-build20250227", "x:v1-build20250226"


@pytest.mark.parametrize(
    ("mode", "backend"),
    [
        ("nft", "nft"), ("legacy", "legacy"), (" nft ", "nft"), ("nft ", "nft"), ("nft -f", "nft"),
        ("legacy -f", "legacy"), ("nft\n", "nft"), ("\tnft", "nft"),
        ("NFT", "broken"), ("nftables", "broken"), ("nf_tables", "broken"), ("auto", "broken"),
        ("1", "broken"), ("unknown", "broken"), ('"nft"', "broken"), ("nft,FOO=bar", "broken"),
        ("nft # pin", "broken"), ("nft legacy", "broken"), ("nft\nFOO=bar", "broken"),
        ("nft\r", "broken"), (" ", "broken"), ("nft\x0b", "broken"), ("nft\u2003", "broken"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_mode_is_taken_as_it_is(mode: str, backend: str) -> None:
    for counts in (Counts(), Counts(0, 0, 50, 0), Counts(50, 0, 0, 0)):
        assert choose(mode, counts).backend == backend


@pytest.mark.parametrize(
    ("counts", "backend"),
    [
        ((10, 0, 500, 0), "legacy"), ((5, 5, 500, 0), "legacy"), ((9, 0, 500, 0), "nft"),
        ((9, 0, 8, 0), "legacy"), ((9, 0, 9, 0), "nft"), ((1, 0, 0, 0), "legacy"),
        ((0, 9, 8, 0), "legacy"), ((5, 0, 2, 3), "nft"), ((0, 0, 1, 0), "nft"), ((0, 0, 0, 1), "nft"),
        ((3, 0, 500, 0), "nft"), ((3, 0, 0, 0), "legacy"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("mode", [None, ""])
def test_rules_are_counted_where_no_mode_is_set(
    mode: str | None, counts: tuple[int, int, int, int], backend: str
) -> None:
    assert choose(mode, Counts(*counts)).backend == backend


@pytest.mark.parametrize(
    ("cgroup", "image", "backend"),
    [
        (2, "", "nft"), (1, "", "legacy"), (None, "", "unknown"),
        (1, NEW, "legacy"), (2, NEW, "nft"), (None, NEW, "unknown"),
        (1, OLD, "nft"), (2, OLD, "nft"), (None, OLD, "nft"),
        (1, FIRST_WITH_AWK, "legacy"), (1, LAST_WITHOUT, "nft"),
    ],
)  # fmt: skip
def test_a_node_without_rules_is_decided_by_its_control_groups(
    cgroup: int | None, image: str, backend: str
) -> None:
    assert choose(None, Counts(0, 0, 0, 0), cgroup, image).backend == backend


@pytest.mark.parametrize(
    ("counts", "backend"),
    [
        pytest.param(Counts(12), "legacy", id="enough of one family"),
        pytest.param(Counts(12, None, 500, 0, legacy_complete=False), "legacy", id="enough of half a dump"),
        pytest.param(Counts(3, None, 500, 0), "unknown", id="no dump of IPv6"),
        pytest.param(Counts(3, 0, 500, 0, legacy_complete=False), "unknown", id="half a dump of legacy"),
        pytest.param(Counts(3, 0, 3), "nft", id="enough of nft"),
        pytest.param(Counts(3, 0, 2), "unknown", id="too little of nft"),
        pytest.param(Counts(3, 0, 2, 0, nft_complete=False), "unknown", id="half a dump of nft"),
        pytest.param(Counts(0, 0), "unknown", id="no dump of nft"),
        pytest.param(Counts(), "unknown", id="nothing"),
    ],
)  # fmt: skip
def test_what_is_not_known_makes_no_choice(counts: Counts, backend: str) -> None:
    assert choose(None, counts).backend == backend


@pytest.mark.parametrize(("cgroup", "backend"), [(2, "nft"), (1, "unknown"), (None, "unknown")])
def test_without_legacy_rules_it_may_matter_how_many_nft_has(
    cgroup: int | None, backend: str
) -> None:
    assert choose(None, Counts(0, 0), cgroup).backend == backend


@given(KNOWN)
def test_only_the_sums_of_both_families_count(counts: Counts) -> None:
    summed = Counts(counts.legacy, 0, 0, counts.nft)
    assert choose(None, counts, 2) == choose(None, summed, 2)


@given(KNOWN, COUNT)
def test_more_legacy_rules_never_lead_to_nft(counts: Counts, more: int) -> None:
    if choose(None, counts, 2).backend == "legacy":
        grown = counts._replace(legacy4=(counts.legacy4 or 0) + more)
        assert choose(None, grown, 2).backend == "legacy"


@given(KNOWN)
def test_the_margin_is_how_many_more_it_endures(counts: Counts) -> None:
    for more in range(THRESHOLD + 2):
        grown = counts._replace(legacy6=(counts.legacy6 or 0) + more)
        if more == 0 and choose(None, counts, 2).backend == "legacy":
            assert counts.margin == 0
            return
        if more:
            assert (choose(None, grown, 2).backend == "nft") == (more <= counts.margin)


@given(PARTLY, st.sampled_from([None, 1, 2]))
def test_a_choice_out_of_half_the_evidence_stays_when_the_rest_is_known(
    counts: Counts, cgroup: int | None
) -> None:
    chosen = choose(None, counts, cgroup).backend
    if chosen == "unknown":
        return
    for legacy, nft, group in product((0, 1, 9, 10, 400), (0, 1, 9, 10, 400), (1, 2)):
        whole = Counts(
            _filled(counts.legacy4, legacy, counts.legacy_complete),
            _filled(counts.legacy6, legacy, counts.legacy_complete),
            _filled(counts.nft4, nft, counts.nft_complete),
            _filled(counts.nft6, nft, counts.nft_complete),
        )
        assert choose(None, whole, cgroup or group).backend == chosen


def _filled(known: int | None, rest: int, complete: bool) -> int:  # noqa: FBT001
    if known is None:
        return rest
    return known if complete else known + rest


@given(PARTLY, st.none() | st.text(), st.none() | st.integers())
def test_any_evidence_gives_a_choice_with_its_reason(
    counts: Counts, mode: str | None, cgroup: int | None
) -> None:
    choice = choose(mode, counts, cgroup)
    assert choice.backend in ("nft", "legacy", "broken", "unknown")
    assert choice.why
