"""Masking: what is shown in the place of passwords, wherever a text may hold one."""

import re

MASK = "********"

_USER = re.compile(r"(?<=://)(?!user:password@)[^/\s?#'\"]*@")
_PARAMETER = re.compile(
    r"((?:^|[?&;\s])[\w.-]{0,40}(?:passw|pwd|secret|token|credential|signature|api.?key)[\w.-]{0,40}=)[^\s&;,'\"]+",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(\w[\w+.-]*://)[^\s,]*@|[^\s,='\"/]*:[^\s,]*@")
_NO_PORT = re.compile(r"(:/{1,2}[\w.-]+:)(?!\d+(?:[/?#,\s]|$))[^\s,*]+")
_QUERY = re.compile(r"([?&][^\s&=]+=)[^\s&,]+")


def masked(text: str) -> str:
    """Mask user and password of URLs, and parameters with the name of a secret, as libraries tell them."""
    return _PARAMETER.sub(rf"\1{MASK}", _USER.sub(f"{MASK}@", text))


def masked_setting(text: str) -> str:
    """Mask all that may be a password in a setting, also in one that is no URL because of a mistake."""
    text = _NO_PORT.sub(rf"\1{MASK}", _LOGIN.sub(rf"\1{MASK}@", text))
    return _QUERY.sub(rf"\1{MASK}", text)
