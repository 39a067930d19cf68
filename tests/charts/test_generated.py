"""What is generated of the chart is fresh."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rendering import CHART, ROOT, helm
from write_chart import written

from rke2_lint import __version__


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in written()])
def test_it_is_as_it_would_be_written_now(path: Path) -> None:
    assert path.read_text("utf-8") == written()[path], "stale: python charts/write_chart.py"


def test_the_chart_has_the_version_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_helm_has_nothing_to_say_against_it() -> None:
    report = helm.chart.lint(CHART, strict=True, kube_version="v1.28.0")
    assert report["errors"] == []
    # There is no icon: it would have to be fetched from somewhere.
    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]


def test_it_can_be_packaged(tmp_path: Path) -> None:
    archive = helm.chart.package(CHART, destination=tmp_path)
    with helm.Chart.load(archive) as chart:
        assert chart.version == __version__
        assert chart.schema is not None
        names = {each["name"] for each in chart.files}
    assert {"README.md", "questions.yaml", "files/dashboard.json"} <= names


def test_the_questions_of_rancher_ask_for_values_with_their_defaults() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    asked = yaml.safe_load((CHART / "questions.yaml").read_text("utf-8"))["questions"]
    asked += [each for one in asked for each in one.get("subquestions", ())]
    for question in asked:
        found = values
        for name in question["variable"].split("."):
            found = found[name]
        if question["variable"] != "metrics.grafana.namespace":
            assert question["default"] == found, question["variable"]
        variable = question.get("show_if", "").partition("=")[0]
        assert not variable or variable in {each["variable"] for each in asked}


def test_the_readme_says_the_names_of_what_it_explains() -> None:
    readme = (CHART / "README.md").read_text("utf-8")
    for heading in ("Install", "Uninstall", "Emergency", "Certificates", "Security", "Values"):
        assert f"## {heading}\n" in readme
    assert not [line for line in readme.splitlines() if str(ROOT) in line]
