# SPDX-License-Identifier: GPL-2.0-or-later
"""What report.sh asks of independent readers.

report.py schema SCHEMA REPORT...   valid by the JSON Schema?
report.py mutate SCHEMA REPORT DIR  REPORT broken in many ways, one a file, and
                                    a line each: file, verdict of the schema
report.py page FILE.html WORD...    tags balanced and known, nothing that runs
                                    or loads, and each word is in the text
"""
import copy
import json
import sys
from html.parser import HTMLParser
from pathlib import Path


def validator(schema):
    import jsonschema
    schema = json.loads(Path(schema).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def places(node, path=()):
    """Every key, and the first item of every list; of alerts the few keys
    that are not left to ECS."""
    if isinstance(node, dict):
        for key, value in node.items():
            if path[:1] in (("alerts",), ("findings",)) and key not in (
                    "@timestamp", "message", "rule", "id", "name"):
                continue
            yield path + (key,)
            yield from places(value, path + (key,))
    elif isinstance(node, list) and node:
        yield path + (0,)
        yield from places(node[0], path + (0,))


def put(document, path, change):
    result = copy.deepcopy(document)
    at = result
    for step in path[:-1]:
        at = at[step]
    if change is None:
        del at[path[-1]]
    else:
        at[path[-1]] = change[0]
    return result


def mutate(schema, report, folder):
    check = validator(schema)
    document = json.loads(Path(report).read_text())
    values = (None, [None], [-1], [1.5], [7], ["x"], [[]], [{}], [True])
    special = {"sha256": ["A" * 64, "a" * 63], "root": ["a" * 65],
               "path_hex": ["abc", "AB", ""], "kind": ["add", "added"],
               "started": ["2026-01-02", "2026-01-02T03:04:05+01:00"],
               "files": [2**63 - 1, 2**63], "version": [0, 2]}
    n = 0
    for path in places(document):
        more = [[v] for v in special.get(path[-1], [])]
        for change in values + tuple(more):
            broken = put(document, path, change)
            name = Path(folder) / str(n)
            name.write_text(json.dumps(broken))
            print(name, 0 if check.is_valid(broken) else 18,
                  ".".join(map(str, path)), change)
            n += 1


TAGS = set("""html head meta title style body a header div p h1 h2 h3 nav main
section ul ol li span dl dt dd details summary svg line circle rect table thead
tbody tr th td pre code time strong b br footer""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class id href rel
aria-label aria-labelledby aria-hidden role datetime scope data-label open x y
x1 x2 y1 y2 cx cy r width height""".split())


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.wrong = [], "", []

    def handle_starttag(self, tag, attributes):
        if tag not in TAGS:
            self.wrong.append(f"tag {tag}")
        for name, value in attributes:
            if name not in ATTRIBUTES:
                self.wrong.append(f"attribute {name} of {tag}")
            if name == "href" and not value.startswith(
                    ("#", "https://attack.mitre.org/techniques/T")):
                self.wrong.append(f"link to {value}")
        if tag not in ("meta", "br", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.text += data


def page(file, *words):
    html = Path(file).read_text()
    p = Page()
    p.feed(html)
    p.close()
    p.wrong += [f"{tag} is not closed" for tag in p.open]
    p.wrong += [f"not there: {w}" for w in words if w not in p.text]
    for key in ("default-src 'none'", "width=device-width",
                "prefers-color-scheme", "@media print"):
        if key not in html:
            p.wrong.append(f"no {key}")
    for key in ("url(", "@import", "expression("):
        if key in html:
            p.wrong.append(key)
    print("\n".join(p.wrong) or "good")


command, *rest = sys.argv[1:]
if command == "schema":
    check = validator(rest[0])
    for report in rest[1:]:
        errors = list(check.iter_errors(json.loads(Path(report).read_text())))
        print(errors[0].message[:200] if errors else "valid")
else:
    {"mutate": mutate, "page": page}[command](*rest)
