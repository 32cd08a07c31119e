"""What the portal's pages and those behind a link share: the sheet of styles and what goes around.

Plain HTML that works without scripts, light and dark. It is a design of its own, neither Codat's
nor Microsoft's, and every page says what it is. Every value from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from bcrunbook.rehearsal.messages import Answer, html_answer

STYLE: Final = """
:root{color-scheme:light dark;--accent:#0b6a75;--on-accent:#fff;--paper:#fff;--ink:#1c2326;
--soft:#5a666b;--line:#c9d1d4;--ground:#eef2f3;--bad:#a3262a;--good:#1d6b3a;--tint:#e2eff0;--bad-tint:#fbe9e8;
--strip:#fdf3d7;--strip-ink:#5c4508;--veil:rgb(16 22 24/.55)}
@media (prefers-color-scheme:dark){:root{--accent:#5cc3cf;--on-accent:#08272b;--paper:#1b2326;
--ink:#e9eef0;--soft:#a3b0b5;--line:#3c484d;--ground:#101618;--bad:#ff9c96;--good:#7fd3a0;
--tint:#21343a;--bad-tint:#3b2426;--strip:#332b14;--strip-ink:#f0dca4;--veil:rgb(0 0 0/.65)}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
a{color:var(--accent);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-100rem}
.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem}
.strip,.bar{padding-inline:max(1.5rem,calc((100% - 71rem)/2))}
.strip{margin:0;padding-block:.4rem;background:var(--strip);color:var(--strip-ink);
font-size:.875rem}
.bar{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem 1.5rem;padding-block:.75rem;
background:var(--paper);border-bottom:1px solid var(--line)}
.bar .name{font-weight:700;color:var(--ink);text-decoration:none}
.bar form{display:flex;align-items:center;gap:.5rem}
.bar label{color:var(--soft);font-size:.875rem}
.who{margin-left:auto;text-align:right;line-height:1.3;font-size:.9rem}
.who span{color:var(--soft)}
.frame{display:grid;grid-template-columns:11rem minmax(0,1fr);gap:2rem;max-width:74rem;
margin:0 auto;padding:1.5rem}
.menu h2{margin:1.25rem 0 .25rem;font-size:.8rem;font-weight:600;color:var(--soft)}
.menu a{display:block;padding:.35rem .75rem;border-radius:.25rem;color:var(--ink);
text-decoration:none}
.menu a:hover{background:var(--tint)}
.menu a[aria-current]{background:var(--tint);color:var(--accent);font-weight:600}
main:focus{outline:none}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.125rem;margin:0 0 .5rem}
.trail{margin:0 0 .5rem;color:var(--soft);font-size:.875rem}
.card{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;
padding:1.25rem 1.5rem;margin:0 0 1.25rem}
.card>:first-child{margin-top:0}
.card>:last-child,.card form>:last-child{margin-bottom:0}
.tabs{display:flex;gap:1.5rem;margin:0 0 1.25rem;padding:0;list-style:none;
border-bottom:1px solid var(--line)}
.tabs a{display:block;padding:.5rem 0;color:var(--soft);text-decoration:none;
border-bottom:3px solid transparent;margin-bottom:-1px}
.tabs a[aria-current]{color:var(--accent);border-color:var(--accent);font-weight:600}
.sheet{padding:0;overflow-x:auto}
table{width:100%;border-collapse:collapse}
th,td{padding:.7rem 1rem;text-align:left;border-top:1px solid var(--line);vertical-align:middle}
thead th{border-top:0;color:var(--soft);font-size:.875rem;font-weight:600}
tbody th{font-weight:600}
.end{text-align:right}
.brief{white-space:nowrap}
.premium{display:inline-block;padding:0 .5rem;border:1px solid currentColor;
border-radius:1rem;color:var(--strip-ink);background:var(--strip);font-size:.8rem;font-weight:400}
.field{max-width:34rem;margin:0 0 1.25rem}
.field label{display:block;font-weight:600;margin:0 0 .25rem}
input:not([type=hidden]),select{width:100%;padding:.55rem .6rem;font:inherit;color:inherit;
background:var(--paper);border:1px solid var(--soft);border-radius:.25rem}
.bar select{width:auto;padding:.35rem .5rem}
input[aria-invalid=true]{border-color:var(--bad)}
button,.button{display:inline-block;font:inherit;padding:.45rem 1.1rem;border-radius:.25rem;
cursor:pointer;border:1px solid var(--accent);background:transparent;color:var(--accent);
text-decoration:none;white-space:nowrap}
button.main{background:var(--accent);color:var(--on-accent)}
.bar button{padding:.3rem .75rem}
.toggle{display:flex;align-items:center;gap:.6rem}
button[role=switch]{flex:none;width:2.75rem;height:1.5rem;padding:2px;border-radius:1rem;
border:1px solid var(--soft);background:var(--paper)}
button[role=switch] span{display:block;width:1.1rem;height:1.1rem;border-radius:50%;
background:var(--soft)}
button[role=switch][aria-checked=true]{background:var(--accent);border-color:var(--accent)}
button[role=switch][aria-checked=true] span{background:var(--on-accent);margin-left:auto}
button[role=switch]:disabled{cursor:not-allowed;border-style:dashed}
.said{padding:.7rem 1rem;border-left:4px solid var(--accent);background:var(--tint);
border-radius:.25rem;margin:0 0 1.25rem}
.said.good{border-color:var(--good)}
.said.bad{border-color:var(--bad);background:var(--bad-tint)}
.problem{color:var(--bad)}
.small{color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
.field .small,.field .problem{margin:.25rem 0 0;font-size:.9rem}
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}
.veil{position:fixed;inset:0;display:grid;place-items:center;background:var(--veil);z-index:1}
dialog{position:static;width:min(30rem,calc(100vw - 2rem));padding:1.5rem;margin:0;
background:var(--paper);color:var(--ink);border:1px solid var(--line);border-radius:.5rem}
.people{margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line)}
.people h2{font-size:1rem;margin:0}
.people .small{margin:.25rem 0 .75rem}
.people button{display:block;width:100%;margin:.4rem 0;padding:.5rem .75rem;text-align:left;
white-space:normal;border-color:var(--line);color:var(--ink);overflow-wrap:anywhere}
.people button:hover{border-color:var(--accent)}
.people button span{display:block;color:var(--soft);font-size:.85rem;line-height:1.35}
.alone{max-width:27rem;margin:12vh auto 2rem;padding:0 1rem}
@media (max-width:44rem){.frame{grid-template-columns:1fr;gap:1rem}.who{margin-left:0;
text-align:left}}
"""

SAFE_HEADERS: Final = {
    # No scripts at all, no frames around a form that changes something, no forms to elsewhere.
    # The only image is the empty icon, without which browsers ask for /favicon.ico.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def document(
    title: str, body: str, status: int, *, site: str, what: str, head: str = "", style: str = ""
) -> Answer:
    """A whole page under this sheet of styles.

    Args:
        title: the page's title, plain text.
        body: what follows the strip that says what this is, as HTML.
        status: the answer's status.
        site: what the title ends with.
        what: what the strip says that this is.
        head: further elements of the head, as HTML.
        style: further rules.
    """
    answer = html_answer(
        status,
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
{head}<title>{escape(title)} - {site}</title>
<style>{STYLE}{style}</style>
</head>
<body>
<aside class="strip" aria-label="Rehearsal"><strong>Rehearsal.</strong> This {what} is a local
stand-in, not Codat. Nothing here reaches a real account.</aside>
{body}
</body>
</html>
""",
    )
    return answer.with_headers(SAFE_HEADERS)


def see_other(path: str) -> Answer:
    """Send the browser to a page; a post is not repeated when that page is loaded again."""
    return Answer(303, b"", {"Location": path, "Cache-Control": "no-store"})


def hidden(values: Mapping[str, str]) -> str:
    """Hidden fields of a form."""
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in values.items()
    )
