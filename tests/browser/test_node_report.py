"""Is the HTML report about nodes what a person, a keyboard, a screen reader and a phone can use?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import visiting

from rke2_lint.cli import main

Open = Callable[..., visiting.Visit]
SERVICES = '*nat\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\nCOMMIT\n'
PINNED = "A=b\nIPTABLES_MODE=nft\n"
NODES = {
    "shop/worker-1": {"env": PINNED, "readlink": "xtables-nft-multi\n", "iptables-legacy-save": "", "iptables-nft-save": SERVICES},
    "shop/worker-2": {
        "env": "A=b\n",
        "iptables-legacy-save": "*filter\n" + "".join(f"-A INPUT -s 192.0.2.{n}/32 -m comment --comment \"{'long words ' * 12}\" -j DROP\n" for n in range(14)) + "COMMIT\n",
        "ip6tables-legacy-save": "", "iptables-nft-save": SERVICES, "ip6tables-nft-save": "",
    },
    "shop/worker-with-a-name-that-is-much-longer-than-any-phone-is-wide.eu-central-1.compute.internal": {
        "env": "IPTABLES_MODE=<img src=x onerror=alert(1)>\u202e\n", "readlink": "iptables-detect.sh\n",
    },
    "lab/one": {"config.yaml": "kube-proxy-arg: [proxy-mode=nftables]\n"},
    "lab/two": {"env": PINNED, "iptables-legacy-save": "*filter\n-A FORWARD -m comment --comment \"cali:wUHho\" -j cali-FORWARD\nCOMMIT\n"},
}  # fmt: skip


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report on nodes of two clusters, in every state, and on a path that is not there."""
    folder = tmp_path_factory.mktemp("nodes")
    for node, files in NODES.items():
        for name, text in files.items():
            path = folder / "all" / node / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    page = folder / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(["node", "--isolated", "--output-format", f"html={page}", "all", "missing.tar.gz"])
    return page.as_uri()


def verdicts(visit: visiting.Visit, what: str) -> list[str]:
    """Return the verdicts of what is shown, once each."""
    shown = visit.page.locator(f"{what}[data-item]:visible").evaluate_all(
        "all => all.map((each) => each.dataset.verdict)"
    )
    return sorted(set(shown))


def test_it_fits_and_nobody_complains(
    report: str, look: visiting.Look, visit: Open, picture: Callable[[visiting.Visit], None]
) -> None:
    seen = visit(report, look)
    seen.draw_everything()
    assert seen.too_wide() == []
    seen.page.get_by_role("button", name="Unfold all").click()
    assert seen.too_wide() == []
    assert seen.complaints == []
    picture(seen)


def test_axe_finds_nothing(report: str, look: visiting.Look, visit: Open) -> None:
    seen = visit(report, look)
    seen.draw_everything()
    assert seen.axe() == []
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => each.open = true)")
    assert seen.axe() == []


def test_it_says_how_many_need_attention(report: str, visit: Open) -> None:
    page = visit(report).page
    assert page.get_by_role("heading", level=1).inner_text() == "3 of 5 nodes need attention"
    assert page.get_by_text("missing.tar.gz: No such file or directory").is_visible()


def test_a_filter_is_for_the_table_and_the_details(report: str, visit: Open) -> None:
    seen = visit(report)
    assert verdicts(seen, ".nodes ") == ["error", "not-applicable", "pass", "warning"]
    seen.page.locator(".chip", has_text="error").click()
    assert verdicts(seen, ".nodes ") == verdicts(seen, "details") == ["error"]


def test_filters_work_without_a_script(report: str, visit: Open) -> None:
    seen = visit(report, scripts=False)
    seen.page.locator(".chip", has_text="warning").click()
    assert verdicts(seen, ".nodes ") == verdicts(seen, "details") == ["warning"]


def test_a_row_leads_to_its_details(report: str, visit: Open) -> None:
    seen = visit(report)
    seen.page.locator(".nodes").get_by_role("link", name="worker-1", exact=True).click()
    target = seen.page.locator(seen.page.evaluate("location.hash"))
    assert target.inner_text() == "worker-1"
    assert target.is_visible()


def test_nothing_runs_that_a_dump_says(report: str, visit: Open) -> None:
    seen = visit(report)
    assert seen.page.locator("script").count() == 1
    assert seen.page.locator("img, iframe, object, [onerror], [style]").count() == 0
    assert seen.page.locator(".unseen", has_text="U+202E").count() > 0
    assert seen.complaints == []


def test_the_same_dumps_give_the_same_page(report: str) -> None:
    text = Path(report.removeprefix("file://")).read_text(encoding="ascii")
    assert text.startswith("<!DOCTYPE html>")
    assert "<title>3 of 5 nodes need attention" in text
