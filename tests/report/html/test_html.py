"""`invoke report`: a page, driven in a real browser; what hosts print is text in it and nothing else."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from runner.history import Record, Span
from runner.models import CommandResult, HostResult, Phase, Status
from runner.report.html import page
from runner.report.html.page import embedded
from tests.history.runs import START, make_run, until
from tests.report.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HOSTILE = "\n".join(  # noqa: FLY002 - a line each
    (
        "<script>window.hacked = 'script'</script>",
        "</script><script>window.hacked = 'closed'</script>",
        "<!--<script>window.hacked = 'comment'",
        "--></style></title></textarea></noscript><script>window.hacked = 'ended'</script>",
        "<img src=x onerror=\"window.hacked = 'img'\">",
        "<svg onload=\"window.hacked = 'svg'\">",
        "<a href=\"javascript:window.hacked='link'\">click</a>",
        "<iframe srcdoc=\"<script>parent.hacked='frame'</script>\"></iframe>",
        "{{ 7*7 }} {% raw %} ${7*7} `${window.hacked = 1}` \\u003cscript\\u003e \\",
        "<base href=//x.invalid/><meta http-equiv=refresh content='0;url=//x.invalid/'>",
        "\u2028\u2029\u202egnp.exe\x00\x1b[2J\x9b2J",
    )
)


def record(results: Mapping[str, HostResult | str], number: int = 1, **other: Any) -> Record:
    """A run in which hosts ended so, or said this."""
    full = {
        host: result
        if isinstance(result, HostResult)
        else HostResult(
            host,
            Status.OK,
            duration_s=1.0,
            sent=True,
            commands=(CommandResult("show version", 0, result.encode("utf-8", "surrogatepass")),),
        )
        for host, result in results.items()
    }
    spans = {host: Span(place * 0.5, place * 0.5 + 1) for place, host in enumerate(full)}
    run = make_run(number, finished=START + timedelta(seconds=90), **other)
    return Record(run, full, frozenset(full), tuple(full), {}, spans)


def few() -> dict[str, HostResult | str]:
    return {
        **{f"r{number}": "version 17.9\nuptime 3 days\n" for number in range(1, 6)},
        "r6": "version 16.12\nuptime 9 days\n",
        "r7": HostResult(
            "r7", Status.UNREACHABLE, phase=Phase.PING, reason="no-reply", error="no reply in 2 tries"
        ),
        "r8": HostResult(
            "r8",
            Status.FAILED,
            reason="exit-code",
            error="'show version' ended with exit code 3",
            sent=True,
            commands=(CommandResult("show version", 3, b"some of it\n", b"and then this\n"),),
        ),
    }


class Page:
    """A page in a browser, as somebody sees it who looks at the screen."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser = browser
        self.folder = folder
        self.browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})

    def open(self, text: str) -> None:
        file = self.folder / "report.html"
        file.write_text(text, "utf-8")
        self.browser.get(file.as_uri())
        until(lambda: self.js("return document.documentElement.dataset.ready !== undefined"))

    def js(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def busy_s(self) -> float:
        """Return the processor time that the page has taken since it was opened, in seconds."""
        metrics = self.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

    def all(self, selector: str) -> list[Any]:
        return [each for each in self.browser.find_elements("css selector", selector) if each.is_displayed()]

    def texts(self, selector: str) -> list[str]:
        return [each.text for each in self.all(selector)]

    def chips(self) -> list[str]:
        return [" ".join(text.split()) for text in self.texts(".chip")]

    def click(self, selector: str, text: str | None = None) -> None:
        (found,) = [each for each in self.all(selector) if text in (None, " ".join(each.text.split()))]
        found.click()

    def find(self, words: str, found: str) -> None:
        box = self.browser.find_element("id", "find")
        box.clear()
        box.send_keys(words)
        until(lambda: self.texts("#found") == [found])

    def keys(self, *names: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        chain = ActionChains(self.browser)
        for name in names:
            chain.send_keys(getattr(Keys, name, name))
        chain.perform()

    def complaints(self) -> list[str]:
        return [each["message"] for each in self.browser.get_log("browser")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Page:
    return Page(browser, tmp_path)


def test_equal_answers_are_shown_once_and_the_odd_one_out_last(shown: Page) -> None:
    shown.open(page(record(few())))
    assert shown.texts("#answers .name")[:2] == ["r[1-5]", "r6"]
    assert {*shown.texts("#answers .name")[2:]} == {"r7", "r8"}
    assert shown.texts("#answers .count")[0] == "5 hosts"
    assert shown.texts("#answers pre")[0] == "version 17.9\nuptime 3 days"
    assert "no reply in 2 tries ping: no-reply" in shown.texts("#answers .why")
    assert shown.chips() == ["ok 6", "failed 1", "unreachable 1"]
    assert shown.complaints() == []


def test_what_is_looked_for_is_found_in_names_reasons_and_outputs(shown: Page) -> None:
    shown.open(page(record(few())))
    shown.find("9 DAYS", "1 of 8 hosts")
    assert shown.texts("#answers .name") == ["r6"]
    assert shown.texts("mark") == ["9 days"]
    shown.find("r8", "1 of 8 hosts")
    shown.find("no reply", "1 of 8 hosts")
    shown.find("and then this", "1 of 8 hosts")
    shown.find("nowhere", "0 of 8 hosts")
    assert "No host fits" in shown.texts("#answers")[0]
    shown.click("#clear")
    assert shown.texts("#found") == ["8 hosts"]


def test_hosts_are_filtered_by_how_they_ended(shown: Page) -> None:
    shown.open(page(record(few())))
    shown.click(".chip", "failed 1")
    shown.click(".chip", "unreachable 1")
    assert shown.texts("#found") == ["2 of 8 hosts"]
    assert {*shown.texts("#answers .name")} == {"r7", "r8"}
    shown.click("#tab-hosts")
    assert shown.texts("#hosts .row .name") == ["r7", "r8"]


def test_the_hosts_of_an_answer_and_the_details_of_a_host(shown: Page) -> None:
    shown.open(page(record(few())))
    shown.all("#answers .card")[0].find_element("css selector", "button.plain").click()
    assert shown.texts("#found") == ["5 of 8 hosts with the same answer"]
    assert shown.texts("#hosts .row .name") == [f"r{number}" for number in range(1, 6)]
    shown.all("#hosts .row")[2].click()
    assert shown.texts("#detail h2") == ["r3"]
    assert "4 other hosts with the same answer" in shown.texts("#detail button")
    assert shown.texts("#detail pre") == ["version 17.9\nuptime 3 days"]
    shown.click("#close")
    assert not shown.all("#detail")


def test_both_streams_and_the_exit_code_are_shown(shown: Page) -> None:
    shown.open(page(record(few())))
    shown.find("r8", "1 of 8 hosts")
    assert shown.texts("#answers h3")[0].split() == ["show", "version", "exit", "3"]
    assert shown.texts("#answers pre") == ["some of it", "and then this"]
    assert shown.texts("#answers pre.err") == ["and then this"]


def test_everything_is_done_by_keyboard(shown: Page) -> None:
    shown.open(page(record(few())))
    shown.keys("/", "r")
    until(lambda: shown.js("return document.activeElement.id") == "find")
    shown.js("document.getElementById('tab-answers').focus()")
    shown.keys("ARROW_RIGHT")
    assert shown.js("return document.activeElement.id") == "tab-hosts"
    shown.js("document.querySelector('#hosts .rows').focus()")
    shown.keys("ARROW_DOWN", "ARROW_DOWN", "ENTER")
    assert shown.texts("#detail h2") == ["r3"]
    shown.keys("END")
    assert shown.texts("#detail h2") == ["r8"]
    active = shown.js("return document.activeElement.getAttribute('aria-activedescendant')")
    assert "r8" in shown.texts(f"#{active}")[0]
    shown.keys("ESCAPE")
    assert not shown.all("#detail")
    assert shown.js("return document.activeElement.className") == "rows"


def test_hosts_are_sorted_as_people_count(shown: Page) -> None:
    hosts = {f"r{number}": "same" for number in (10, 2, 1)}
    shown.open(page(record(hosts)))
    shown.click("#tab-hosts")
    assert shown.texts("#hosts .row .name") == ["r10", "r2", "r1"]
    shown.click("#hosts .headings button", "Host")
    assert shown.texts("#hosts .row .name") == ["r1", "r2", "r10"]
    shown.all("#hosts .headings button")[1].click()
    assert shown.texts("#hosts .row .name") == ["r10", "r2", "r1"]


def test_the_time_line_has_a_bar_for_each_host_where_it_was_worked_on(shown: Page) -> None:
    shown.open(page(record(few())))
    shown.click("#tab-time")
    assert len(shown.all("#time .lane i")) == 8
    places = [each.rect["x"] for each in shown.all("#time .lane i")]
    assert places == sorted(places)
    assert len(set(places)) == 8
    assert "at most 2, over 4.50 s" in shown.texts("#time .caption")[0]


def test_what_changed_since_an_earlier_run_is_shown_once_for_hosts_with_the_same_change(shown: Page) -> None:
    before = few() | {"r1": "version 15.0\nuptime 3 days\n", "r2": "version 15.0\nuptime 3 days\n"}
    shown.open(page(record(few(), 2), record(before, 1)))
    assert shown.texts("#tab-changes") == ["Changes 2"]
    shown.click("#tab-changes")
    assert shown.texts("#changes .name") == ["r[1-2]"]
    assert shown.texts("#changes .minus") == ["-version 15.0"]
    assert shown.texts("#changes .plus") == ["+version 17.9"]
    shown.click("#tab-hosts")
    shown.all("#hosts .row")[0].click()
    assert shown.texts("#detail .plus") == ["+version 17.9"]
    shown.find("r3", "1 of 8 hosts")
    shown.keys("ESCAPE")
    shown.click("#tab-changes")
    assert "No change fits" in shown.texts("#changes")[0]


def hostile() -> Record:
    results: dict[str, HostResult | str] = {
        "h1": HOSTILE,
        "h2": HostResult("h2", Status.ERROR, reason="job-raised", error=HOSTILE, value={"x": HOSTILE}),
        "<script>window.hacked='name'</script>": HostResult(
            "<script>window.hacked='name'</script>",
            Status.FAILED,
            sent=True,
            address='"><img src=x onerror=window.hacked=1>',
            port=22,
            commands=(CommandResult(HOSTILE, 1, b"\xff\xfe</script>", HOSTILE.encode(), refused=HOSTILE),),
        ),
    }
    return record(results, commands=(HOSTILE,), pattern=HOSTILE, inventory=(HOSTILE,), task=HOSTILE)


def test_nothing_that_a_host_printed_runs_or_becomes_an_element(shown: Page) -> None:
    before = record({"h1": "tame"}, 0)
    shown.open(page(hostile(), before))
    for tab in ("hosts", "time", "changes", "answers"):
        shown.click(f"#tab-{tab}")
    shown.find("onerror", "3 hosts")
    shown.click("#tab-hosts")
    for place in range(3):
        shown.all("#hosts .row")[place].click()
        assert "<script>" in shown.texts("#detail")[0]
        shown.click("#close")
    shown.js("dispatchEvent(new Event('beforeprint'))")
    assert shown.js("return window.hacked") is None
    assert shown.js("return document.scripts.length") == 2
    foreign = "img, iframe, object, embed, link, base, form, a, [onerror], [onload], [style*=url]"
    assert shown.js("return document.querySelectorAll(arguments[0]).length", foreign) == 0
    assert [each for each in shown.complaints() if "Content Security Policy" in each] == []
    assert HOSTILE.split("\n", maxsplit=1)[0] in shown.js("return document.body.textContent")


def test_invisible_characters_are_marks(shown: Page) -> None:
    shown.open(page(hostile()))
    seen = shown.js("return document.querySelector('#answers').textContent")
    assert not re.search("[\x00\x1b\x9b\u202e\u2028]", seen)
    assert r"\u202egnp.exe\x00\x1b[2J\x9b2J" in seen


def test_the_policy_holds_even_where_markup_got_in(shown: Page) -> None:
    text = page(record(few()))
    slipped = (
        "<script>window.hacked=1</script><img src='x:y' onerror='window.hacked=2'><i style='color:red'></i>"
    )
    shown.open(text.replace("<main>", f"<main>{slipped}"))
    assert shown.js("return window.hacked") is None
    assert len(shown.all(".card")) == 4
    assert any("Content Security Policy" in each for each in shown.complaints())


def test_the_page_asks_for_nothing_else(shown: Page) -> None:
    text = page(record(few()))
    assert "default-src 'none'" in html.unescape(text)
    assert re.findall(r"\b(?:src|href|url)\s*[=(]", text) == []
    shown.open(text)
    assert shown.js("return performance.getEntriesByType('resource').length") == 0


def test_data_in_the_page_is_the_data(shown: Page) -> None:
    data = {"a": HOSTILE, "b": ["</script>", "&lt;", "<!--", "]]>"], "c": "é漢\U0001f600"}
    assert json.loads(embedded(data)) == data
    assert not set("<>&") & set(embedded(data))
    shown.open(page(record({"r1": "é漢\U0001f600\n"})))
    assert shown.texts("#answers pre") == ["é漢\U0001f600"]


def test_a_line_of_five_megabytes_is_shown_a_piece_at_a_time(shown: Page) -> None:
    shown.open(page(record({"r1": "x" * 5_000_000, "r2": "fine\n"})))
    assert len(shown.texts("#answers pre")[0]) < 10_000
    shown.find("fine", "1 of 2 hosts")
    shown.find("xxx", "1 of 2 hosts")
    for _ in range(2):
        shown.click("#answers .more")
    assert "the beginning of 4.8 MiB" in shown.texts("#answers .foot")[0]
    assert shown.js("return document.querySelector('#answers pre').textContent.length") == 2**20


def test_of_much_output_a_page_holds_the_beginning() -> None:
    hosts = {f"h{number}": f"{number} " + "x" * 900_000 for number in range(60)}
    text = page(record(hosts))
    assert len(text) < 60 * 2**20
    document = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert len(document["cut"]) > 0
    assert len(document["hosts"]) == 60


def many() -> Record:
    def one(number: int) -> HostResult | str:
        if number % 40 == 0:
            return HostResult(
                f"h{number}", Status.UNREACHABLE, phase=Phase.PING, reason="no-reply", error="no reply"
            )
        return f"version {number % 7}\n" + (f"serial {number}\n" if number % 2 else "") + "banner\n" * 20

    return record({f"h{number}": one(number) for number in range(10_000)})


WALK_THROUGH_THE_TABS = """
for (const tab of ["hosts", "time", "answers", "hosts"]) {
  document.getElementById(`tab-${tab}`).click();
}
document.querySelector(".chip").click();
document.body.offsetHeight;
"""


@pytest.mark.slow
def test_ten_thousand_hosts_are_at_hand_within_two_seconds(shown: Page) -> None:
    shown.open(page(many()))
    ready_s = shown.busy_s()
    shown.js(WALK_THROUGH_THE_TABS)
    assert ready_s < 2
    assert shown.busy_s() - ready_s < 2
    assert len(shown.all("#hosts .row")) < 100
    shown.click("#clear")
    shown.find("serial 4711", "1 of 10,000 hosts")
    assert shown.texts("#hosts .row .name") == ["h4711"]
    shown.click("#clear")
    shown.js("document.querySelector('#hosts .rows').focus()")
    shown.keys("END", "ENTER")
    assert shown.texts("#detail h2") == ["h9999"]
    assert "h9999" in shown.texts("#hosts .row .name")


def test_on_a_phone_nothing_is_wider_than_the_screen(shown: Page) -> None:
    device = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    shown.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    try:
        shown.open(page(record(few() | {"a-" + "very-" * 40 + "long-name": "x" * 500}), record(few(), 0)))
        for tab in ("answers", "hosts", "time", "changes"):
            shown.js(f"document.getElementById('tab-{tab}').click()")
            assert shown.js("return document.documentElement.scrollWidth") <= 390
    finally:
        shown.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_by_day_and_by_night(shown: Page, scheme: str) -> None:
    feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
    shown.open(page(record(few())))
    # WCAG 2.2, 1.4.3: 4.5 to 1.
    ratios = shown.js(
        """
        const level = (colour) => {
          const [r, g, b] = colour.match(/\\d+/g).map((each) => {
            const part = each / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = (element) => {
          for (let each = element; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (!/, 0\\)$/.test(colour) && colour !== "transparent") return colour;
          }
          return "rgb(255, 255, 255)";
        };
        const kinds = [".kind", ".facts dt", "#found", ".count", "pre", ".tabs button", ".reason", ".chip"];
        return kinds.map((selector) => {
          const element = document.querySelector(selector);
          const [one, two] = [level(getComputedStyle(element).color), level(ground(element))];
          return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        });
        """
    )
    assert min(ratios) >= 4.5


def test_on_paper_there_are_the_answers_and_the_hosts_that_did_not_end_ok(shown: Page) -> None:
    shown.open(page(record(few())))
    shown.js("dispatchEvent(new Event('beforeprint'))")
    shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert shown.texts("#printed .name")[:2] == ["r[1-5]", "r6"]
        assert [each.split()[0] for each in shown.texts("#printed tr")] == ["r7", "r8"]
        assert not shown.all(".tools")
    finally:
        shown.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_run_that_was_killed_says_what_is_not_known(shown: Page) -> None:
    killed = Record(make_run(1), {}, frozenset({"r1"}), ("r1", "r2"), {}, {"r1": Span(1.0, None)})
    shown.open(page(killed))
    assert shown.chips() == ["lost 1", "cancelled 1"]
    assert "did not finish" in shown.texts(".facts")[0]
    shown.click("#tab-time")
    assert len(shown.all("#time .lane i")) == 1


def test_a_run_over_no_host_is_a_page_too(shown: Page) -> None:
    shown.open(page(record({})))
    for tab in ("hosts", "time", "answers"):
        shown.click(f"#tab-{tab}")
    assert shown.texts("#found") == ["0 hosts"]
    assert shown.complaints() == []


def test_a_pause_between_two_sittings_is_left_out_of_the_time_line(shown: Page) -> None:
    made = record({"r1": "a", "r2": "a"})
    spans = {"r1": Span(0.0, 2.0), "r2": Span(90_002.0, 90_004.0)}
    shown.open(page(Record(made.run, made.results, made.started, made.hosts, {}, spans)))
    shown.click("#tab-time")
    assert "A pause of 25 h 0 min" in shown.texts("#time .caption")[1]
    assert len(shown.all("#time .lane i")) == 2
