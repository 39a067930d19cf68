"""Environment files are read as systemd reads them (systemd.exec(5), EnvironmentFile=)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from rke2_policies import recognise
from rke2_policies.document import Span
from rke2_policies.environment_file import EnvironmentFile, read
from rke2_policies.route import Repeated, Templated
from rke2_policies.yaml_source import MAX_BYTES, Position

PIN = "RKE2_KUBE_PROXY_EXTRA_ENV"


def source(text: str) -> EnvironmentFile:
    return read("rke2-server.env", text.encode())


READ = [
    pytest.param("", {}, id="nothing"),
    pytest.param(f"{PIN}=IPTABLES_MODE=nft\n", {PIN: "IPTABLES_MODE=nft"}, id="the pin"),
    pytest.param("A=1", {"A": "1"}, id="no last line break"),
    pytest.param("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}, id="CR LF"),
    pytest.param("  A =  1 2  \n\tB\t=\t3\t\n", {"A": "1 2", "B": "3"}, id="blanks around"),
    pytest.param("# A=1\n;B=2\n  # C=3\n\nD=4\n", {"D": "4"}, id="comments"),
    pytest.param("# A \\\nB=2\n", {"B": "2"}, id="a comment is not continued"),
    pytest.param("A=1 # 2\n", {"A": "1 # 2"}, id="no comment behind a value"),
    pytest.param("nothing\nA=1\n", {"A": "1"}, id="a line without ="),
    pytest.param("A=\nB=2\n", {"A": "", "B": "2"}, id="an empty value"),
    pytest.param("A=b=c\n", {"A": "b=c"}, id="the first = counts"),
    pytest.param("A='b c'\nD=\"e f\" \n", {"A": "b c", "D": "e f"}, id="quotes"),
    pytest.param(
        "A='b\nc' \"d\" e \nF=1\n", {"A": "b\ncde", "F": "1"}, id="quotes one behind the other"
    ),
    pytest.param("A=b'c'\"d\"\n", {"A": "b'c'\"d\""}, id="no quotes inside a value"),
    pytest.param("A='b\\'c\n", {"A": "b\\c"}, id="no escapes in single quotes"),
    pytest.param('A="b\\"\\\\\\$\\`\\n"\n', {"A": 'b"\\$`\\n'}, id="escapes in double quotes"),
    pytest.param('A="b\\\nc"\n', {"A": "bc"}, id="a double-quoted value goes on"),
    pytest.param("A=b\\\n c\nD=1\n", {"A": "b c", "D": "1"}, id="a value goes on"),
    pytest.param("A=\\\nb\n", {"A": "b"}, id="a value begins on the next line"),
    pytest.param("A=b\\c\\\\d\\ \n", {"A": "bc\\d "}, id="escapes without quotes"),
    pytest.param("A=b \\\n", {"A": "b "}, id="a blank in front of a line that goes on"),
    pytest.param("A='b\nC=1\n", {"A": "b\nC=1\n"}, id="a quote that is not closed"),
    pytest.param('A="b\n', {"A": "b\n"}, id="a double quote that is not closed"),
    pytest.param("export A=1\n", {"export A": "1"}, id="export is part of the name"),
    pytest.param("\ufeffA=1\n", {"\ufeffA": "1"}, id="a byte order mark is part of the name"),
    pytest.param("A=${B}\nC=$D\n", {"A": "${B}", "C": "$D"}, id="nothing is expanded"),
]


@pytest.mark.parametrize(("text", "tree"), READ)
def test_a_file_says_what_systemd_reads(text: str, tree: object) -> None:
    found = source(text)
    assert found.problems == ()
    assert found.text == text
    assert found.data == text.encode()
    assert found.masked is None
    (document,) = found.documents
    assert document.tree == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("# c\n A = 1 2 \n", "1 2"),
        ("A='b c' # d\n", "'b c' # d"),
        ('A= "b\\\nc" \n', '"b\\\nc"'),
        ("A=b\\\n c \n", "b\\\n c"),
        ("A=\n", ""),
        ("A=  \n", ""),
        ("A='b", "'b"),
    ],
)
def test_names_and_values_have_their_places(text: str, value: str) -> None:
    (document,) = source(text).documents
    span = document.span(document.at("A"))
    assert span is not None
    assert text[span.start : span.end] == value
    key = document.span(document.at("A").key)
    assert key is not None
    assert text[key.start : key.end] == "A"


def test_the_last_of_repeated_names_is_in_force() -> None:
    found = source("A=1\nB=2\nA=3\nA=4\n")
    (document,) = found.documents
    assert document.tree == {"B": "2", "A": "4"}
    assert list(document.repeated.items()) == [
        ((Repeated("A", 0),), "1"),
        ((Repeated("A", 1),), "3"),
    ]
    assert document.span(document.at(Repeated("A", 0))) == Span(2, 3)
    assert document.span(document.at(Repeated("A", 1))) == Span(10, 11)
    assert document.span(document.at("A")) == Span(14, 15)
    assert found.position(14) == Position(4, 3)


def test_a_value_that_waits_to_be_filled_in_is_templated() -> None:
    (document,) = source("A={{ mode }}\nB='<required>'\nC=nft\n").documents
    assert [type(value) for value in document.tree.values()] == [Templated, Templated, str]


@pytest.mark.parametrize(
    ("data", "at", "message"),
    [
        pytest.param(b"A=1\n\0", 4, "NUL", id="NUL"),
        pytest.param(b"A=\xc3\xbc\xff\n", 3, "UTF-8", id="no UTF-8"),
        pytest.param(b"\xff\xfeA\0=\x001\0", 3, "NUL", id="UTF-16"),
        pytest.param(b"A" * (MAX_BYTES + 1), 0, "16 MiB", id="too large"),
    ],
)
def test_what_systemd_would_not_load_is_a_problem(data: bytes, at: int, message: str) -> None:
    found = read("rke2-server.env", data)
    (problem,) = found.problems
    assert problem.span.start == at
    assert message in problem.message
    assert found.documents[0].tree == {}
    assert found.data == data


GENERATOR = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
"""systemd's reader of environment.d, which is its reader of environment files and tells what it read."""


@pytest.mark.skipif(not GENERATOR.exists(), reason="there is no systemd to ask")
@pytest.mark.parametrize(("text", "tree"), READ)
def test_systemd_agrees(text: str, tree: dict[str, str], tmp_path: Path) -> None:
    if "$" in text or text.startswith("# A \\"):
        pytest.skip("environment.d expands variables; comments go on before systemd 254")
    folder = tmp_path / "environment.d"
    folder.mkdir()
    (folder / "x.conf").write_bytes(text.encode())
    asked = subprocess.run(
        [GENERATOR], env={"XDG_CONFIG_HOME": str(tmp_path)}, capture_output=True, check=True
    )
    said = dict(line.split("=", 1) for line in asked.stdout.decode().splitlines())
    for name, value in tree.items():
        if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            quoted = said.get(name, "")
            plain = quoted[1:-1] if quoted[:1] == '"' else quoted
            assert re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], plain) == value
        else:
            assert name not in said


@pytest.mark.parametrize("root", ["", "/", "hosts/a/"])
def test_the_folders_of_a_config_file_are_where_its_environment_files_lie(root: str) -> None:
    config = f"{root}etc/rancher/rke2/config.yaml"
    folders = recognise.environment_folders(config)
    assert f"{root}etc/default/" in folders
    assert f"{root}usr/local/lib/systemd/system/" in folders
    for folder in folders:
        name = "rke2-server" if folder.endswith(("default/", "sysconfig/")) else "rke2-server.env"
        assert recognise.is_environment(f"{folder}{name}")
        assert recognise.config_of_environment(f"{folder}{name}") == config


@pytest.mark.parametrize("path", ["", "prod.yaml", "etc/rancher/rke2/other.yaml"])
def test_what_is_no_config_file_has_no_environment_files(path: str) -> None:
    assert recognise.environment_folders(path) == ()
