"""What the schema of the values takes, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from matrix import MONITORING
from rendering import CHART, helm, leaves, merged, nested, render
from write_chart import SOURCE, without_lookahead

from rke2_policies.policy_file import PolicyError, read_policy
from rke2_policies.policy_schema import schema as policy_schema

SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
VALUES = list(leaves(yaml.safe_load(SOURCE.read_text("utf-8"))))
PATHS = [each.path for each in VALUES]
DEFAULTS = {each.path: each.default for each in VALUES if each.default in ({}, [], "")}


def test_the_defaults_are_taken() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    jsonschema.Draft7Validator(SCHEMA).validate(values)
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_the_examples_are_taken() -> None:
    for name, each in SCHEMA["properties"].items():
        for example in each.get("examples", ()):
            render({name: example})


def test_every_key_is_described_and_every_object_closed() -> None:
    def wrong(schema: Any, path: str) -> Iterator[str]:
        if isinstance(schema, list):
            for each in schema:
                yield from wrong(each, path)
            return
        if not isinstance(schema, dict):
            return
        properties = schema.get("properties", {})
        for name, each in properties.items():
            if not each.get("description"):
                yield f"{path}.{name} is not described"
            yield from wrong(each, f"{path}.{name}")
        if properties and schema["additionalProperties"] is not path.startswith("values.global"):
            yield f"{path} is open, or closed"
        for key in ("items", "anyOf", "allOf", "additionalProperties"):
            yield from wrong(schema.get(key), path)

    assert list(wrong(SCHEMA, "values")) == []
    for name, each in SCHEMA["definitions"].items():
        # Those of policies have tests of their own.
        if not name.startswith("policy"):
            assert list(wrong(each, name)) == []


@pytest.mark.parametrize("path", PATHS)
def test_a_misspelt_value_is_refused(path: str) -> None:
    folder, _, name = path.rpartition(".")
    misspelt = f"{folder}.{name}x" if folder else f"{name}x"
    if folder.startswith("global"):
        # Rancher and other charts say things there that are not ours to judge.
        render(nested(misspelt, "x"))
        return
    with pytest.raises(helm.HelmError, match=f"{name}x"):
        render(nested(misspelt, "x"))


@pytest.mark.parametrize(
    "path", [path for path in PATHS if path not in {"podSecurityContext", "securityContext"}]
)
def test_a_value_of_a_wrong_shape_is_refused(path: str) -> None:
    # A number is no label, an object no number, and nothing is a list of lists.
    with pytest.raises(helm.HelmError):
        render(nested(path, [[]]))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"mutating": {"timeoutSeconds": 11}}, "timeoutSeconds", id="eleven seconds"),
        pytest.param({"mutating": {"failurePolicy": "ignore"}}, "failurePolicy", id="lower case"),
        pytest.param({"tls": {"mode": "helm"}}, "mode", id="a mode that there is not"),
        pytest.param({"tls": {"clientAuth": {"mode": False}}}, "mode", id="an unquoted off"),
        pytest.param({"image": {"digest": "sha256:12"}}, "digest", id="half a digest"),
        pytest.param({"webhook": {"url": "http://x"}}, "url", id="a URL without TLS"),
        pytest.param({"webhook": {"url": "https://x?y"}}, "url", id="a URL with a query"),
        pytest.param({"tls": {"self": {"settle": "5 s"}}}, "settle", id="a duration with a blank"),
        pytest.param({"policy": {"level": {}}}, "policy", id="a misspelt key of the policy"),
        pytest.param({"policy": {"levels": {"no-rule": "off"}}}, "policy", id="no rule"),
        pytest.param(
            {"policy": {"webhook": {"onCreate": "sometimes"}}}, "policy", id="no mode of the policy"
        ),
        pytest.param(
            {"policy": {"exempt": [{"rule": "missing-nft-pin", "where": "a/b"}]}},
            "policy",
            id="an exemption without a reason",
        ),
        pytest.param(
            {"networkPolicy": {"metricsFrom": [{"podselector": {}}]}}, "podselector", id="a peer"
        ),
        pytest.param({"image": {"registry": "https://r.x"}}, "registry", id="a URL for a registry"),
        pytest.param({"image": {"repository": "a/b:v1"}}, "repository", id="a tag at its place"),
        pytest.param({"image": {"tag": "v 1"}}, "tag", id="a tag with a blank"),
        pytest.param({"existingPolicy": {"key": "../p"}}, "key", id="a path for a key"),
        pytest.param({"existingPolicy": {"configMap": "My"}}, "configMap", id="no object's name"),
        pytest.param({"commonLabels": {"a": "b c"}}, "commonLabels", id="no label"),
        pytest.param({"nameOverride": "a b"}, "nameOverride", id="no label for a name"),
        pytest.param({"tls": {"extraNames": ["a,b"]}}, "extraNames", id="two names in one"),
        pytest.param({"tls": {"clientAuth": {"names": ["a,b"]}}}, "names", id="two clients in one"),
    ],
)
def test_wrong_values_are_refused(values: Mapping[str, Any], words: str) -> None:
    with pytest.raises(helm.HelmError, match=words):
        render(values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"tls": {"mode": "secret"}}, "tls.secret.name", id="no Secret"),
        pytest.param(
            {"tls": {"clientAuth": {"mode": "require"}}}, "clientAuth.caConfigMap", id="no CA"
        ),
        pytest.param({"serviceAccount": {"create": False}}, "serviceAccount.name", id="nobody"),
        pytest.param(
            {"shutdown": {"delaySeconds": 30}}, "terminationGracePeriodSeconds", id="no time"
        ),
        pytest.param(
            {"policy": {"name": "x"}, "existingPolicy": {"configMap": "y"}},
            "both policy and existingPolicy",
            id="two policies",
        ),
        pytest.param({"webhook": {"port": 8080}}, "have to be two ports", id="one port"),
        pytest.param({"fullnameOverride": "My_Name"}, "a Service's name", id="no Service's name"),
        *(
            pytest.param({"tls": {"self": lifetimes}}, words, id=words)
            for lifetimes, words in (
                ({"caLifetime": "6d"}, "leafLifetime must not be longer than tls.self.caLifetime"),
                ({"leafLifetime": "0s"}, "leafLifetime has to be longer than nothing"),
                ({"caOverlap": "1.5s"}, "caOverlap has to be four times tls.self.settle"),
            )
        ),
    ],
)
def test_values_that_do_not_belong_together_are_told_in_words(
    values: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(helm.HelmError, match=re.escape(words)):
        render(values)


@pytest.mark.parametrize(
    "registry",
    ["", "r", "r.example:5000", "r.example/proxy/ghcr.io", "10.0.0.1:5000/", "[fd00::1]:5000"],
)
def test_a_registry_is_taken_however_it_is_written(registry: str) -> None:
    rendered = render({"global": {"cattle": {"systemDefaultRegistry": registry}}})
    image = rendered.at("Deployment: spec.template.spec.containers[0].image")
    assert image.startswith(f"{registry.rstrip('/') or 'ghcr.io'}/rke2-lint/rke2-webhook:")


@pytest.mark.parametrize(
    "lifetimes",
    [
        {"leafLifetime": "365d"},
        {"leafLifetime": "600ms", "caLifetime": "0.01m"},
        {"caOverlap": "0.5h", "settle": "7.5m"},
    ],
    ids=str,
)
def test_lifetimes_that_just_fit_are_taken(lifetimes: Mapping[str, str]) -> None:
    assert render({"tls": {"self": lifetimes}}).of("Deployment")


@pytest.mark.parametrize("path", DEFAULTS)
@pytest.mark.parametrize("given", [{}, MONITORING], ids=["", "monitored"])
def test_a_key_without_a_value_is_an_empty_one(given: Mapping[str, Any], path: str) -> None:
    """`commonLabels:` and nothing behind it; Helm takes the default away then."""
    assert list(render(merged(given, nested(path, None)))) == list(
        render(merged(given, nested(path, DEFAULTS[path])))
    )


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"extends": "strict", "levels": {"prerelease-version": "off", "scalar-pin": False}},
        {
            "params": {
                "backend": "legacy",
                "required-settings": {
                    "profile": {"value": "cis", "role": "server"},
                    "kubelet-arg": ["max-pods=1000000"],
                },
            },
            "overrides": [
                {
                    "labels": {"matchExpressions": [{"key": "a/b", "operator": "Exists"}]},
                    "params": {"backend": "nft"},
                    "reason": "OPS-112",
                }
            ],
            "exempt": [
                {
                    "rule": "missing-nft-pin",
                    "where": "fleet-default/old",
                    "reason": "OPS-112",
                    "until": "2027-03-31",
                }
            ],
            "webhook": {"onCreate": "warn", "deny": ["legacy-backend"], "ignoreUsers": ["x"]},
        },
    ],
    ids=["nothing", "strict", "much"],
)
def test_a_policy_reaches_the_server_as_it_was_said(policy: Mapping[str, Any]) -> None:
    text = render({"policy": policy}).at("ConfigMap/-policy: data[~policy.yaml]")
    assert yaml.safe_load(text) == policy
    assert read_policy("policy.yaml", text.encode()) == read_policy(
        "policy.yaml", yaml.safe_dump(policy).encode()
    )


class TestPatterns:
    """Go has no lookaheads, so the policies' patterns are said in other words."""

    def patterns(self) -> list[str]:
        return re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(policy_schema()))

    def test_none_is_left(self) -> None:
        assert [each for each in self.patterns() if "(?!" in each]
        assert not re.search(r"\(\?[=!<]", json.dumps(SCHEMA))

    @given(st.text(alphabet="aI/!. *\\PTABLES_MODE=\n", max_size=18))
    def test_the_other_words_refuse_nothing_that_was_taken(self, text: str) -> None:
        for written in map(json.loads, self.patterns()):
            if "(?=" in written or "(?!" in written:
                other = jsonschema.Draft7Validator({"allOf": list(without_lookahead(written))})
                if re.search(written, text):
                    assert other.is_valid(text)

    @given(st.text(alphabet="a =IPTABLES_MODE\n", max_size=18))
    def test_for_leading_ones_they_say_the_same(self, text: str) -> None:
        item = policy_schema()["$defs"]["item"]["pattern"]
        other = jsonschema.Draft7Validator({"allOf": list(without_lookahead(item))})
        assert other.is_valid(text) == bool(re.search(item, text))


def test_what_only_the_server_can_refuse_it_refuses() -> None:
    text = render({"policy": {"extends": "nowhere.yaml"}}).at(
        "ConfigMap/-policy: data[~policy.yaml]"
    )
    with pytest.raises(PolicyError):
        read_policy("policy.yaml", text.encode())
