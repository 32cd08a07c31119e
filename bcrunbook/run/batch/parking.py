"""Whoever waits for an installation: all of them in one event loop, none in a process."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace

from bcrunbook.accounts import Workspace
from bcrunbook.core.follow import follow
from bcrunbook.errors import RunbookError
from bcrunbook.run.batch.selection import WorkItem
from bcrunbook.steps import step_named
from bcrunbook.steps.context import Context
from bcrunbook.steps.opening import open_context

_log = logging.getLogger(__name__)


class Parking:
    """Stays with what is under way, for many customers.

    Args:
        workspace: the loaded workspace.
        stack: closes what is opened for that.
    """

    def __init__(self, workspace: Workspace, stack: AsyncExitStack) -> None:
        self._workspace = workspace
        self._stack = stack
        self._contexts: dict[str, Context] = {}
        self._opening = asyncio.Lock()

    async def wait(self, item: WorkItem, step: str) -> None:
        """Wait until what is under way for a customer has settled, or its time is up.

        Why it could not be followed is only logged here: the run after it says so.

        Args:
            item: the customer.
            step: the step that found it.
        """
        try:
            context = await self._context(item.account)
            customer = context.account.customers[item.customer]
            await follow(step_named(step), replace(context, customer=customer))
        except RunbookError as error:
            _log.info("%s cannot be followed: %s", item.who, error.what)

    async def _context(self, account: str) -> Context:
        """The account's context: its customers share sign-in, clients and what they saw."""
        async with self._opening:
            if account not in self._contexts:
                opened = open_context(self._workspace, self._workspace.account(account))
                self._contexts[account] = await self._stack.enter_async_context(opened)
        return self._contexts[account]
