# SPDX-License-Identifier: GPL-2.0-or-later
"""What report.sh asks of independent readers.

report.py schema SCHEMA REPORT...   valid by the JSON Schema?
report.py mutate SCHEMA REPORT DIR  REPORT broken in many ways, one a file, and
                                    a line each: file, verdict of the schema
report.py sarif FILE...             what SARIF 2.1.0 wants of the objects we use
report.py page FILE.html WORD...    tags balanced and known, nothing that runs
                                    or loads, and each word is in the text
"""
import copy
import json
import re
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


# Of the standard's objects (section 3), which are closed, those that we use:
# each key with what it holds; * is required.
TEXT, ANY = str, object
SARIF = {
    "log": {"*version": TEXT, "$schema": TEXT, "*runs": ["run"]},
    "run": {"*tool": "tool", "results": ["result"],
            "invocations": ["invocation"], "columnKind": TEXT},
    "tool": {"*driver": "driver"},
    "driver": {"*name": TEXT, "version": TEXT, "semanticVersion": TEXT,
               "rules": ["rule"]},
    "rule": {"*id": TEXT, "shortDescription": "message",
             "fullDescription": "message", "properties": ANY,
             "defaultConfiguration": "configuration"},
    "configuration": {"level": TEXT},
    "message": {"*text": TEXT},
    "result": {"ruleId": TEXT, "level": TEXT, "*message": "message",
               "locations": ["location"], "partialFingerprints": ANY,
               "properties": ANY},
    "location": {"physicalLocation": "physical"},
    "physical": {"artifactLocation": "artifact"},
    "artifact": {"uri": TEXT},
    "invocation": {"*executionSuccessful": bool, "startTimeUtc": TEXT,
                   "endTimeUtc": TEXT,
                   "toolExecutionNotifications": ["notification"]},
    "notification": {"level": TEXT, "*message": "message",
                     "locations": ["location"]},
}


def sarif_wrong(node, kind, at):
    if isinstance(kind, list):
        if not isinstance(node, list):
            return [f"{at} is no list"]
        return [w for i, item in enumerate(node)
                for w in sarif_wrong(item, kind[0], f"{at}[{i}]")]
    if isinstance(kind, type):
        return [] if isinstance(node, kind) else [f"{at} is no {kind}"]
    keys = {k.lstrip("*"): v for k, v in SARIF[kind].items()}
    wrong = [f"{at} lacks {k[1:]}" for k in SARIF[kind]
             if k[0] == "*" and k[1:] not in node]
    for key, value in node.items():
        if key not in keys:
            wrong.append(f"{at} has {key}")
        elif key == "level" and value not in ("error", "warning", "note"):
            wrong.append(f"{at} has level {value}")
        elif key.endswith("Utc") and not re.fullmatch(
                r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
            wrong.append(f"{at} has the time {value}")
        elif key == "uri" and not re.fullmatch(
                r"file:///([A-Za-z0-9._~/-]|%[0-9A-F]{2})*", value):
            wrong.append(f"{at} has the uri {value}")
        else:
            wrong += sarif_wrong(value, keys[key], f"{at}.{key}")
    return wrong


def sarif(*files):
    for file in files:
        log = json.loads(Path(file).read_text())
        wrong = sarif_wrong(log, "log", "")
        for run in log["runs"]:
            known = [r["id"] for r in run["tool"]["driver"]["rules"]]
            if len(known) != len(set(known)):
                wrong.append("a rule is there twice")
            wrong += [f"no rule {r['ruleId']}" for r in run["results"]
                      if r["ruleId"] not in known]
        print("\n".join(wrong) or "good")


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
    {"mutate": mutate, "page": page, "sarif": sarif}[command](*rest)
