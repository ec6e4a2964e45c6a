#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Conditions beside a model of them that is written for being read:

    conditions.py TOCSIN CONFIG RULES SEED

Random conditions, all loaded as rules of one set, over random events whose
fields are missing, of one value or of several, and of other types than one
may think. A condition here is a text and a function that says whether an
event satisfies it. Prints what differs, and at the end how much was
compared."""

import ipaddress
import json
import operator
import random
import re
import subprocess
import sys
import tempfile

STRINGS = ["a", "A", "ab", "aB", "abc", "", "x*y", "x?y", "xzy", "/tmp/a",
           "/tmp/b/c", "é", "7", "07", "a.b"]
NUMBERS = [0, 1, 2, 7, -3, 100, 1.5, 7.0, -0.25]
ADDRESSES = ["10.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fe80::5"]
BLOCKS = ["10.0.0.0/8", "10.0.0.1", "192.168.0.0/16", "::1", "fe80::/10",
          "0.0.0.0/0", "::/0"]
EVENTS = 100
ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt,
          ">=": operator.ge}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
rnd = random.Random()


def some_event():
    event = {"event.category": rnd.choice(["process", "file",
                                           ["process", "file"]])}
    for field, values in (("s", STRINGS), ("t", STRINGS), ("n", NUMBERS),
                          ("m", NUMBERS), ("b", [True, False]),
                          ("ip", ADDRESSES)):
        how = rnd.random()
        if how < 0.6:
            event[field] = rnd.choice(values)
        elif how < 0.75:
            event[field] = rnd.choices(values, k=rnd.randint(2, 3))
    return event


def values_of(event, field):
    v = event.get(field, [])
    return v if isinstance(v, list) else [v]


def fold(text):
    return "".join(c.lower() if "A" <= c <= "Z" else c for c in text)


def literal(value):
    return json.dumps(value, ensure_ascii=False)


def listed(values):
    return "(" + ", ".join(map(literal, values)) + ")"


def any_value(field, test):
    return lambda event: any(map(test, values_of(event, field)))


# ---- tests of one field ------------------------------------------------

def equality(field, values):
    want = rnd.choice(values)
    found = any_value(field, lambda v: v == want)
    if rnd.random() < 0.5:
        return f"{field} == {literal(want)}", found
    return f"{field} != {literal(want)}", lambda e: not found(e)


def membership(field):
    want = rnd.choices(STRINGS, k=rnd.randint(1, 4))
    if rnd.random() < 0.3:
        folded = [fold(w) for w in want]
        return (f"{field} in~ {listed(want)}",
                any_value(field, lambda v: fold(v) in folded))
    found = any_value(field, lambda v: v in want)
    if rnd.random() < 0.5:
        return f"{field} in {listed(want)}", found
    return f"{field} not in {listed(want)}", lambda e: not found(e)


def some_pattern():
    text = rnd.choice(STRINGS)
    if rnd.random() < 0.7:
        i = rnd.randint(0, len(text))
        text = text[:i] + rnd.choice("*?") + text[rnd.randint(i, len(text)):]
    return text


def fits(pattern, text):
    wild = {"*": ".*", "?": "."}
    return re.fullmatch("".join(wild.get(c, re.escape(c)) for c in pattern),
                        text, re.DOTALL) is not None


def likeness(field):
    patterns = [some_pattern() for _ in range(rnd.randint(1, 3))]
    word = rnd.choice(["like", "like~", ":"])
    form = fold if word != "like" else str
    return (f"{field} {word} {listed(patterns)}",
            any_value(field, lambda v: any(fits(form(p), form(v))
                                           for p in patterns)))


def expression(field):
    text = rnd.choice(["a.*", "[a-b]+", "x.y", "(a|ab)c?", ".{2}", r"a\.b",
                       "", "/tmp/[^/]+"])
    insensitive = rnd.random() < 0.5
    form = fold if insensitive else str
    return (f"{field} regex{'~' * insensitive} {literal(text)}",
            any_value(field, lambda v: re.fullmatch(text, form(v),
                                                    re.DOTALL) is not None))


def order(field, values):
    word, want = rnd.choice(list(ORDERS)), rnd.choice(values)

    def key(value):  # texts by their bytes
        return value.encode() if isinstance(value, str) else value

    found = any_value(field, lambda v: ORDERS[word](key(v), key(want)))
    if rnd.random() < 0.3:
        return f"{literal(want)} {MIRRORED[word]} {field}", found
    return f"{field} {word} {literal(want)}", found


def existence():
    field = rnd.choice(["s", "t", "n", "m", "b", "ip", "nothing"])
    there = rnd.random() < 0.5
    sides = [field, "null"]
    rnd.shuffle(sides)
    return (f" {'!=' if there else '=='} ".join(sides),
            lambda e: bool(values_of(e, field)) == there)


def truth():
    return rnd.choice([
        ("b", lambda e: True in values_of(e, "b")),
        ("b == true", lambda e: True in values_of(e, "b")),
        ("b != true", lambda e: True not in values_of(e, "b")),
        ("b == false", lambda e: False in values_of(e, "b"))])


def address():
    want = rnd.sample(BLOCKS, 2)
    blocks = [ipaddress.ip_network(b) for b in want]
    return (f"cidrMatch(ip, {literal(want[0])}, {literal(want[1])})",
            any_value("ip", lambda v: any(ipaddress.ip_address(v) in b
                                          for b in blocks)))


def function(field):
    part = rnd.choice(["a", "A", "/t", "", "x*"])
    name, test = rnd.choice([
        ("startsWith", str.startswith), ("endsWith", str.endswith),
        ("stringContains",
         lambda v, p: v != "" and p != "" and p in v)])
    insensitive = rnd.random() < 0.5
    form = fold if insensitive else str
    return (f"{name}{'~' * insensitive}({field}, {literal(part)})",
            any_value(field, lambda v: test(form(v), form(part))))


def calculation():
    """Over all combinations of the values of two fields."""
    field = rnd.choice("nm")
    a, b = rnd.choice([1, 2, 7]), rnd.choice([3, 8, 2])
    length = rnd.choice([0, 1, 2, 3])
    return rnd.choice([
        (f"{field} + {a} == {b}", any_value(field, lambda v: v + a == b)),
        (f"length(s) == {length}", any_value("s", lambda v: len(v) == length)),
        (f"length(s) + {field} == {b}",
         lambda e: any(len(s) + n == b for s in values_of(e, "s")
                       for n in values_of(e, field))),
        ('concat(s, ":", t) == "a:ab"',
         lambda e: "a" in values_of(e, "s") and "ab" in values_of(e, "t"))])


def some_test():
    text = rnd.choice("st")
    number = rnd.choice("nm")
    return rnd.choice([
        lambda: equality(text, STRINGS), lambda: equality(number, NUMBERS),
        lambda: membership(text), lambda: likeness(text),
        lambda: likeness(text), lambda: expression(text),
        lambda: order(text, STRINGS), lambda: order(number, NUMBERS),
        existence, truth, address, lambda: function(text), calculation])()


# ---- conditions --------------------------------------------------------

def some_condition(depth):
    if depth == 0 or rnd.random() < 0.25:
        return some_test()
    kind = rnd.choice(["and", "and", "or", "not"])
    if kind == "not":
        text, holds = some_condition(depth - 1)
        return f"not ({text})", lambda e: not holds(e)
    parts = [some_condition(depth - 1) for _ in range(rnd.randint(2, 4))]
    every = all if kind == "and" else any
    return ("(" + f" {kind} ".join(text for text, _ in parts) + ")",
            lambda e: every(holds(e) for _, holds in parts))


def some_query():
    text, holds = some_condition(rnd.choice([1, 2, 3]))
    category = rnd.choice(["any", "process", "file"])
    return (f"{category} where {text}",
            lambda e: (category == "any" or
                       category in values_of(e, "event.category")) and
            holds(e))


def engine(tocsin, config, queries, events):
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as rules, \
            tempfile.NamedTemporaryFile("w", suffix=".ndjson") as trace:
        for i, (query, _) in enumerate(queries):
            rules.write(json.dumps({
                "rule_id": str(i), "name": "n", "type": "eql", "query": query,
                "language": "eql", "severity": "low", "risk_score": 1}) + "\n")
        for i, event in enumerate(events):
            trace.write(json.dumps(event | {"id": i, "ns": 10**18 + i}) + "\n")
        rules.flush()
        trace.flush()
        run = subprocess.run(
            [tocsin, "-c", config, "replay", "-r", rules.name, "--schema",
             "any", "--id", "id", "--time", "ns", "--matches", trace.name],
            capture_output=True, text=True, check=False)
    if run.returncode > 1:
        sys.exit(run.stderr[:2000])
    matches = map(json.loads, run.stdout.splitlines())
    return {(int(m["rule"]), int(m["ids"][0])) for m in matches}


def main(tocsin, config, rules, seed):
    rnd.seed(seed)
    queries = [some_query() for _ in range(rules)]
    events = [some_event() for _ in range(EVENTS)]
    want = {(i, k) for i, (_, holds) in enumerate(queries)
            for k, event in enumerate(events) if holds(event)}
    differ = want ^ engine(tocsin, config, queries, events)
    for i, k in sorted(differ)[:10]:
        print(f"seed {seed}, wanted {(i, k) in want}: {queries[i][0]}\n    "
              f"{json.dumps(events[k], ensure_ascii=False)}")
    print(f"{rules} rules, {EVENTS} events, {len(want)} matches, "
          f"{len(differ)} differ")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:5]))
