"""The browser's document in JavaScript: where text becomes markup."""

from audit8.audit.flow.spec import Given, Sink
from audit8.audit.flow.value import OUTSIDE, PARAMETER, UNKNOWN

_HTTP_HOST = r"^[a-zA-Z]+://[^/\x01]*[^/\x01.:@]/|^[a-zA-Z]+://[^/\x01]+/"
_MARKUP = r"<[a-zA-Z!/]"


def _is_jquery(given: Given) -> bool:
    return given.receiver.kind.startswith(("$", "jQuery", "this.$", "jquery")) or "$" in given.receiver.kind[:40]


def _is_of_page(given: Given) -> bool:
    """Whether the page itself holds the text, in an attribute or a field: `$(text)` makes elements of markup."""
    return len(given.args) == 1 and given.args[0].kind.endswith((".attr", ".val", ".getAttribute"))


PAGE_SINKS = (
    Sink("html-from-strings", r"\.html$", "xss", (0,), least=PARAMETER, when=_is_jquery),
    Sink("html-from-strings", r"^(?:\$|jQuery)$", "xss", (0,), least=PARAMETER, least_built=4, when=_is_of_page),
    Sink(
        "html-from-strings",
        r"\.(?:createContextualFragment|parseHTML|setHTMLUnsafe|bypassSecurityTrustHtml|"
        r"setContent)$",
        "xss",
        least=PARAMETER,
    ),
    Sink(
        "html-from-strings",
        r"\.(?:html|append|prepend|after|before|replaceWith|wrap|appendTo|prependTo)$|"
        r"^(?:\$|jQuery)$",
        "xss",
        (0,),
        least=OUTSIDE,
        least_built=UNKNOWN,
        text=_MARKUP + "|^$|^\x01",
        when=lambda given: _is_jquery(given) or given.way in ("$", "jQuery"),
    ),
)
PAGE_MEMBERS = (
    (r"\.(?:innerHTML|outerHTML)$", Sink("html-from-strings", "", "xss", least=PARAMETER, least_built=UNKNOWN)),
    (r"\.dangerouslySetInnerHTML$", Sink("html-from-strings", "", "xss", least=PARAMETER)),
    (r"\.srcdoc$", Sink("html-from-strings", "", "xss", least=PARAMETER)),
    (
        r"^(?:window\.|document\.|self\.|top\.|parent\.)?location(?:\.href)?$",
        Sink(
            "redirect-from-request",
            "",
            "redirect",
            least=OUTSIDE,
            least_built=OUTSIDE,
            fixed=_HTTP_HOST + r"|^/[^/\\\x01]|^[?#]",
        ),
    ),
)
