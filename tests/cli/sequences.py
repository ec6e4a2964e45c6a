#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sequences beside a model of them that is written for being read:

    sequences.py TOCSIN CONFIG CASES SEED

Random events and random sequence queries: join keys (missing, optional, of
several values, of two types), maxspan, until, runs, missing events at every
place, head and tail. The model has all events at once and looks back and
forth in them; the engine has one after the other. Prints what differs, with
what it takes to see it again, and at the end how much was compared."""

import json
import random
import subprocess
import sys
import tempfile

LETTERS = "abcd"


def values(event, field):
    v = event.get(field, [])
    v = v if isinstance(v, list) else [v]
    return [x for i, x in enumerate(v) if x not in v[:i]]


def keys(event, fields):
    """Every combination of values; none when a key that must be is not."""
    found = [()]
    for name, optional in fields:
        v = values(event, name) or ([None] if optional else [])
        found = [k + ((type(x).__name__, x),) for k in found for x in v]
    return found


def fits(stage, event, key):
    return event["p"] in stage["p"] and key in keys(event, stage["by"])


def positives(query, events):
    """(key, events) of what the stages that are not missing make."""
    stages = [s for s in query["stages"] if not s["missing"]]
    pending, found = {}, []
    for event in events:
        for i in reversed(range(len(stages))):
            if event["p"] not in stages[i]["p"]:
                continue
            for key in keys(event, stages[i]["by"]):
                at = pending.setdefault(key, {})
                so_far = at.pop(i - 1, None) if i > 0 else []
                if so_far is None:
                    continue
                whole = so_far + [event]
                if span_over(query, whole[0], event):
                    continue
                if i == len(stages) - 1:
                    found.append((key, whole))
                else:
                    at[i] = whole
        until = query["until"]
        if until and event["p"] in until["p"]:
            for key in keys(event, until["by"]):
                pending.pop(key, None)
    return found


def span_over(query, first, last):
    span = query["maxspan"]
    return span is not None and last["t"] - first["t"] > span


def allowed(query, events, key, whole):
    """Does no event that must be missing stand where it must not?"""
    def times(stages, after, before):
        return [e["t"] for s in stages for e in events
                if fits(s, e, key) and after < e["t"] < before]

    groups, seen = {}, 0
    for stage in query["stages"]:
        if stage["missing"]:
            groups.setdefault(seen, []).append(stage)
        seen += not stage["missing"]
    last = len(whole)
    for place, stages in groups.items():
        if 0 < place < last and times(stages, whole[place - 1]["t"],
                                      whole[place]["t"]):
            return False
    before = times(groups.get(0, []), -1, whole[0]["t"])
    after = times(groups.get(last, []), whole[-1]["t"], float("inf"))
    span = query["maxspan"]
    if 0 in groups and last in groups:
        return not (before and after and min(after) - max(before) <= span)
    if before and whole[-1]["t"] - max(before) <= span:
        return False
    return not (after and min(after) - whole[0]["t"] <= span)


def model(query, events):
    found = []
    for key, whole in positives(query, events):
        if not allowed(query, events, key, whole):
            continue
        rest = iter(whole)
        found.append([-1 if s["missing"] else next(rest)["id"]
                      for s in query["stages"]])
    for kind, n in query["pipes"]:
        found = found[:n] if kind == "head" else found[max(0, len(found) - n):]
    return found


def some_events(rnd):
    events, t = [], 1
    for i in range(rnd.randint(4, 16)):
        t += rnd.choice([0, 1, 1, 2, 3, 5])
        event = {"id": i + 1, "t": t, "p": rnd.choice(LETTERS)}
        k = rnd.choice([1, 1, 2, 2, [1, 2], [2, 2, "1"], "1", None, None])
        if k is not None:
            event["k"] = k
        if rnd.random() < 0.7:
            event["l"] = rnd.choice(["x", "y", ["x", "y"]])
        events.append(event)
    return events


def some_stage(rnd, keyed, missing):
    return {"missing": missing, "by": list(keyed),
            "p": rnd.sample(LETTERS, rnd.choice([1, 1, 2, 4]))}


def some_query(rnd):
    optional = rnd.random() < 0.3
    whole = [("k", optional)] if rnd.random() < 0.6 else []
    each = [("l", False)] if rnd.random() < 0.4 else []
    stages, missing = [], rnd.random() < 0.5
    for _ in range(rnd.randint(1, 3)):
        if missing and rnd.random() < 0.5:
            for _ in range(rnd.choice([1, 1, 2])):
                stages.append(some_stage(rnd, whole + each, True))
        stage = some_stage(rnd, whole + each, False)
        stages += [stage] * rnd.choice([1, 1, 1, 2])
    if len(stages) < 2 or rnd.random() < 0.3:
        stages.append(some_stage(rnd, whole + each, missing))
    missing = any(s["missing"] for s in stages)
    query = {"stages": stages, "each": each, "whole": whole, "pipes": [],
             "until": None, "maxspan": None}
    if missing or rnd.random() < 0.5:
        query["maxspan"] = rnd.choice([1, 2, 3, 4, 6, 10])
    if not missing and rnd.random() < 0.35:
        query["until"] = some_stage(rnd, whole + each, False)
    # Which one is complete first is another question.
    if not missing and rnd.random() < 0.3 and not whole + each:
        for _ in range(rnd.randint(1, 2)):
            query["pipes"].append((rnd.choice(["head", "tail"]),
                                   rnd.randint(0, 3)))
    return query


def text_of(query):
    def by(fields):
        names = ("?" * optional + name for name, optional in fields)
        return " by " + ", ".join(names) if fields else ""

    def test(stage):
        listed = ", ".join(f'"{p}"' for p in stage["p"])
        return f" {'!' * stage['missing']}[any where p in ({listed})]"

    text = "sequence" + by(query["whole"])
    if query["maxspan"] is not None:
        text += f" with maxspan={query['maxspan']}s"
    stages, i = query["stages"], 0
    while i < len(stages):
        runs = sum(1 for s in stages[i:i + 2] if s is stages[i])
        text += test(stages[i]) + by(query["each"])
        text += f" with runs={runs}" if runs > 1 else ""
        i += runs
    if query["until"]:
        text += " until" + test(query["until"]) + by(query["each"])
    for kind, n in query["pipes"]:
        text += f" | {kind} {n}"
    return text


def engine(tocsin, config, query, events):
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as f:
        for e in events:
            line = {k: v for k, v in e.items() if k != "t"}
            line |= {"ns": e["t"] * 10**9, "event.category": "x"}
            f.write(json.dumps(line) + "\n")
        f.flush()
        run = subprocess.run(
            [tocsin, "-c", config, "replay", "--query", text_of(query),
             "--schema", "any", "--id", "id", "--time", "ns", "--matches",
             f.name], capture_output=True, text=True)
    if run.returncode > 1:
        return run.stderr
    return [[int(i) for i in json.loads(line)["ids"]]
            for line in run.stdout.splitlines()]


def main(tocsin, config, cases, seed):
    rnd = random.Random(seed)
    differ = matched = missing = 0
    for case in range(cases):
        events, query = some_events(rnd), some_query(rnd)
        want = model(query, events)
        got = engine(tocsin, config, query, events)
        matched += bool(want)
        missing += any(-1 in ids for ids in want)
        # One event may complete several, and missing ones complete later.
        if isinstance(got, str) or sorted(got) != sorted(want):
            differ += 1
            print(f"seed {seed}, case {case}: {text_of(query)}")
            for e in events:
                print("   ", json.dumps(e))
            print(f"    wanted {want}\n    got    {got}")
    print(f"{cases} cases, {matched} with matches, {missing} of these with "
          f"missing events, {differ} differ")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:5]))
