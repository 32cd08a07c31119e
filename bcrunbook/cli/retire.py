"""`bcrunbook retire`: an account or its customers, in the order in which nothing is left over."""

from __future__ import annotations

from typing import Annotated

import typer

from bcrunbook.cli import options
from bcrunbook.cli.asked import Asked, typed
from bcrunbook.run.engine.processes import prepare


def retire(
    account: options.Account,
    customer: Annotated[
        list[str] | None,
        typer.Option(help="Retire this customer, and leave the account. May be repeated."),
    ] = None,
    with_customers: Annotated[
        bool,
        typer.Option("--with-customers", help="Retire all of its customers, then the account."),
    ] = False,
    delete_company: Annotated[
        bool,
        typer.Option(
            "--delete-company",
            help="Delete the customers' companies in Codat too, with all that was read of them, for"
            " good.",
        ),
    ] = False,
    by_id: Annotated[
        list[str] | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="What may go though this ledger has not made it, or others use it: a client id,"
            " or a company's or a connection's id. May be repeated.",
        ),
    ] = None,
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="ACCOUNT",
            help="The account's name once more: production is not retired without it.",
        ),
    ] = "",
    mode: options.Mode = "auto",
    workspace: options.Workspace = None,
    verbose: options.Verbose = False,
    as_json: options.Json = False,
) -> None:
    """Retire an account, or customers of it. What somebody else has made stays.

    Look at the plan first: --mode plan. Run it again after each step that a person has done: it
    goes on from what is there.
    """
    options.check_word("mode", mode, options.MODES)
    prepare()
    # Read only now, while the processes that `prepare` has begun read what they need.
    from bcrunbook.cli.account_run import run_notebooks
    from bcrunbook.errors import FixInput
    from bcrunbook.order import RETIRE_ACCOUNT, RETIRE_CUSTOMER
    from bcrunbook.steps.retire_request import RetireRequest

    customers = customer or []
    if customers and with_customers:
        raise FixInput(
            "Customers were named, and --with-customers means all of them and the account.",
            where="the command",
            next="leave one of the two out",
        )
    if delete_company and not (customers or with_customers):
        raise FixInput(
            "It is not said whose company is to be deleted.",
            where="--delete-company",
            next="name customers, or give --with-customers",
        )
    wish = str(RetireRequest(name, delete_company, frozenset(by_id or [])))

    def words(applied: str) -> str:
        return typed(
            "retire",
            account,
            "--with-customers" if with_customers else None,
            "--delete-company" if delete_company else None,
            customer=customers,
            id=by_id or [],
            name=name,
            mode=applied,
            workspace=workspace,
        )

    asked = Asked.in_mode(
        f"Retirement of {account}",
        words,
        mode,
        to_see="Nothing is left to do here."
        + ("" if customers else f" Within 30 days {typed('restore', account)} takes it back."),
        as_json=as_json,
        verbose=verbose,
    )
    raise typer.Exit(
        run_notebooks(
            workspace,
            account,
            RETIRE_CUSTOMER if customers else RETIRE_ACCOUNT,
            mode,
            customers,
            asked,
            wish=wish,
            customers_first=RETIRE_CUSTOMER if with_customers else "",
        )
    )
