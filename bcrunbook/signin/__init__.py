"""Sign-in: MSAL in its six forms behind one small class, one instance per account."""

from bcrunbook.signin.flows import MsalApplications, SignIn
from bcrunbook.signin.model import DeviceCode, Person, Token
from bcrunbook.signin.proof import prove_client_secret
from bcrunbook.signin.refusals import sign_in_error

__all__ = [
    "DeviceCode",
    "MsalApplications",
    "Person",
    "SignIn",
    "Token",
    "prove_client_secret",
    "sign_in_error",
]
