"""GraphiQL in a browser, without network access beyond the server."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.wait import WebDriverWait

from app.graphiql import page
from tests.browser import console_errors, requested_hosts

KEY_INPUT = (By.CSS_SELECTOR, "input[name=key]")
STATUS = (By.CSS_SELECTOR, "[role=status]")
RUN_BUTTON = (By.CSS_SELECTOR, ".graphiql-execute-button")
EDITOR = (By.CSS_SELECTOR, ".graphiql-query-editor .view-lines")
TAB = (By.CSS_SELECTOR, ".graphiql-tab")
VARIABLES = (By.CSS_SELECTOR, ".graphiql-editor-tool .view-lines")
RESULT = (By.CSS_SELECTOR, ".result-window .view-lines")

CREATE_SEGMENT = (
    'mutation Make { segmentCreate(input: {name: "Away", definition: {filter: {attribute: '
    '{path: "email", operator: HAS_NO_VALUE}}}}) { segment { kind } } }'
)


def run_operation(browser: Chrome, operation: str, name: str) -> None:
    """Replaces the text in the editor by the operation, and runs it."""
    browser.find_element(*EDITOR).click()
    keys = ActionChains(browser)
    keys.key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys(Keys.DELETE)
    keys.send_keys(operation).perform()
    # GraphiQL reads what was typed a moment later, and then names the tab after it.
    tab_is_named = expected_conditions.text_to_be_present_in_element(TAB, name)
    WebDriverWait(browser, 30).until(tab_is_named)
    keys = ActionChains(browser)
    keys.key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configures GraphiQL to open with one example operation."""
    (tmp_path / "greet.graphql").write_text("query Greet($n: String!) { fruit(name: $n) { name } }")
    (tmp_path / "greet.json").write_text('{ "n": "pear" }')
    monkeypatch.setattr(page, "_OPERATION_FOLDERS", (tmp_path,))
    monkeypatch.setattr(page, "TAB_OPERATIONS", ("greet",))


@pytest.mark.usefixtures("example")
def test_graphiql_queries_and_subscribes_without_other_hosts(browser: Chrome, address: str) -> None:
    patience = WebDriverWait(browser, 30)
    browser.get(f"{address}/graphql")

    patience.until(expected_conditions.text_to_be_present_in_element(VARIABLES, '"pear"'))
    browser.find_element(*RUN_BUTTON).click()
    patience.until(expected_conditions.text_to_be_present_in_element(RESULT, '"name": "pear"'))
    run_operation(browser, "query Apple { fruit { name", "Apple")
    patience.until(expected_conditions.text_to_be_present_in_element(RESULT, '"name": "apple"'))
    run_operation(browser, "subscription Count { count", "Count")
    patience.until(expected_conditions.text_to_be_present_in_element(RESULT, '"count": 2'))

    assert requested_hosts(browser) == {urlsplit(address).netloc}
    assert console_errors(browser) == []


def test_a_user_creates_a_segment_in_graphiql(browser: Chrome, program_address: str) -> None:
    patience = WebDriverWait(browser, 30)
    browser.get(f"{program_address}/graphql")

    patience.until(lambda shown: len(shown.find_elements(*TAB)) == len(page.TAB_OPERATIONS))
    browser.find_element(*RUN_BUTTON).click()
    patience.until(expected_conditions.text_to_be_present_in_element(RESULT, '"segments"'))
    run_operation(browser, CREATE_SEGMENT, "Make")

    patience.until(expected_conditions.text_to_be_present_in_element(RESULT, '"kind": "PASSIVE"'))
    assert requested_hosts(browser) == {urlsplit(program_address).netloc}


def test_graphiql_asks_for_a_key(
    browser: Chrome, program_address_with_key: tuple[str, str]
) -> None:
    address, key = program_address_with_key
    patience = WebDriverWait(browser, 30)
    browser.get(f"{address}/graphql")

    patience.until(lambda shown: shown.find_elements(*KEY_INPUT))
    browser.find_element(*KEY_INPUT).send_keys("wrong", Keys.ENTER)
    patience.until(expected_conditions.text_to_be_present_in_element(STATUS, "did not accept"))
    browser.find_element(*KEY_INPUT).clear()
    browser.find_element(*KEY_INPUT).send_keys(key, Keys.ENTER)
    patience.until(lambda shown: shown.find_elements(*RUN_BUTTON))
    run_operation(browser, "query Who { viewer { role", "Who")
    patience.until(expected_conditions.text_to_be_present_in_element(RESULT, '"role": "READ"'))
    # The socket presents the key, too: without it, the error would be another one.
    run_operation(browser, 'subscription Export { exportProgress(id: "x") { id', "Export")
    patience.until(expected_conditions.text_to_be_present_in_element(RESULT, "NOT_FOUND"))

    # The tab knows the key until it is closed.
    browser.refresh()
    patience.until(lambda shown: shown.find_elements(*RUN_BUTTON))
