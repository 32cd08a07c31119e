"""Messages of webhooks, in the forms that Teams and Slack document."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bcrunbook.core.step import State
from bcrunbook.order import CODAT_KEYS
from bcrunbook.run.ended import Ended
from bcrunbook.run.messages import WebhookMessage

HOSTILE = "<!channel> [see](https://elsewhere.example) *now* & <https://elsewhere.example|here>"


def message(count: int, text: str = "a click") -> WebhookMessage:
    """A message about so many accounts."""
    open_ = [
        Ended(f"a{number}", CODAT_KEYS, State.NEEDS_PERSON, 1.0, text, text, "Card.", "runs/card")
        for number in range(count)
    ]
    return WebhookMessage("Batch", "live", open_, "bcrunbook batch")


def check_teams(body: dict[str, Any]) -> list[str]:
    """Fail where it is no Adaptive Card as a workflow takes it; answers its texts.

    As Microsoft has it in "Create incoming webhooks with Workflows".
    """
    assert body["type"] == "message" and set(body) == {"type", "attachments"}
    (attachment,) = body["attachments"]
    assert set(attachment) == {"contentType", "contentUrl", "content"}
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert set(card) == {"$schema", "type", "version", "body", "msteams"}
    for element in card["body"]:
        assert element["type"] == "TextBlock" and element["wrap"] is True and element["text"]
        assert set(element) <= {"type", "text", "wrap", "size", "weight", "separator"}
    assert len(json.dumps(body, ensure_ascii=False).encode()) < 28 * 1024
    return [element["text"] for element in card["body"]]


def check_slack(body: dict[str, Any]) -> list[str]:
    """Fail where Slack would refuse it; answers its texts.

    As the reference of Block Kit has it: kinds, lengths, number.
    """
    assert set(body) == {"text", "blocks"} and body["text"]
    assert len(body["blocks"]) <= 50
    texts = []
    for block in body["blocks"]:
        assert set(block) == {"type", "text"}
        longest = {"header": 150, "section": 3000}[block["type"]]
        assert block["text"]["type"] == "plain_text"
        assert 1 <= len(block["text"]["text"]) <= longest
        texts.append(block["text"]["text"])
    return texts


@pytest.mark.parametrize("count", [1, 3, 200])
@pytest.mark.parametrize("text", ["a click", HOSTILE, "\U0001f4a1" * 4000])
def test_each_form_is_as_its_receiver_documents_it(count: int, text: str) -> None:
    """However many there are, and however long what is said of them."""
    made = message(count, text)
    teams, slack = check_teams(made.form("teams")), check_slack(made.form("slack"))
    for texts in (teams, slack):
        together = "\n".join(texts)
        assert "need" in texts[0] and str(count) in texts[0] and "(live)" in texts[0]
        assert "a0" in together and "runs/card" in together and "bcrunbook batch" in together
        assert ("more: see the report" in together) == (count > 8)
    plain = made.form("json")
    assert len(plain["needs_person"]) == count
    first = plain["needs_person"][0]
    assert (first["who"], first["step"], first["card"]) == ("a0", CODAT_KEYS, "runs/card")


def test_what_a_service_said_names_nobody_and_is_no_link() -> None:
    """Its signs are plain text in both."""
    made = message(1, HOSTILE)
    assert not re.search(r"(?<!\\)\]\(", "".join(check_teams(made.form("teams"))))
    # What is plain text is shown as it stands; only the fallback is read for names.
    check_slack(made.form("slack"))
    assert "<" not in made.form("slack")["text"]
