"""Templates are read through masks of equal length; what they decide is not known, and not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rke2_policies.nodes import Mapping, Scalar
from rke2_policies.route import Json, Route, Templated
from rke2_policies.templates import GO, JINJA, Mask, mask
from rke2_policies.yaml_source import Position, Source

CORPUS = Path(__file__).parent.parent.parent / "shared" / "corpus"
UNKNOWN = object()


def read(text: str) -> Source:
    return Source.read("x.yaml", text.encode())


def known(tree: Json) -> Json:
    """Return a tree with UNKNOWN in the place of what is templated."""
    match tree:
        case Templated():
            return UNKNOWN
        case dict():
            return {str(key): known(value) for key, value in tree.items()}
        case list():
            return [known(item) for item in tree]
        case _:
            return tree


# ---------------------------------------------------------------- what is no template

DATA = [
    pytest.param("a: '{{ x }}'\n", id="in single quotes"),
    pytest.param('a: "{{ x }}-{% y %}"\n', id="in double quotes"),
    pytest.param("a: 'x\n  {{ y }}\n  {% z %}'\n", id="in quotes over lines"),
    pytest.param("# {{ x }}\na: 1 # {% y %}\n", id="in comments"),
    pytest.param("# {{ x }} {{ y\n# }}\na: 1\n", id="in comments over lines"),
    pytest.param(
        "a: |\n  {{ x }}\n  {% if y %}\n    b\n  {% endif %}\nc: 1\n", id="in a block scalar"
    ),
    pytest.param("a: >-  # c\n\n  {{ x }}\n", id="in a folded scalar"),
    pytest.param("- |\n  {{ x }}\n- - |2\n      {{ y }}\n", id="in block scalars in lists"),
    pytest.param("- a: |\n    {{ x }}\n  b: 1\n", id="in a block scalar in a mapping in a list"),
    pytest.param("a:\n  b: |\n    {{ x }}\n\n    {{ y }}\n  c: 1\n", id="around a blank line"),
    pytest.param("a: &x !!str |\n  {{ x }}\n", id="in a block scalar with properties"),
    pytest.param("'a b': |-\n  {{ x }}\n", id="below a quoted key"),
    pytest.param("a: '}}'\nb: {c: {d: 1}}\n", id="brackets that close"),
    pytest.param("a: ${#x[@]}\nb: '{#'\n", id="a hash in braces"),
    pytest.param("a: it's {b\n", id="an apostrophe"),
]


@pytest.mark.parametrize("text", DATA)
def test_markers_that_are_data_make_no_template(text: str) -> None:
    assert mask(text) is None
    assert read(text).masked is None


def test_a_block_scalar_keeps_its_markers() -> None:
    source = read("a: |\n  {{ x }}\n")
    assert source.documents[0].tree == {"a": "{{ x }}\n"}
    assert type(source.documents[0].tree["a"]) is str


# ---------------------------------------------------------------- what a template means

MEANT: list[tuple[str, str, str, Json, set[Route]]] = [
    ("a value", GO, "a: {{ .x }}\nb: 1\n", {"a": UNKNOWN, "b": 1}, set()),
    ("part of a value", GO, "a: x-{{ .y }}:1\n", {"a": UNKNOWN}, set()),
    ("a value of Jinja", JINJA, "a: {{ x | default('y') }}\n", {"a": UNKNOWN}, set()),
    ("a list item", GO, "a:\n  - {{ .x }}\n  - b\n", {"a": [UNKNOWN, "b"]}, set()),
    ("in brackets", GO, "a: [{{ .x }}, {b: {{ .y }}}]\n", {"a": [UNKNOWN, {"b": UNKNOWN}]}, set()),
    ("in JSON", GO, '{"a": {{ .x | toJson }}, "b": 1}\n', {"a": UNKNOWN, "b": 1}, set()),
    ("a key", GO, "a:\n  {{ .x }}: 1\n", {"a": {"{{ .x }}": 1}}, {("a",)}),
    ("quotes in quotes", GO, 'a: "{{ .x | default "y" }}"\n', {"a": UNKNOWN}, set()),
    ("quotes in other quotes", JINJA, "a: '{{ x['y'] }}'\n", {"a": UNKNOWN}, set()),
    ("braces in a string", GO, 'a: {{ .x | default "}}" }}\nb: 1\n', {"a": UNKNOWN, "b": 1}, set()),
    ("a template in a template", GO, "a: {{`{{ .x }}`}}\n", {"a": UNKNOWN}, set()),
    ("a value over lines", GO, "a: {{ .x\n  | quote }}\nb: 1\n", {"a": UNKNOWN, "b": 1}, set()),
    ("a comment", GO, "{{- /* it's\n a: b: c */ -}}\na: 1\n", {"a": 1}, set()),
    ("a comment of Jinja", JINJA, "{# a: b: c\n #}\na: 1\n", {"a": 1}, set()),
    ("an assignment", GO, "{{- $x := .y -}}\na: 1\n", {"a": 1}, set()),
    ("an assignment of Jinja", JINJA, "{% set x = 1 %}\na: 1\n", {"a": 1}, set()),
    ("behind a value", GO, "a: 'b' {{- if .x }} # c {{- end }}\n", {"a": "b"}, set()),
    ("an end behind a value", GO, "{{- if .x }}\na: b{{ end }}\nc: 1\n", {"a": "b", "c": 1}, {()}),
    (
        "a value on the next line", GO,
        "a:\n  {{- toYaml .x | nindent 2 }}\nb: 1\n", {"a": UNKNOWN, "b": 1}, set(),
    ),
    (
        "a value from the first column", GO,
        "a:\n  b:\n{{ toYaml .x | indent 4 }}\n  c: 1\n", {"a": {"b": UNKNOWN, "c": 1}}, set(),
    ),
    (
        "a value in a branch", GO,
        "a:\n  {{- with .x }}\n  {{- toYaml . | nindent 2 }}\n  {{- end }}\nb: 1\n",
        {"a": UNKNOWN, "b": 1}, set(),
    ),
    (
        "printed further out", GO,
        "a:\n  b:\n  {{- toYaml .x | nindent 0 }}\n", {"a": {"b": None}}, {()},
    ),
    (
        "a block scalar that is printed", GO,
        "a: |-\n{{ .x | indent 2 }}\nb: 1\n", {"a": UNKNOWN, "b": 1}, set(),
    ),
    (
        "a control in a block scalar", GO,
        "a: |\n  x\n{{- if .y }}\n  z\n{{- end }}\nb: 1\n", {"a": UNKNOWN, "b": 1}, set(),
    ),
    (
        "more keys", GO,
        "a:\n  b: 1\n  {{- include \"x\" . | nindent 2 }}\nc: {d: 1}\n",
        {"a": {"b": 1}, "c": {"d": 1}}, {("a",)},
    ),
    (
        "more keys from the first column", GO,
        "a:\n  b: 1\n{{ include \"x\" . | indent 2 }}\n", {"a": {"b": 1}}, {("a",)},
    ),
    (
        "more keys of nobody knows whom", GO,
        "a:\n  b: 1\n{{ include \"x\" . }}\n", {"a": {"b": 1}}, {(), ("a",)},
    ),
    (
        "more keys in front", GO,
        "{{ include \"x\" . }}\na:\n  b: 1\n", {"a": {"b": 1}}, {()},
    ),
    (
        "more items", GO,
        "a:\n  - b\n  {{- toYaml .x | nindent 2 }}\nc: 1\n", {"a": ["b"], "c": 1}, {("a",)},
    ),
    (
        "more keys behind a value", GO,
        "a: {{- include \"x\" . | nindent 2 }}\n  b: 1\nc: 1\n", {"a": {"b": 1}, "c": 1}, {("a",)},
    ),
    (
        "a branch", GO,
        "a:\n  {{- if .x }}\n  b: 1\n  {{- end }}\n  c: 2\n", {"a": {"b": 1, "c": 2}}, {("a",)},
    ),
    (
        "a branch that is all there is", GO,
        "a:\n  {{- if .x }}\n  b: {c: 1}\n  {{- end }}\n", {"a": {"b": {"c": 1}}}, {("a",)},
    ),
    (
        "a branch around a mapping", GO,
        "a: 1\n{{- if .x }}\nb:\n  c: 1\n{{- end }}\n", {"a": 1, "b": {"c": 1}}, {()},
    ),
    (
        "branches that disagree", GO,
        "{{- if .x }}\na: 1\nb: 2\n{{- else }}\na: 3\nb: 2\n{{- end }}\n", {"a": UNKNOWN, "b": 2}, {()},
    ),
    (
        "branches that are no YAML together", GO,
        "a:\n  {{- if .x }}\n  b: 1\n  {{- else }}\n  {}\n  {{- end }}\n", {"a": {"b": 1}}, {("a",)},
    ),
    (
        "a loop over items", JINJA,
        "a:\n{% for x in y %}\n  - {{ x }}\n{% endfor %}\nb: 1\n", {"a": [UNKNOWN], "b": 1}, {("a",)},
    ),
    (
        "a loop inside an item", GO,
        "a:\n  - b: 1\n    {{- range .x }}\n    {{ . }}: 1\n    {{- end }}\n",
        {"a": [{"b": 1, "{{ . }}": 1}]}, {("a", 0)},
    ),
    (
        "an include of Jinja", JINJA, "a:\n  b: 1\n  {% include 'x' %}\n", {"a": {"b": 1}}, {("a",)},
    ),
    (
        "two on a line", GO,
        "a:\n{{- if .x }} {{ range .y }}\n- b\n{{- end }}{{ end }}\n", {"a": ["b"]}, {("a",)},
    ),
    (
        "a key in a branch on its line", GO,
        "a: 1\n{{ if .x }}b{{ end }}: 2\n", {"a": 1, "{{ if .x }}b{{ end }}": 2}, {()},
    ),
    (
        "an item in a branch on its line", GO,
        "a:\n{{ if .x }}- b{{ end }}\n- c\n", {"a": ["c"]}, {("a",), ()},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text", "tree", "generated"), [case[1:] for case in MEANT], ids=[c[0] for c in MEANT]
)
def test_a_template_means_what_it_surely_says(
    kind: str, text: str, tree: Json, generated: set[Route]
) -> None:
    source = read(text)
    assert source.problems == ()
    assert source.masked == kind
    (document,) = source.documents
    assert known(document.tree) == tree
    assert document.generated == generated
    assert document.repeated == {}
    assert source.data == text.encode()


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
@pytest.mark.parametrize("text", [case[2] for case in MEANT], ids=[case[0] for case in MEANT])
def test_line_ends_make_no_difference(text: str, newline: str) -> None:
    one, other = read(text), read(text.replace("\n", newline))
    assert other.problems == ()
    assert other.masked == one.masked
    assert known(other.documents[0].tree) == known(one.documents[0].tree)
    assert other.documents[0].generated == one.documents[0].generated


def test_a_templated_value_is_its_own_text_at_its_own_place() -> None:
    text = "# ü\n{{- if .x }}\na:\n  b: https://{{ .host }}:9345  # c\n{{- end }}\n"
    source = read(text)
    (document,) = source.documents
    assert document.tree["a"]["b"] == "https://{{ .host }}:9345"
    span = document.span(document.at("a", "b"))
    assert span is not None
    assert text[span.start : span.end] == "https://{{ .host }}:9345"
    assert source.position(span.start) == Position(4, 6)
    (root,) = source.roots
    assert isinstance(root, Mapping)
    inner = root.pairs[0][1]
    assert isinstance(inner, Mapping)
    value = inner.pairs[0][1]
    assert isinstance(value, Scalar)
    assert value.value == "https://{{ .host }}:9345"


def test_quotes_around_a_templated_value_are_not_part_of_it() -> None:
    (document,) = read('a: "x {{ .y | default "z" }}"\nb: {{ .c }}\n').documents
    assert document.tree["a"] == 'x {{ .y | default "z" }}'


def test_documents_of_a_template_keep_what_is_theirs() -> None:
    source = read('{{ if .x }}\na: 1\n{{ end }}\n---\nb: 1\n---\nc: 1\n{{ include "y" . }}\n')
    assert [document.generated for document in source.documents] == [{()}, set(), {()}]


def test_a_mask_only_changes_what_is_not_yaml() -> None:
    text = "a: {{ .x }} # {{ y }}\n  {{- if .z }}\nb: '{{ c }}'\nd: {{- end }}\n"
    found = mask(text)
    assert found is not None
    assert found.text == "a: TTTTTTTT # {{ y }}\n  #           \nb: '{{ c }}'\nd:           \n"


@given(st.lists(st.sampled_from(
    ["{{ .x }}", "{{ if .x }}", "{{ else }}", "{{ end }}", "{% for x in y %}", "{% endfor %}", "{# c #}", "{{", "}}", "{%",
     "a", ": ", "- ", "\n", "\n  ", "\n    ", "|\n", '"', "'", "# ", "[", "]", "{", "}", ", ", "${X}", "%A1%", "\r\n", "x: 1\n",
     "{{ toYaml .x | nindent 2 }}", "---\n", "<a>", "&a ", "*a", "{{/* ", " */}}", "`"]
)).map("".join))  # fmt: skip
def test_any_template_is_read_with_true_places(text: str) -> None:
    found = mask(text)
    assert found is None or len(found.text) == len(text)
    assert found is None or [c for c in found.text if c in "\r\n"] == [
        c for c in text if c in "\r\n"
    ]
    source = read(text)
    assert source.data == text.encode()
    assert len(source.roots) == len(source.documents)


def test_real_templates_are_readable() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real files is not here")
    templates = {
        path: Source.read(path.name, path.read_bytes()) for path in CORPUS.glob("*/*.y*ml")
    }
    masked = {path: source for path, source in templates.items() if source.masked is not None}
    assert len(masked) >= 12
    broken = [path.name for path, source in masked.items() if source.problems]
    assert broken == []


def test_masks_are_made_of_parts() -> None:
    found = mask("{{ if .x }}\na: {{ .y }}\n{{ else }}\nb: 1\n{{ end }}\n")
    assert isinstance(found, Mask)
    assert [action.role for action in found.lone] == ["open", "else", "end"]
    assert [action.role for action in found.inline] == ["print"]
    assert len({branch for _, branch in found.branches}) == 3
    assert len(found.otherwise) == 1
