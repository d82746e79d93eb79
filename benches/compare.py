#!/usr/bin/env python3
"""Measures Wengert and its peers side by side and writes the tables of BENCHMARKS.md.

    cargo build --release --example course
    python3 benches/compare.py --peer 'torch=python peers.py torch' --peer 'jax=python peers.py jax' [WORKLOAD ...]

A peer is a command that takes `--threads N WORKLOAD` and prints a JSON line for it, as `course` does:
{"engine": ..., "version": ..., "threads": N, "workload": ..., "value": ..., "unit": ..., "cpu": ...}. For every workload
the engines take turns, round after round, so that what disturbs the machine disturbs all of them. A figure is the median over
the rounds: of processor time on one thread, of wall time on more. Raw lines are kept beside the tables' source (--lines).
"""
import argparse
import collections
import json
import math
import os
import platform
import shlex
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = "wengert"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND", help="an engine to compare with")
    parser.add_argument("--ours", default=os.path.join(ROOT, "target/release/examples/course"), metavar="COMMAND")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", default="compare.jsonl", help="where raw lines are added [compare.jsonl]")
    parser.add_argument("--write-only", action="store_true", help="measures nothing: writes the tables of --lines")
    parser.add_argument("workloads", nargs="*")
    given = parser.parse_args()
    for peer in given.peer:
        if "=" not in peer:
            parser.error(f"--peer {peer}: must be NAME=COMMAND")
    return given


def measure(command, threads, workload):
    """The JSON lines that a command prints for a workload; none where it fails."""
    command = shlex.split(command) + ["--threads", str(threads), workload]
    env = dict(os.environ, RAYON_NUM_THREADS=str(threads))
    try:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return []
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("value") is not None]


def run(given):
    engines = [(OURS, given.ours)] + [tuple(peer.split("=", 1)) for peer in given.peer]
    listed = subprocess.run([*shlex.split(given.ours), "--list"], stdout=subprocess.PIPE, text=True, check=True)
    workloads = given.workloads or listed.stdout.split()
    with open(given.lines, "a") as lines:
        for threads in given.threads:
            for workload in workloads:
                for _ in range(given.rounds):
                    for name, command in engines:
                        for line in measure(command, threads, workload):
                            lines.write(json.dumps(dict(line, name=name)) + "\n")
                            lines.flush()
                print(f"{threads} threads: {workload}", file=sys.stderr)


def tables(path):
    """The tables of all lines in a file."""
    found, units, versions = collections.defaultdict(list), {}, {}
    for line in map(json.loads, open(path)):
        value = line["value"] if line["threads"] > 1 else line.get("cpu", line["value"])
        found[line["threads"], line["workload"], line["name"]].append(value)
        units[line["workload"]] = line["unit"]
        versions[line["name"]] = line["version"]
    names = [OURS] + [name for name in versions if name != OURS]
    text = [machine(), ""]
    text += ["Versions: " + ", ".join(f"{name} {versions[name]}" for name in names) + ".", ""]
    for threads in sorted({threads for threads, _, _ in found}):
        measured = "processor time" if threads == 1 else "wall time"
        text += [f"### {threads} thread{'s' * (threads > 1)}, {measured}", ""]
        text += ["| workload | unit | " + " | ".join(names) + " | best peer / Wengert |"]
        text += ["|---|---|" + "---|" * (len(names) + 1)]
        ratios = []
        for workload, unit in units.items():
            values = {name: statistics.median(found[threads, workload, name])
                      for name in names if (threads, workload, name) in found}
            if OURS not in values:
                continue
            more = unit == "GFLOP/s"
            best = (max if more else min)(values.values())
            peers = [value for name, value in values.items() if name != OURS]
            ratio = None
            if peers:
                ratio = values[OURS] / max(peers) if more else min(peers) / values[OURS]
                ratios.append(ratio)
            cells = [number(values[name], values[name] == best) if name in values else "" for name in names]
            text.append(f"| {workload} | {unit} | " + " | ".join(cells) + f" | {ratio:.2f} |" if ratio
                        else f"| {workload} | {unit} | " + " | ".join(cells) + " | |")
        if ratios:
            mean = math.exp(statistics.mean(map(math.log, ratios)))
            ahead = sum(ratio > 1 for ratio in ratios)
            text += ["", f"Ahead of every peer in {ahead} of {len(ratios)}; geometric mean of the ratios {mean:.2f}.", ""]
    return "\n".join(text)


def number(value, best):
    text = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return f"**{text}**" if best else text


def machine():
    """What the tables were measured on."""
    facts = {}
    try:
        for line in open("/proc/cpuinfo"):
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    model = facts.get("model name", platform.processor() or platform.machine())
    family = f" (family {facts['cpu family']}, model {facts['model']})" if "cpu family" in facts else ""
    return f"Machine: {model}{family}, {os.cpu_count()} cores, {platform.system()}."


def write(text):
    path = os.path.join(ROOT, "BENCHMARKS.md")
    page = open(path).read()
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    temporary = path + ".new"
    with open(temporary, "w") as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{after}")
    os.replace(temporary, path)


if __name__ == "__main__":
    options = arguments()
    if not options.write_only:
        run(options)
    write(tables(options.lines))
