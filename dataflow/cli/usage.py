"""Usage: what is wrong with options and arguments, said as all errors are."""

from collections.abc import Mapping
from typing import Any

from typer import BadParameter, TyperException

from dataflow.errors import expected_one_of


def usage_error(error: TyperException) -> str:
    """Return what an option or argument is, what was expected, and which help shows more."""
    context: Any = getattr(error, "ctx", None)
    if context is None:  # an option without a value, or with one that it does not take
        message = error.format_message().rstrip(".")
        return f"{message[:1].lower()}{message[1:]}; expected it as `--help` shows it"
    return f"{_fault(error, context)}; see `{context.command_path} --help`"


def name_of(param: Any) -> str:  # noqa: ANN401  # typer's own, which it hides
    """Return how messages name an option or argument of a command: ``--stage``, ``PLACE``."""
    is_option = param.param_type_name == "option"
    return max(param.opts, key=len) if is_option else str(param.metavar or param.name).upper()


def _fault(error: TyperException, context: Any) -> str:  # noqa: ANN401  # as above
    option = getattr(error, "option_name", None)
    if option:
        every = [name for param in context.command.get_params(context) for name in param.opts]
        known = [name for name in every if name.startswith("--")]
        return f"option is '{option}'; {expected_one_of(known, option)}"
    if isinstance(error, BadParameter) and error.param is not None:
        return _parameter_fault(error, error.param)
    *_, more = error.format_message().partition("extra argument(s) ")
    return f"argument is '{more.strip('()')}'; expected no more arguments"


def _parameter_fault(error: BadParameter, param: Any) -> str:  # noqa: ANN401  # as above
    name = name_of(param)
    if not error.message:
        text = (param.help or "a value").rstrip(".")
        begin = text[:1] if text[1:2].isupper() else text[:1].lower()  # JSON stays JSON
        return f"{name} is missing; expected {begin}{text[1:]}"
    find_details = getattr(error.__cause__, "errors", None)  # of pydantic's
    if find_details is None:
        return f"{name} cannot be used: {error.message.rstrip('.')}"
    (details,) = find_details()
    return f"{name} is '{details['input']}'; {_expected(details, param)}"


def _expected(details: Mapping[str, Any], param: Any) -> str:  # noqa: ANN401  # as above
    choices = param.type_descriptor.choices
    if choices:
        return expected_one_of([str(one.value) for one in choices], details["input"])
    bounds = [
        f"at {word} {bound:,}"
        for word, bound in (("least", param.min), ("most", param.max))
        if bound is not None
    ]
    number = "a whole number" if details["type"].startswith("int") else "a number"
    return f"expected {number}{' of ' if bounds else ''}{' and '.join(bounds)}"
