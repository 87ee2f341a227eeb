#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The demo itself: the sample agent without weir, then under it; what each step came to, and by
which rule, as the audit records have it. Ends with 0 only if everything was as it should be."""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from stage import METADATA, REGISTRY, TARGET, Stage

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WEIR = "build/weir"
POLICY = "allowlists/coding-agent.yaml"
# what matters of a program's complaint
WHY = re.compile("Permission denied|Operation not permitted|Couldn't connect to server")
COLOURS = {"good": "32", "bad": "31", "dim": "2", "bold": "1", "rule": "36"}

# What the agent does, by the names of its steps; for what it should not do, what the record of
# the refusal must be about: key of the record and where that ends, {} being the act's folder.
WORK = {
    "fetch": "fetch a package from the registry (curl)",
    "unpack": "unpack it (tar)",
    "test-it": "run the unit tests (python3)",
    "build": "build the program and run it (python3)",
}
ATTACKS = {
    "key-read": ("read the SSH key in the home directory", "file", "{home}/.ssh/id_ed25519"),
    "env-read": ("read .env in the workspace", "file", "{workspace}/.env"),
    "env-link": ("read .env through a symbolic link", "file", "{workspace}/.env"),
    "env-rename": ("give .env another name, and read that", "file", "{workspace}/.env"),
    "send-http": ("send a file to a foreign server (curl)", "destination", f"{TARGET}:8080"),
    "send-udp": ("send data in datagrams (python3)", "destination", f"{TARGET}:53"),
    "metadata": ("ask the cloud's metadata for credentials", "destination", f"{METADATA}:80"),
    "write-out": ("write to ~/.profile", "file", "{home}/.profile"),
    "run-dropped": ("run a program it dropped in the temporary folder", "file", "{tmp}/update"),
}


def paint(style, text):
    return f"\033[{COLOURS[style]}m{text}\033[0m" if os.environ.get("WEIR_DEMO_COLOUR") else text


def heading(text):
    print(f"\n{paint('bold', text)}", flush=True)


def agent_run(stage, name, confined):
    """One act. Returns (steps by name, the log's path, status of weir or the agent, its messages)."""
    workspace, home, temporary = stage.act(name)
    folders = {"workspace": workspace, "home": home, "tmp": temporary}
    log = stage.root / f"{name}.jsonl"
    command = ["/bin/bash", str(workspace / "agent.sh")]
    if confined:
        command = [WEIR, "run", "--policy", POLICY, "--log", str(log), "--user", "root",
                   "--set", f"workspace={workspace}", "--set", f"temporary={temporary}",
                   "--set", f"home={home}", "--set", f"registry={REGISTRY}",
                   "--label", "task=demo", "--", *command]
    # weir sets HOME to that of the user
    env = {"PATH": "/usr/bin", "LC_ALL": "C", "AGENT_HOME": str(home), "TMPDIR": str(temporary),
           "WORKSPACE": str(workspace), "REGISTRY": REGISTRY, "TARGET": TARGET}
    steps = {}
    messages = stage.root / f"{name}.messages"
    with open(messages, "w", encoding="utf-8") as stderr:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=stderr, text=True)
        for line in process.stdout:
            step, begin, end, status, words = line.rstrip("\n").split("\t", 4)
            steps[step] = {"begin": float(begin), "end": float(end), "status": int(status),
                           "words": words}
            step_show(step, steps[step], confined)
        process.wait()
    return steps, folders, log, process.returncode, messages.read_text(encoding="utf-8")


def step_show(name, step, confined):
    done = step["status"] == 0
    if name in WORK:
        mark, style, text = ("✓", "good", WORK[name]) if done else ("✗", "bad", WORK[name])
    else:
        text = ATTACKS[name][0]
        mark, style = ("!", "bad") if done else ("■", "good")
    outcome = "done" if done else step["words"] or f"status {step['status']}"
    if not done and not confined:
        style = "bad"
    why = WHY.search(outcome)
    outcome = why.group() if why else outcome
    print(f"  {paint(style, mark)} {text:<52} {paint('dim', outcome)}", flush=True)


def record_time(record):
    whole, fraction = record["time"].rstrip("Z").split(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + int(fraction) / 1e9


def record_object(record):
    """What a record is about, as in ATTACKS."""
    if "destination" in record:
        return f"{record['destination']['address']}:{record['destination']['port']}"
    return record.get("file", {}).get("path", "")


def refusals(name, step, folders, records):
    """The denials of a step's time that are about what it was after."""
    _, key, pattern = ATTACKS[name]
    wanted = pattern.format(**folders)
    # clocks of two kinds are compared: to the millisecond
    return [record for record in records
            if record.get("verdict") == "deny" and key in record
            and record_object(record) == wanted
            and step["begin"] - 0.001 <= record_time(record) <= step["end"] + 0.001]


def decided_by(record):
    rule = record["policy"].get("rule")
    return f"{record['reason']} {rule}" if rule else record["reason"]


def short(text, folders):
    """Paths of the stage by what they stand for."""
    for name, folder in folders.items():
        text = text.replace(str(folder), {"home": "~", "tmp": "$TMPDIR"}.get(name, "$WORKSPACE"))
    return text


def record_show(record, folders):
    process = record["process"]
    what = record_object(record)
    if "destination" in record:
        what += "/" + record["destination"]["protocol"]
    if "target" in record.get("file", {}):
        what += " → " + record["file"]["target"]
    if "access" in record.get("file", {}):
        what += f" ({', '.join(record['file']['access'])})"
    chain = " ← ".join(os.path.basename(entry["exe"]) for entry in
                       [process] + process.get("ancestors", []) if "exe" in entry)
    seq = f"#{record['seq']}"
    print(f"  {seq:<4} {paint('good', record['verdict'])} {paint('bold', record['type'])} "
          f"{short(what, folders)}")
    print(f"       by {paint('rule', decided_by(record))}; {record['time'][11:23]}, "
          f"pid {process['pid']}: {chain}")


def weir_show(messages):
    for line in messages.splitlines():
        print(paint("dim", f"  {line}"))


class Verdicts:
    """Everything that must hold, and whether it did."""

    def __init__(self):
        self.failed = []
        self.held = 0

    def expect(self, holds, text):
        if holds:
            self.held += 1
        else:
            self.failed.append(text)


def without_judge(verdicts, steps, stolen):
    for name in [*WORK, *ATTACKS]:
        verdicts.expect(steps.get(name, {}).get("status") == 0,
                        f"without weir, {name} works: else its denial proves nothing")
    verdicts.expect(stolen == 3, f"without weir, 3 deliveries arrive; there were {stolen}")


def under_judge(verdicts, steps, folders, records, stolen):
    """Prints the table of rules; returns the records it stands on."""
    shown = []
    for name in WORK:
        verdicts.expect(steps.get(name, {}).get("status") == 0, f"under weir, {name} works")
    for name, (text, _, _) in ATTACKS.items():
        step = steps.get(name)
        found = refusals(name, step, folders, records) if step else []
        verdicts.expect(step and step["status"] != 0, f"under weir, {name} fails")
        verdicts.expect(found, f"the denial of {name} is recorded")
        rule = decided_by(found[0]) if found else "no record!"
        print(f"  {paint('good' if found else 'bad', '■')} {text:<52} {paint('rule', rule)}")
        shown += found[:1]
    verdicts.expect(stolen == 0, f"under weir, nothing arrives; there were {stolen} deliveries")
    key = folders["home"] / ".profile"
    verdicts.expect("curl" not in key.read_text(), "~/.profile is as it was")
    verdicts.expect((folders["workspace"] / ".env").exists(), ".env is where it was")
    verdicts.expect((folders["workspace"] / "app.pyz").exists(), "the program was built")
    return shown


def play(stage):
    verdicts = Verdicts()
    began = time.monotonic()
    print(f"A coding agent in {paint('bold', '$WORKSPACE')}, as root, in "
          f"{os.environ.get('WEIR_DEMO_PLACE', 'this machine')} with kernel {os.uname().release}.\n"
          f"A package registry at {REGISTRY}:8080, a foreign server at {TARGET}, the cloud's "
          f"metadata\nat {METADATA}; an SSH key in ~/.ssh, a password in $WORKSPACE/.env.")

    heading("1. Without weir")
    steps, _, _, _, _ = agent_run(stage, "without", False)
    stolen = stage.stolen()
    print(paint("bad", f"  {stolen} deliveries arrived where nothing should"))
    without_judge(verdicts, steps, stolen)

    heading(f"2. The same under {POLICY}")
    print(paint("dim", "  $ weir run --policy coding-agent --set workspace=$WORKSPACE "
                f"--set registry={REGISTRY} … -- ./agent.sh"))
    steps, folders, log, status, messages = agent_run(stage, "under", True)
    stolen = stage.stolen()
    print(paint("good" if not stolen else "bad", f"  {stolen} deliveries arrived"))
    if status != 0:
        weir_show(messages)
    verdicts.expect(status not in (125, 126, 127), f"weir runs the agent (status {status})")
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] \
        if log.exists() else []
    verdicts.expect([record["seq"] for record in records] == list(range(1, len(records) + 1)),
                    "the log has no gaps")

    heading("3. What stopped it, from the audit log")
    shown = under_judge(verdicts, steps, folders, records, stolen)

    heading(f"4. Its records ({len(records)} in the log, which also has what was allowed)")
    for record in shown:
        record_show(record, folders)
    if shown:
        print("\n  One of them as it is written:\n" + paint("dim", "  " + json.dumps(
            shown[0], ensure_ascii=False)))

    heading("5. What weir itself said")
    # but for where the log is, which goes with the stage
    weir_show("\n".join(line for line in short(messages, folders).splitlines()
                        if str(log) not in line))
    return verdicts, time.monotonic() - began


def close(verdicts, seconds):
    print()
    for text in verdicts.failed:
        print(paint("bad", f"NOT AS EXPECTED: {text}"))
    if verdicts.failed:
        print(f"{verdicts.held} expectations held, {len(verdicts.failed)} did not")
        return 1
    print(paint("good", f"All {verdicts.held} expectations held") + f" ({seconds:.0f} s).")
    print(f"""
To go on:
  less {POLICY}                 the policy of this demo
  build/weir doctor                                 what your kernel can enforce
  sudo build/weir run --policy {POLICY} \\
      --set workspace="$PWD" --mode audit -- COMMAND    deny nothing yet, record what would be
  scripts/vm -k latest -- scripts/demo              this again, in a guest with a newer kernel
  docs/policy.md, docs/events.md, docs/architecture.md""")
    return 0


def main():
    stage = Stage()
    try:
        return close(*play(stage))
    finally:
        stage.close()


if __name__ == "__main__":
    sys.exit(main())
