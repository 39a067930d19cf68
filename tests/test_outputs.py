"""Where do reports go? Several in one run, each in its file, whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rke2_lint.cli import main
from rke2_lint.outcome import Outcome
from rke2_lint.reporters import FORMATS, format_named

HERE = Path(__file__).parent
CLUSTER = """\
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: prod, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [A=b]
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true, quantity: 1}
"""
PINNED = CLUSTER.replace("A=b", "IPTABLES_MODE=nft")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Stand in a folder with one finding, and return what runs the linter there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / "a.yaml").write_text(CLUSTER)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return call


def formats(*asked: str) -> list[str]:
    return [word for each in asked for word in ("--output-format", each)]


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


# --- several reports


def test_each_report_is_the_same_wherever_it_goes(run: Run) -> None:
    every = [one.name for one in FORMATS]
    alone = {name: run(*formats(name), "a.yaml")[1] for name in every}
    status, out, _ = run(*formats("concise", *(f"{name}=r.{name}" for name in every)), "a.yaml")
    assert status == 1
    assert out == alone["concise"]
    for name in every:
        assert Path(f"r.{name}").read_bytes().decode() == alone[name], name


def test_a_report_in_a_file_leaves_standard_output_alone(run: Run) -> None:
    status, out, err = run(*formats("json=report.json"), "a.yaml")
    assert (status, out) == (1, "")
    assert err.startswith("Checked 1 file")
    assert json.loads(Path("report.json").read_text())["summary"]["errors"] == 1


def test_a_report_in_a_file_has_no_colours(run: Run) -> None:
    run(*formats("full=report.txt"), "a.yaml")
    assert "\x1b" not in Path("report.txt").read_text()


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
def test_a_file_is_written_where_nothing_is_found_too(run: Run, name: str) -> None:
    """Whoever reads it must not take the report of the last run for this one's."""
    Path("a.yaml").write_text(PINNED)
    Path("report").write_text("of the last run")
    status, _, _ = run(*formats(f"{name}=report"), "a.yaml")
    assert status == 0
    text = Path("report").read_text()
    form = format_named(name)
    assert form is not None
    assert "last run" not in text
    assert bool(text) == form.always


def test_standard_output_says_nothing_where_nothing_is_found(run: Run) -> None:
    Path("a.yaml").write_text(PINNED)
    for one in FORMATS:
        _, out, _ = run(*formats(one.name), "a.yaml")
        assert bool(out) == one.always, one.name


def test_a_dash_is_standard_output(run: Run) -> None:
    assert run(*formats("json=-"), "a.yaml")[1] == run(*formats("json"), "a.yaml")[1]
    assert not Path("-").exists()


def test_what_is_fixed_on_standard_input_keeps_standard_output(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rke2_lint", "--fix", "--quiet", *formats("concise", "json=r.json"), "-"],
        input=CLUSTER.replace("nft", "legacy").replace("A=b", "IPTABLES_MODE=legacy"),
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.startswith("apiVersion:")
    assert "legacy-backend" in done.stderr
    assert json.loads((tmp_path / "r.json").read_text())["findings"][0]["rule"] == "legacy-backend"


def test_a_diff_keeps_standard_output_and_files_say_what_is_left(run: Run) -> None:
    status, out, _ = run("--diff", *formats("concise", "json=r.json"), "a.yaml")
    assert status == 1
    assert out.startswith("--- a/a.yaml")
    assert json.loads(Path("r.json").read_text())["findings"] == []


# --- what cannot be done is said before anything is done


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("json", "sarif"), "json and sarif cannot both go to standard output"),
        (("json=r", "sarif=r"), "sarif=r: r is taken by json"),
        (("json=r", "sarif=./r"), "sarif=./r: ./r is taken by json"),
        (("jsno",), "unknown format 'jsno': did you mean json?"),
        (("githubsuggestions",), "did you mean github-suggestions?"),
        (("nothing-like-it",), "there are full, concise, grouped, json"),
        (("",), "unknown format ''"),
        (("json=",), "json= names no file"),
        (("json=sub/r",), "there is no folder sub; make it first"),
        (("json=.",), ". is a folder"),
        (("json=a.yaml",), "a.yaml is taken by what is read"),
        (("json=./a.yaml",), "./a.yaml is taken by what is read"),
    ],
)
def test_what_cannot_be_done(run: Run, asked: tuple[str, ...], said: str) -> None:
    before = names()
    status, out, err = run(*formats(*asked), "a.yaml")
    assert (status, out) == (2, "")
    assert said in err
    assert err.startswith("rke2-lint: error: ")
    assert names() == before
    assert Path("a.yaml").read_text() == CLUSTER


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("b.yaml", PINNED),
        ("b.yml", "a: 1"),
        ("b.json", '{"apiVersion": "v1", "kind": "Secret"}'),
        ("link.json", None),
    ],
)
def test_no_report_takes_the_place_of_a_manifest(run: Run, name: str, text: str | None) -> None:
    path = Path(name)
    if text is None:
        path.symlink_to("a.yaml")
    else:
        path.write_text(text)
    before = path.read_text()
    status, out, err = run(*formats(f"json={name}"), ".")
    assert (status, out) == (2, "")
    assert f"json={name}: {name} is there, and is no report: name another file" in err
    assert path.read_text() == before


def test_no_report_takes_the_place_of_the_baseline(run: Run) -> None:
    run("--write-baseline", ".")
    before = Path(".rke2-lint-baseline.json").read_bytes()
    asked = formats("json=.rke2-lint-baseline.json")
    status, _, err = run(*asked, "--baseline", ".rke2-lint-baseline.json", ".")
    assert status == 2
    assert ".rke2-lint-baseline.json is taken by what is read" in err
    assert Path(".rke2-lint-baseline.json").read_bytes() == before


@pytest.mark.parametrize("name", [one.name for one in FORMATS])
def test_the_report_of_the_last_run_is_not_read(run: Run, name: str) -> None:
    Path("\U0001f4a5.yaml").write_text(CLUSTER)
    asked = formats(f"{name}=report.json")
    _, _, said = run(*asked, ".")
    first = Path("report.json").read_bytes()
    _, _, said_again = run(*asked, ".")
    assert (Path("report.json").read_bytes(), said_again) == (first, said)


def test_a_file_that_cannot_be_written_is_an_error(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    Path("r.json").write_text("before")
    monkeypatch.setattr(os, "replace", refuse)
    status, _, err = run(*formats("concise", "json=r.json"), "a.yaml")
    assert status == 2
    assert "error: r.json: cannot be written: No space left on device\n" in err
    assert Path("r.json").read_text() == "before"
    assert names() == ["a.yaml", "r.json"]


# --- how files are written


def test_a_new_file_is_for_whom_the_umask_lets(run: Run) -> None:
    before = os.umask(0o027)
    try:
        run(*formats("json=r.json"), "a.yaml")
    finally:
        os.umask(before)
    if sys.platform != "win32":
        assert stat.S_IMODE(Path("r.json").stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are POSIX's")
def test_a_file_keeps_its_mode_and_a_link_its_way(run: Run) -> None:
    Path("there").mkdir()
    target = Path("there/r.json")
    target.write_text("old")
    target.chmod(0o604)
    Path("link.json").symlink_to("there/r.json")
    before = target.stat().st_ino
    run(*formats("json=link.json"), "a.yaml")
    assert Path("link.json").is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o604
    assert target.stat().st_ino != before
    assert json.loads(target.read_text())["version"] == 1


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no /dev/fd here")
def test_a_pipe_is_written_to(run: Run, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" -m rke2_lint --output-format json=/dev/fd/3 a.yaml 3>&1 2>err | cat', sys.executable],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["version"] == 1


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout here")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize(
    "arguments",
    [["a.yaml"], ["--diff", "a.yaml"], ["effective", "."], ["rule"], ["files"], ["config"]],
    ids=" ".join,
)
def test_standard_output_that_cannot_be_written_is_an_error(run: Run, arguments: list[str]) -> None:
    del run  # it makes the file
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rke2_lint", *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "rke2-lint: error: standard output cannot be written: No space left on device"
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("closed", "status"), [(">&-", 1), ("2>&-", 1), (">&- 2>&-", 1)])
def test_closed_streams_change_no_exit_code(run: Run, closed: str, status: int) -> None:
    del run  # it makes the file
    command = f'"$1" -m rke2_lint a.yaml {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, "sh", sys.executable],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)


def test_standard_output_stays_what_it_is(run: Run, tmp_path: Path) -> None:
    command = '"$0" -m rke2_lint --output-format json=/dev/stdout a.yaml >out 2>err; echo end >>out'
    subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, check=True)
    assert (tmp_path / "out").read_text().endswith("}\nend\n")


# --- beside the reports


def test_statistics_go_to_standard_error_the_most_frequent_first(run: Run) -> None:
    for name in "bcd":
        Path(f"{name}.yaml").write_text(CLUSTER)
    Path("legacy.yaml").write_text(CLUSTER.replace("A=b", "IPTABLES_MODE=legacy"))
    Path("note.yaml").write_text(PINNED.replace("v1.33.4+", "v1.33.4-rc1+"))
    Path("warning.yaml").write_text(PINNED.replace("IPTABLES", "NOTHING, IPTABLES"))
    status, out, err = run("--statistics", *formats("json"), ".")
    assert status == 1
    assert len(json.loads(out)["findings"]) == 7
    assert err.splitlines()[:4] == [
        "4  error    missing-nft-pin  [*] 4 with --fix",
        "1  error    legacy-backend",
        "1  warning  entry-without-equals",
        "1  note     prerelease-version",
    ]


def test_quiet_says_only_what_was_found(run: Run) -> None:
    assert run("-q", *formats("concise"), "a.yaml")[2] == ""
    status, _, err = run("--quiet", "a.yaml", "missing.yaml")
    assert status == 2
    assert err == "error: missing.yaml: No such file or directory\n"
    assert run("effective", "-q", ".")[2] == ""


def test_the_summary_of_a_github_job_is_added_to(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    _, out, _ = run(*formats("github"), "a.yaml")
    assert out.startswith("::error file=a.yaml,line=8,")
    told = summary.read_text()
    assert told.startswith("# Before\n<!-- rke2-lint -->\n### rke2-lint: 1 error\n")
    assert "+      kube-proxy-extra-env: [A=b, IPTABLES_MODE=nft]" in told
    run(*formats("concise"), "a.yaml")
    assert summary.read_text() == told
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "folder"))
    status, _, err = run(*formats("github"), "a.yaml")
    assert status == 1
    assert "the summary of the job cannot be written" in err


def test_github_is_told_ten_of_each_level_errors_first(run: Run) -> None:
    for number in range(13):
        Path(f"{number:02}.yaml").write_text(CLUSTER)
    _, out, _ = run(*formats("github"), ".")
    lines = out.splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert lines[-1] == "4 more: GitHub shows 10 of each level; see the job's summary"


def test_what_was_not_read_is_no_good_news(run: Run) -> None:
    Path("a.yaml").write_text(PINNED)
    _, out, _ = run(*formats("markdown"), "a.yaml", *(f"<b>@{number}" for number in range(12)))
    assert out.startswith("<!-- rke2-lint -->\n### rke2-lint: 12 files not read\n\n- not read: ")
    assert out.count("\n- not read: \\<b\\>@&#8203;") == 10
    assert out.endswith("\n- … and 2 more\n")
    _, out, _ = run(*formats("github-suggestions"), "a.yaml", "missing")
    assert json.loads(out)["body"].endswith("rke2-lint: 1 file not read")


def test_no_table_holds_a_command(run: Run) -> None:
    """Of `effective`: names of machines begin its lines."""
    Path("a.yaml").write_text(
        CLUSTER.replace("name: prod", 'name: "x"').replace(
            "namespace: fleet-default", 'namespace: "::error::y ##vso[task.complete]"'
        )
    )
    _, out, _ = run("effective", "a.yaml")
    assert ": :error::y ##vso(task.complete]/x/all" in out


def test_a_comment_is_as_long_as_it_may_be(run: Run) -> None:
    for number in range(900):
        Path(f"{number:03}.yaml").write_text(CLUSTER)
    _, out, _ = run(*formats("markdown"), ".")
    assert len(out) <= 65_536
    assert out.rstrip().endswith("more.")
    for number in range(250, 900):
        Path(f"{number:03}.yaml").unlink()
    _, out, _ = run(*formats("markdown"), ".")
    assert len(out) <= 65_536
    assert out.rstrip().endswith("more fixes: `rke2-lint --diff` shows them.")
    assert out.count("<details>") == out.count("</details>")


# --- paths


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("github", lambda out: out.partition("file=")[2].partition(",")[0]),
        ("gitlab", lambda out: json.loads(out)[0]["location"]["path"]),
        ("github-suggestions", lambda out: json.loads(out)["comments"][0]["path"]),
        ("azure", lambda out: out.partition("sourcepath=")[2].partition(";")[0]),
        (
            "sarif",
            lambda out: json.loads(out)["runs"][0]["results"][0]["locations"][0][
                "physicalLocation"
            ]["artifactLocation"]["uri"],
        ),
    ],
)
def test_paths_begin_at_the_top_of_the_repository(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    read: Callable[[str], str],
) -> None:
    """Wherever the linter is started, and however it is told what to read."""
    (tmp_path / "top" / ".git").mkdir(parents=True)
    folder = tmp_path / "top" / "deploy" / "prod"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(CLUSTER)
    told = set()
    for here, path in (
        (folder, "a.yaml"),
        (folder, "./a.yaml"),
        (folder.parent, "prod/a.yaml"),
        (folder, "../prod/a.yaml"),
        (folder, str(folder / "a.yaml")),
        (tmp_path / "top", "deploy/prod/a.yaml"),
    ):
        monkeypatch.chdir(here)
        told.add(read(run(*formats(name), path)[1]))
    assert told == {"deploy/prod/a.yaml"}


def test_what_is_outside_of_the_repository_keeps_its_path(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "top" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "top")
    _, out, _ = run(*formats("sarif"), str(tmp_path / "a.yaml"))
    [result] = json.loads(out)["runs"][0]["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": f"file://{tmp_path.as_posix()}/a.yaml"}


def test_a_windows_path_is_a_uri() -> None:
    from rke2_lint.remarks import Region, Remark
    from rke2_lint.reporters import sarif

    outcome = Outcome()
    outcome.remarks.append(
        Remark(
            "missing-nft-pin", "error", "m", "C:/a b/c.yaml", 1, Region(1, 1, 1, 2), (), (), None, "",
            fixable=False, lines=(), pointer="",
        )
    )  # fmt: skip
    [result] = json.loads(sarif.render(outcome))["runs"][0]["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "file:///C:/a%20b/c.yaml"}


# --- the list of formats


def test_help_lists_every_format_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    text = capsys.readouterr().out
    for one in FORMATS:
        assert f"{one.name}  " in text
        assert one.about in text
        assert len(one.about) < 76
    assert max(map(len, text.splitlines())) <= 100


def test_the_documents_list_every_format_with_what_it_is_for() -> None:
    page = (HERE.parent / "docs" / "output-formats.md").read_text(encoding="utf-8")
    listed = [line for line in page.splitlines() if line.startswith("| `")]
    assert listed == [f"| `{one.name}` | {one.about} |" for one in FORMATS]
    readme = (HERE.parent / "README.md").read_text(encoding="utf-8")
    assert [one.name for one in FORMATS if one.name not in readme] == []


def test_no_format_is_loaded_that_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CLUSTER)
    code = (
        "import sys; from rke2_lint.cli import main\n"
        "main(['--output-format', sys.argv[1], 'a.yaml'])\n"
        "print(*(name for name in sys.modules if name.startswith('rke2_lint.reporters.')), file=sys.stderr)"
    )
    for one in FORMATS:
        done = subprocess.run(
            [sys.executable, "-c", code, one.name],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        loaded = {name.rpartition(".")[2] for name in done.stderr.split("\n")[-2].split()}
        also = {"jsonl": {"json_"}, "github-suggestions": {"markdown"}}.get(one.name, set())
        assert loaded == {one.module} | also, one.name
