"""The page of `rnnapps inspect`, in a real browser without a network."""

import pytest

from rnn_apps.inspection.page import inspection_page
from rnn_apps.model import load


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    inputs = {"translation": ["I have never seen a film like this.", "We went home."], "sentiment": ["so good " * 80]}
    for name, texts in inputs.items():
        (folder / f"{name}.html").write_text(inspection_page(load(name).inspect(texts)), encoding="utf-8")
    return folder


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1200, "light")])
@pytest.mark.parametrize("name", ["translation", "sentiment"])
def test_every_tab_is_drawn_and_every_control_moves_it(browser, pages, name, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page = context.new_page()
    told = []
    page.on("console", lambda message: told.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto((pages / f"{name}.html").as_uri())
    tabs = page.get_by_role("tab")
    assert tabs.count() >= 2
    for number in range(tabs.count()):
        tabs.nth(number).click()
        panel = page.get_by_role("tabpanel")
        assert panel.locator("svg").count() >= 1
        for slider in panel.locator("input[type=range]").all():
            before = panel.inner_html()
            slider.focus()
            slider.press("ArrowLeft")
            slider.press("ArrowRight")
            slider.press("End")
            slider.press("ArrowLeft")
            assert panel.inner_html() != before
        for select in panel.locator("select").all():
            for choice in range(min(select.locator("option").count(), 4)):
                select.select_option(index=choice)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert told == []
    context.close()


def test_the_keyboard_walks_through_the_tabs_and_an_input_is_chosen(browser, pages):
    page = browser.new_page()
    page.goto((pages / "translation.html").as_uri())
    page.get_by_role("tab").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tab").nth(1).get_attribute("aria-selected") == "true"
    page.get_by_label("Input").select_option(index=1)
    assert page.locator("p", has_text="We went home.").last.is_visible()


def test_a_cell_of_a_heat_map_is_read_where_one_points(browser, pages):
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    page.goto((pages / "translation.html").as_uri())
    figure = page.get_by_label("Heat map of Γu: units over steps").locator("svg").last
    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.locator(".hint").inner_text().startswith("Γu of unit ")
