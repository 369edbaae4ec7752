"""Make a question look like one of a user: who answers must not be able to tell that it is examined."""

from __future__ import annotations

_CHROME = "Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s Safari/537.36"
_SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
_PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_ANY = "application/json, text/plain, */*"

AGENTS = (
    _CHROME % ("Windows NT 10.0; Win64; x64", "131.0.0.0"),
    _CHROME % ("Macintosh; Intel Mac OS X 10_15_7", "130.0.0.0"),
    _CHROME % ("X11; Linux x86_64", "129.0.0.0"),
    _CHROME % ("Linux; Android 10; K", "131.0.0.0 Mobile"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    _SAFARI,
    "curl/8.11.0",
    "okhttp/4.12.0",
)
LANGUAGES = (
    "en-US,en;q=0.9",
    "en-GB,en;q=0.8",
    "de-DE,de;q=0.9,en;q=0.6",
    "fr-FR,fr;q=0.8",
    "nl-NL,nl;q=0.9",
    "",
)
ACCEPTS = (_PAGES, _ANY, "*/*", "application/json")


def disguise(number: int) -> dict[str, str]:
    """Return the headers of a user; the number chooses which, so draw it anew for each question."""
    number, agent = divmod(number, len(AGENTS))
    number, language = divmod(number, len(LANGUAGES))
    headers = {"User-Agent": AGENTS[agent], "Accept": ACCEPTS[number % len(ACCEPTS)]}
    if LANGUAGES[language]:
        headers["Accept-Language"] = LANGUAGES[language]
    return headers
