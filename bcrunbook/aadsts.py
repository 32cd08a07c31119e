"""What Entra's AADSTS codes mean for the person at the keyboard, and who can do something about it.

Source: Microsoft Learn, "Microsoft Entra authentication and authorization error codes" and the
pages on consent and Conditional Access. Microsoft asks clients never to branch on these numbers,
since they may change: here they only choose the words of an advice. What the program does next
follows from the OAuth `error` and `suberror` alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bcrunbook.hosts import OWN_ACCOUNT
from bcrunbook.order import (
    API_PERMISSIONS,
    CLIENT_SECRET,
    CODAT_KEYS,
    REGISTER_APPLICATION,
    ref,
    ref_with_id,
)

_SWITCHED_OFF: Final = (7000112, 70001)
"""An application that is disabled. Which code a deactivated one meets is not published (contract
G8.13)."""
_SECRET_REFUSED: Final = (7000215, 7000222)

_YOU: Final = "you"
_ADMIN: Final = "an administrator of the tenant"
_CONSENT_ADMIN: Final = (
    "a Privileged Role, Cloud Application or Application Administrator of the tenant"
)
_REGISTER: Final = ref_with_id(REGISTER_APPLICATION)
_PERMISSIONS: Final = ref_with_id(API_PERMISSIONS)
_SECRET: Final = f"{ref(CLIENT_SECRET)}, {CLIENT_SECRET}"


@dataclass(frozen=True)
class Advice:
    """What a code means, what to do, and who can do it."""

    meaning: str
    next: str
    who: str = _YOU


_TABLE: Final[tuple[tuple[tuple[int, ...], Advice], ...]] = (
    (
        (16000, 50020, 51004, 90072),
        Advice(
            "this account does not exist in that tenant",
            "sign in with an account of the tenant, name the right tenant in accounts.toml, or ask"
            " to be invited as a guest",
            "you, or an administrator of the tenant for the invitation",
        ),
    ),
    (
        (500200, 500208),
        Advice(
            "a personal Microsoft account was used where a work account is needed",
            "sign in with a work account of the tenant",
        ),
    ),
    (
        (50011,),
        Advice(
            "the redirect URI of the request is not registered on the application",
            f"compare the two byte for byte; {_REGISTER} puts the right one there",
        ),
    ),
    (
        (500341,),
        Advice(
            "this account was deleted from the tenant",
            "sign in with another account of the tenant, or have this one added again",
            "you, or an administrator of the tenant",
        ),
    ),
    (
        (900023,),
        Advice(
            "the tenant is written neither as an id nor as a domain",
            "name the tenant's id, or one of its domains, in accounts.toml",
        ),
    ),
    (
        (50034, 90002, 50049),
        Advice(
            "the user or the tenant is unknown",
            "check the spelling of the tenant and of the user name in accounts.toml",
        ),
    ),
    (
        (50055, 50057, 50126, 50053),
        Advice(
            "the password is wrong or expired, or the account is disabled or locked",
            f"sign in at {OWN_ACCOUNT} first",
            "the owner of the account, or an administrator of the tenant",
        ),
    ),
    (
        (50076, 50079, 50072, 50074, 50078, 50158),
        Advice(
            "the tenant asks for a second factor or a further check, or for one to be set up",
            "sign in interactively (method browser); a batch run with a user's account cannot"
            " answer, give it an application's sign-in (client_secret, certificate, federated)",
        ),
    ),
    (
        (50105,),
        Advice(
            "this user is not assigned to the application",
            "assign the user under Enterprise applications, or switch the assignment requirement"
            " off",
            _ADMIN,
        ),
    ),
    (
        (50194, 90130, 9001023),
        Advice(
            "the application or this kind of sign-in does not work on the shared /common address",
            "name the tenant's id in accounts.toml",
        ),
    ),
    (
        (500011, 650052, 650053, 650054, 650057),
        Advice(
            "Business Central is not known in this tenant, or is missing from the application's"
            " permissions",
            f"start a Business Central trial in the tenant, then run {_PERMISSIONS}",
            "you, with an administrator of the tenant",
        ),
    ),
    (
        (53000, 53001, 53003, 530003, 530032, 530033, 530035, 50131),
        Advice(
            "Conditional Access, or the tenant's security defaults, refused this sign-in",
            "a person: sign in from a managed device, with method browser instead of device_code;"
            " an application: run where the policy lets it, for instance behind an outgoing"
            " address that it names",
            "you, or whoever keeps the tenant's Conditional Access",
        ),
    ),
    (
        (53002,),
        Advice(
            "Conditional Access lets only approved apps in, and the one that signs in here is none",
            "sign in with a client id that is approved (accounts.toml, sign_in.client_id), or ask"
            " for an exception",
            "you, or whoever keeps the tenant's Conditional Access",
        ),
    ),
    (
        (65001,),
        Advice(
            "nobody has consented to what the application asks for",
            f"grant consent: {_PERMISSIONS} shows the link",
            _CONSENT_ADMIN,
        ),
    ),
    (
        (65002,),
        Advice(
            "a Microsoft application's id was used for an API that it is not preauthorised for",
            "sign in with a client id of your own (accounts.toml, sign_in.client_id)",
        ),
    ),
    (
        (65004,),
        Advice(
            "consent was declined, or the page asked for an administrator",
            "run again and accept, or let an administrator consent",
            "you, or " + _CONSENT_ADMIN,
        ),
    ),
    (
        (65005, 650056),
        Advice(
            "the application's permissions are not configured as the request needs them",
            f"run {_PERMISSIONS}, then consent",
        ),
    ),
    (
        (90094, 90095, 90008),
        Advice(
            "an administrator has to consent",
            f"send the consent link to an administrator; {_PERMISSIONS} shows it",
            _CONSENT_ADMIN,
        ),
    ),
    (
        (70011, 28000, 28002, 1002012),
        Advice(
            "the requested scope is not valid; .default cannot be mixed with others, and is the"
            " only one for an application",
            "report this: the program chose the scope",
        ),
    ),
    (
        # Slips of a program in the protocol: none of them is a person's.
        (
            *(50027, 50148, 500112, 501481, 501491, 54005),
            *(70003, 70005, 700005, 7000216, 900144, 900561, 901002, 9002313),
        ),
        Advice(
            "the request was not made as the protocol wants it, or what it brought (a code, a"
            " token) is no longer good",
            "run again; if it stays, report this: the program made the request",
        ),
    ),
    (
        (90015,),
        Advice(
            "the address of the request became too long",
            "sign in again in a private window, or without the cookies of the sign-in page; if it"
            " stays, report this",
        ),
    ),
    (
        (70016, 70018, 70019, 70020),
        Advice(
            "the device code was not used in time, or was mistyped",
            "start the sign-in again; the code lives 15 minutes",
        ),
    ),
    (
        (70043, 50173, 700082, 70008, 50058),
        Advice("the kept sign-in has expired or was revoked", "sign in again"),
    ),
    (
        (700016, 700011),
        Advice(
            "the application is not in this tenant, or is not there yet",
            "check tenant and client id; right after it was created, wait a minute and run again",
        ),
    ),
    (
        _SWITCHED_OFF,
        Advice(
            "the application is switched off: an owner has deactivated it, or its service principal"
            " is disabled in this tenant",
            "ask whoever switched it off; it is reactivated under App registrations, Deactivated"
            " applications, or enabled under Enterprise applications, Properties",
            "an owner of the application, or an administrator of the tenant",
        ),
    ),
    (
        (7000215,),
        Advice(
            "the client secret is wrong (often the Secret ID was pasted instead of the Value), or"
            " is so new that it is not known everywhere yet",
            "wait up to a minute; if it stays, use the Value, or make a new secret (the one for"
            f" Codat: {_SECRET})",
        ),
    ),
    (
        (7000218,),
        Advice(
            "the application expects a secret, because public client flows are off on it",
            "switch on 'Allow public client flows' of the application that you sign in with",
            "the owner of that application",
        ),
    ),
    (
        (7000222,),
        Advice(
            "the client secret has expired",
            f"make a new one (the one for Codat: {_SECRET})",
        ),
    ),
    (
        (7000229,),
        Advice(
            "the application has no service principal in this tenant",
            f"run {_REGISTER}: it creates the service principal",
        ),
    ),
    (
        (700025,),
        Advice(
            "a secret was sent for a public client",
            "use method browser or device_code for this client id, without a secret",
        ),
    ),
    (
        (70021, 700211, 700212, 700213, 7002138),
        Advice(
            "no federated credential of the application has the issuer, the subject and the"
            " audience of the token; capital and small letters count",
            "compare what the message quotes, letter by letter, with the application's federated"
            " credential (Certificates & secrets, Federated credentials), and correct the one or"
            " the job that asks for the token",
            "an owner of the application that signs in",
        ),
    ),
    (
        (700024,),
        Advice(
            "the proof that the application sent is not yet, or no longer, valid",
            "check that the platform renews what sign_in.token_file or token_from names, and this"
            " machine's clock",
            "you, or whoever keeps the platform",
        ),
    ),
    (
        (7000272,),
        Advice(
            "the federated token bears a signature by none of its issuer's keys",
            "check that the token comes from the platform that the federated credential names, and"
            " run the job again: an issuer that has just changed its keys is believed later",
            "you, or whoever keeps the platform",
        ),
    ),
    (
        (7000213,),
        Advice(
            "the certificate's chain is not one that the application trusts",
            "use a certificate of the authority that the application trusts, or register the"
            " certificate itself on the application",
            "you, or an owner of the application that signs in",
        ),
    ),
    (
        (700027, 50013),
        Advice(
            "the certificate was not accepted",
            "check that the certificate is registered on the application, has not expired, and"
            " that this machine's clock is right",
        ),
    ),
)

# The same codes when a customer links: it is our application that they meet, in their tenant.
_LINKING: Final[tuple[tuple[tuple[int, ...], Advice], ...]] = (
    (
        (7000215, 7000222, 7000218, 700016),
        Advice(
            "the client id or the secret that was saved in the Codat Portal is wrong, or the"
            " secret has expired",
            f"{ref_with_id(CODAT_KEYS)} again; then the customer links again",
        ),
    ),
    (
        _SWITCHED_OFF,
        Advice(
            "the application is switched off: for all tenants by its owner, or in the customer's"
            " tenant by an administrator of theirs",
            f"{_REGISTER} tells whether it is off here; if it is not, an administrator of the"
            " customer enables it under Enterprise applications, Properties. Nobody has to link"
            " again before that",
            "you, or an Entra administrator of the customer",
        ),
    ),
    (
        (50011, 50194),
        Advice(
            "the application's redirect URI or its account types are not as Codat needs them",
            f"{_REGISTER} again; then the customer links again",
        ),
    ),
    (
        (65001, 65004, 90094, 90095),
        Advice(
            "the application is not approved in the customer's tenant",
            "an Entra administrator of the customer's tenant approves it; then they link again",
            "an Entra administrator of the customer",
        ),
    ),
)

ADVICE: Final[dict[int, Advice]] = {code: advice for codes, advice in _TABLE for code in codes}


def code_in(text: str) -> int | None:
    """The AADSTS number in an error text such as `AADSTS50076: Due to ...`; None without one."""
    found = re.search(r"AADSTS(\d{4,8})", text)
    return int(found.group(1)) if found else None


def advice_in(text: str) -> Advice | None:
    """What the first AADSTS number in an error text means; None where it is not known here."""
    number = code_in(text)
    return ADVICE.get(number) if number is not None else None


def refuses_secret(code: str) -> bool:
    """Whether it is the client secret that was refused: this chooses what a person is told.

    Args:
        code: an error's code: `AADSTS` and a number, or the OAuth error where there is none.
    """
    number = code_in(code)
    return code == "invalid_client" if number is None else number in _SECRET_REFUSED


def is_switched_off(text: str) -> bool:
    """Whether an error text says that the application is disabled."""
    return code_in(text) in _SWITCHED_OFF


def linking_advice_in(text: str) -> Advice | None:
    """What an AADSTS number means that stopped a customer's link; None where nothing is known."""
    number = code_in(text)
    for codes, advice in _LINKING:
        if number in codes:
            return advice
    return advice_in(text)
