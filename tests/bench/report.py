# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Figures with what they are compared to: collected, printed as a table, left as JSON."""

import datetime
import json
import pathlib
import platform
import subprocess


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def figures(value):
    """As many as tell something: tenths, of small values thousandths."""
    return round(value, 3 if abs(value) < 100 else 1)


class Report:
    def __init__(self, title):
        self.title = title
        self.figures = []

    def add(self, name, value, unit, base=None, target=None, **more):
        """
        base: value of what it is compared to, which gives `added` and `ratio`.
        target: (field, limit): that field is to be at most the limit; (field, limit, ">="):
        at least.
        """
        figure = {"name": name, "value": figures(value), "unit": unit, **more}
        if base:
            figure["added"] = figures(value - base)
            figure.setdefault("ratio", round(value / base, 3))
        if target:
            field, limit, *least = target
            met = figure[field] >= limit if least else figure[field] <= limit
            figure["target"] = {"field": field, "is": ">=" if least else "<=",
                                "limit": round(limit, 3), "met": met}
        self.figures.append(figure)
        return figure

    def skip(self, name, why):
        """What could not be measured here."""
        self.figures.append({"name": name, "skip": why})

    def save(self, path, **about):
        found = {
            "title": self.title,
            "commit": git("rev-parse", "HEAD"),
            "modified": bool(git("status", "--porcelain", "--", "bpf", "user", "include")),
            "kernel": platform.release(),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **about,
            "figures": self.figures,
        }
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")


def text(value):
    if value is None:
        return ""
    return f"{value:,.3f}".rstrip("0").rstrip(".") if abs(value) < 100 else \
        f"{value:,.1f}".removesuffix(".0")


def target_text(figure):
    target = figure.get("target")
    if not target:
        return ""
    return (f"{target['field']} {target['is']} {target['limit']:,g} "
            f"{'met' if target['met'] else 'MISSED'}")


def show(path):
    """Prints a JSON file as a table."""
    found = json.loads(pathlib.Path(path).read_text())
    commit = found["commit"][:12] + ("+" if found["modified"] else "")
    print(f"\n{found['title']}: kernel {found['kernel']}, commit {commit}, {found['date']}")
    rows = [("", "value", "", "added", "ratio", "target")]
    for figure in found["figures"]:
        if "skip" in figure:
            rows.append((figure["name"], "SKIP", "", "", "", figure["skip"]))
            continue
        ratio = figure.get("ratio")
        rows.append((figure["name"], text(figure["value"]), figure["unit"],
                     text(figure.get("added")), f"{ratio:.3f}" if ratio else "",
                     target_text(figure)))
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    for row in rows:
        cells = [row[i].rjust(widths[i]) if i in (1, 3, 4) else row[i].ljust(widths[i])
                 for i in range(6)]
        print("  ".join(cells).rstrip())
