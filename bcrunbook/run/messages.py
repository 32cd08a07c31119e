"""What somebody is told by a webhook who has to act: one text in three forms.

Sources: Microsoft Teams, "Create incoming webhooks with Workflows" and the Adaptive Cards schema,
version 1.4; Slack, "Sending messages using incoming webhooks" and Block Kit's reference, by which a
header has 150 characters, a text 3,000 and a message 50 blocks, and `&`, `<` and `>` are escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bcrunbook.run.ended import Ended

MESSAGE_SCHEMA: Final = 1
_MOST: Final = 8
"""So many are told one by one: Teams takes 28 KB, Slack 50 blocks. The others are counted."""
_LONGEST: Final = 250
_HEADER: Final = 150


@dataclass(frozen=True)
class WebhookMessage:
    """What is told: who needs a person for what.

    Args:
        title: what was run.
        cloud: `live` or `rehearsal`; both, with a comma, where there are both.
        open: what needs a person, at least one.
        again: the command that looks again.
    """

    title: str
    cloud: str
    open: Sequence[Ended]
    again: str

    @property
    def heading(self) -> str:
        """The message in one line."""
        count = len(self.open)
        needs = "1 needs" if count == 1 else f"{count} need"
        return f"{self.title} ({self.cloud}): {needs} a person"[:_HEADER]

    @property
    def left_out(self) -> str:
        """How many are not told one by one; empty where all are."""
        more = len(self.open) - _MOST
        return f"{more} more: see the report." if more > 0 else ""

    def form(self, name: str) -> dict[str, Any]:
        """The body to send.

        Args:
            name: `json`, `teams` or `slack`.
        """
        return {"json": self._plain, "teams": self._teams, "slack": self._slack}[name]()

    def _plain(self) -> dict[str, Any]:
        return {
            "schema": MESSAGE_SCHEMA,
            "title": self.title,
            "cloud": self.cloud,
            "needs_person": [
                {
                    "who": one.who,
                    "step": one.step,
                    "summary": one.summary,
                    "next": one.next,
                    "card": one.card_file or None,
                }
                for one in self.open
            ],
            "again": self.again,
        }

    def _teams(self) -> dict[str, Any]:
        body: list[dict[str, Any]] = [
            _text_block(self.heading, size="Medium", weight="Bolder"),
        ]
        for one in self.open[:_MOST]:
            body.append(_text_block(f"{one.who}, {one.name}", weight="Bolder", separator=True))
            body += [_text_block(line) for line in _lines(one)]
        body += [_text_block(line) for line in (self.left_out, f"Then: {self.again}") if line]
        return {
            "type": "message",
            "attachments": [
                {
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": None,
                    "content": {
                        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "body": body,
                        "msteams": {"width": "Full"},
                    },
                }
            ],
        }

    def _slack(self) -> dict[str, Any]:
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": {"type": "plain_text", "text": self.heading}}
        ]
        for one in self.open[:_MOST]:
            blocks.append(_section("\n".join([f"{one.who}, {one.name}", *_lines(one)])))
        blocks += [_section(line) for line in (self.left_out, f"Then: {self.again}") if line]
        return {"text": _slack_text(self.heading), "blocks": blocks}


def _lines(one: Ended) -> list[str]:
    card = f"Card: {one.card_file}" if one.card_file else ""
    told = (one.summary, f"Next: {one.next}" if one.next else "", card)
    return [_short(line) for line in told if line]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _text_block(text: str, **more: Any) -> dict[str, Any]:
    # Teams reads Markdown in it: what is no letter of ours must not become a link or a list.
    for sign in ("\\", "[", "]", "*", "_", "`", "~"):
        text = text.replace(sign, f"\\{sign}")
    return {"type": "TextBlock", "text": text, "wrap": True, **more}


def _section(text: str) -> dict[str, Any]:
    # Plain text: nobody is named by it, and nothing becomes a link.
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def _slack_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
