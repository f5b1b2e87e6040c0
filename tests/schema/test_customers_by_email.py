"""Customers by their emails, whose case does not count."""

import pytest
import pytest_asyncio

from tests.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY_EMAIL = """query($emails: [String!]!) {
  customersByEmail(emails: $emails) { email customers { sourceId metadata } }
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def customers(api: Api) -> None:
    await api.upsert("anna", email="Anna@Shop.example", metadata={"key": 1})
    await api.upsert("other", email="anna@shop.example.org")
    await api.upsert("jose", email="José@shop.example")
    await api.upsert("named", name="anna@shop.example")
    for number in range(25):
        await api.upsert(f"team-{number:02}", email="team@shop.example")


async def find(api: Api, *emails: str) -> list[tuple[str, list[str]]]:
    found = await api.fetch(BY_EMAIL, emails=[*emails])
    return [
        (entry["email"], [customer["sourceId"] for customer in entry["customers"]])
        for entry in found
    ]


async def test_case_and_blanks_do_not_count_but_diacritics_do(api: Api) -> None:
    emails = ["ANNA@shop.example ", "nobody", "", "jose@shop.example", "JOSE\u0301@shop.example"]

    assert await find(api, *emails, "Anna@Shop.example") == [
        ("ANNA@shop.example ", ["anna"]),
        ("nobody", []),
        ("", []),
        ("jose@shop.example", []),
        ("JOSE\u0301@shop.example", ["jose"]),
        ("Anna@Shop.example", ["anna"]),
    ]
    assert await find(api) == []


async def test_at_most_20_customers_of_an_email_are_found(api: Api) -> None:
    ((_, source_ids),) = await find(api, "team@shop.example")

    assert len(source_ids) == 20
    assert source_ids == sorted(source_ids)


async def test_a_word_of_other_emails_is_no_email(api: Api) -> None:
    await api.upsert("odd", email="example")
    await api.upsert("path", email="$email")

    assert await find(api, "Example", "org", "shop.example", "$email", "$_id") == [
        ("Example", ["odd"]),
        ("org", []),
        ("shop.example", []),
        ("$email", ["path"]),
        ("$_id", []),
    ]


async def test_customers_with_the_email_in_other_cases_share_the_limit(api: Api) -> None:
    source_ids = [f"mixed-{number:02}" for number in range(30)]
    for number, source_id in enumerate(source_ids):
        email = ("crew@shop.example", " Crew@Shop.example", "CREW@SHOP.EXAMPLE ")[number % 3]
        await api.upsert(source_id, email=email)

    assert await find(api, "crew@Shop.example") == [("crew@Shop.example", source_ids[:20])]


async def test_texts_that_no_customer_can_have_find_nobody(api: Api) -> None:
    emails = ["anna@shop.example\0", "a" * 10_000]

    assert await find(api, *emails) == [(email, []) for email in emails]


async def test_there_are_at_most_1000_emails(api: Api) -> None:
    emails = [f"{number}@shop.example" for number in range(1_000)]

    assert len(await find(api, *emails)) == 1_000
    assert await api.list_errors(BY_EMAIL, emails=[*emails, "one@more"]) == ["TOO_MANY emails"]
