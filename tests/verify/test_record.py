"""Evidence as JSON, and back; and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rke2_lint.files import UsageError
from rke2_lint.verify.record import RecordError, read, written
from rke2_lint.verify.resuming import resume
from rke2_policies.diagnosis.evidence import Damage, Evidence
from rke2_policies.diagnosis.kube_proxy import Environment, KubeProxy
from rke2_policies.diagnosis.rule_dump import read_dumps

texts = st.text(max_size=20)
dumps = st.builds(
    lambda lines, backend, family: read_dumps(
        "*nat\n:KUBE-SERVICES - [0:0]\n" + "".join(f"-A INPUT -s {one} -j DROP\n" for one in lines) + "COMMIT\n",
        backend, family, source="a",
    ),
    st.lists(st.integers(), max_size=4), st.sampled_from(["nft", "legacy"]), st.sampled_from([4, 6]),
)  # fmt: skip
pods = st.tuples(
    texts, texts, st.none() | texts, texts, texts, texts, st.none() | st.booleans(),
    st.integers(0, 99), texts, st.frozensets(texts, max_size=3),
).map(KubeProxy._make)  # fmt: skip
evidence = st.fixed_dictionaries(
    {
        "dumps": dumps,
        "link": st.none() | texts,
        "environment": st.none() | (st.none() | texts).map(Environment),
        "pod": st.none() | pods,
        "has_no_pod": st.booleans(),
        "system": st.sampled_from(["linux", "windows"]),
        "inapplicable": texts,
        "damages": st.lists(st.tuples(texts, texts).map(Damage._make), max_size=2).map(tuple),
    }
).map(lambda fields: Evidence("a", **fields))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["pod", "dumps", "environment", "mode", "damages", "backend", "family", "rules", "owners"]) | texts, inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(evidence)
def test_what_is_written_is_read_back(one: Evidence) -> None:
    # An empty link and none are the same: neither says anything.
    expected = one._replace(link=one.link or None)
    assert read("a", json.loads(json.dumps(written(one)))) == expected


@settings(max_examples=200, deadline=None)
@given(anything)
def test_anything_else_is_refused_or_read(said: Any) -> None:
    try:
        read("a", said)
    except RecordError as error:
        assert "the evidence of a is damaged" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"version": 1', "it is no JSON, or only part of it", id="cut off"),
        pytest.param('{"version": 9, "nodes": []}', "it is of version 9", id="version"),
        pytest.param('{"version": 1, "nodes": []}', "it was not written by rke2-lint verify", id="of node"),
        pytest.param("[]", "it was not written by rke2-lint verify", id="a list"),
        pytest.param(
            '{"version": 1, "exec": false, "clusters": [{"name": "a", "complete": false}], "nodes": [{"name": "n", "cluster": "b"}]}',
            "a node has no name, no cluster or no evidence", id="a node of nowhere",
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_resumed(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=f"part.json: {said}"):
        resume(str(path))
