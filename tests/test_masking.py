"""Is every secret masked, and nothing else?"""

from __future__ import annotations

import pytest

from rke2_lint.masking import Secrets, is_secret_name, masked
from rke2_policies import environment_file
from rke2_policies.yaml_source import Source


def shown(text: str) -> str:
    """Return a YAML file as it may be shown."""
    source = Source.read("a.yaml", text.encode())
    return Secrets(source).shown(0, len(source.text))


@pytest.mark.parametrize(
    "name",
    [
        "token", "agent-token", "etcd-s3-secret-key", "etcd-s3-access-key", "datastore-endpoint",
        "token+", "RKE2_TOKEN", "AWS_SECRET_ACCESS_KEY", "secretKey", "password", "bootstrapToken",
        "cloud.client_secret", "privateKey", "vsphere-password", "API_KEY",
    ],
)  # fmt: skip
def test_values_of_this_name_are_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "cni", "kube-proxy-extra-env", "tokens-in-use", "token-file", "secretName", "key",
        "cloudCredentialSecretName", "etcd-s3-bucket", "access-key-id-file", "",
    ],
)  # fmt: skip
def test_values_of_this_name_are_not(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("token: abc # c\n", "token: *** # c\n", id="plain, with its comment"),
        pytest.param("token: 'a, b'\n", "token: ******\n", id="quoted"),
        pytest.param("token:\n  abc\n", "token:\n  ***\n", id="on the next line"),
        pytest.param("token: |\n  ab\n  c\nx: 1\n", "token: *\n  **\n  *\nx: 1\n", id="a block"),
        pytest.param("token: a\n  b\n", "token: *\n  *\n", id="plain over two lines"),
        pytest.param("{token: ab, cni: x}\n", "{token: **, cni: x}\n", id="in flow"),
        pytest.param('{"token":"ab","cni":"x"}', '{"token":****,"cni":"x"}', id="JSON"),
        pytest.param("token: [ab, c]\n", "token: *******\n", id="a list"),
        pytest.param("token: ab\ntoken: cd\n", "token: **\ntoken: **\n", id="said twice"),
        pytest.param("a: &t ab\ntoken: *t\n", "a: &t **\ntoken: *t\n", id="through an alias"),
        pytest.param("a: &t ab\ntoken: [*t]\n", "a: &t **\ntoken: ****\n", id="in a list of them"),
        pytest.param("# token: ab\nx: 1\n", "# token: **\nx: 1\n", id="in a comment"),
        pytest.param(
            "x: |\n  token: ab\n  cni: y\n", "x: |\n  token: **\n  cni: y\n", id="in a text"
        ),
        pytest.param("e: [RKE2_TOKEN=ab, A=b]\n", "e: [RKE2_TOKEN=**, A=b]\n", id="a variable"),
        pytest.param(
            "- {name: S3_SECRET_KEY, value: ab}\n",
            "- {name: S3_SECRET_KEY, value: **}\n",
            id="Kubernetes-style",
        ),
        pytest.param(
            "a: [P=http://u:pw@h:1/x]\n", "a: [P=http://u:**@h:1/x]\n", id="a password in a URL"
        ),
        pytest.param("a: http://u:p@w@h\n", "a: http://u:***@h\n", id="an @ in the password"),
        pytest.param("a: https://host:9345/x\n", "a: https://host:9345/x\n", id="only a port"),
        pytest.param(
            "token: {{ .Values.t }}\n", "token: ***************\n", id="a template's value"
        ),
    ],
)
def test_a_file_is_shown(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_nothing_of_a_secret_object_is_shown() -> None:
    text = """\
apiVersion: v1
kind: Secret
metadata:
  name: proxy
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"k":"abc"}}'
type: Opaque
stringData:
  k: abc
data: {j: YWJj}
"""
    assert (
        shown(text)
        == """\
apiVersion: v1
kind: Secret
metadata:
  name: proxy
  annotations:
    ******************************************************************************
type: Opaque
stringData:
  ******
data: *********
"""
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kind: List\nitems:\n- kind: Secret\n  data: {k: YWJj}\n", id="in a List"),
        pytest.param("type: secret\ndata:\n  k: YWJj\n", id="of Rancher's API"),
        pytest.param("kind: Secret\ndata:\n  k: YWJj\n x: [\n", id="that does not parse"),
        pytest.param("a: 1\n---\nkind: Secret\ndata: {k: YWJj}\n", id="in another document"),
    ],
)
def test_a_secret_is_known_wherever_it_stands(text: str) -> None:
    assert "YWJj" not in shown(text)


def test_what_does_not_parse_shows_no_secrets_either() -> None:
    assert shown("token: ab cd, ef\ncni: [\n") == "token: *********\ncni: [\n"


def test_environment_files_show_no_secrets() -> None:
    source = environment_file.read("rke2-server.env", b"RKE2_TOKEN=ab cd\nRKE2_CNI=x\n")
    assert Secrets(source).shown(0, len(source.text)) == "RKE2_TOKEN=*****\nRKE2_CNI=x\n"


def test_lines_and_columns_stay_where_they_are() -> None:
    text = "token: |\n  ab\n\n  cd\nx: {password: y, cni: z}\n"
    assert [len(line) for line in shown(text).splitlines()] == [
        len(line) for line in text.splitlines()
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("write A=http://u:pw@h", "write A=http://u:**@h"),
        ("RKE2_TOKEN=abc has no effect", "RKE2_TOKEN=*** has no effect"),
        ("the value correct-horse is no list", "the value ************* is no list"),
        ("while scanning for the next token: found", "while scanning for the next token: found"),
    ],
)
def test_messages_repeat_no_secret(message: str, expected: str) -> None:
    secrets = Secrets(Source.read("a.yaml", b"password: correct-horse\n"))
    assert secrets.message(message) == expected


def test_a_message_without_a_file() -> None:
    assert masked("http://u:pw@h") == "http://u:**@h"
