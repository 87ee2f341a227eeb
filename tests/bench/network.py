# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
What sending, connecting and streaming cost: bare, with programs that do nothing, under weir
with everything recorded, and under nftables. The variants take turns, round after round,
because the machine has other things to do; ratios are those within a round.
"""

import collections
import contextlib
import dataclasses
import os
import statistics

import nft
import policies
from weir import AS_USER, BIN, WITHOUT, Weir, cgroup2, measured, say

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
SIZES = (10, 10000, 1000000)
SAMPLES = 9		# a figure is the median of; a warm-up is added
STREAM_GB = (256 << 10) / 1e9	# a write of stream_bench.c

FLAT_MAX = 1.05		# the largest policy, times the smallest


@dataclasses.dataclass
class Row:
    """One thing measured, and what of it has to be in the log: by type, from the operations."""
    title: str
    program: list
    count: int				# operations in a sample
    records: dict
    target: tuple = None		# of a ratio to bare, under weir
    peer: str = None			# who is outside of all policies, as net_bench names it
    bytes_gb: float = 0			# moved by an operation; then the figure is GB/s
    ahead: bool = True			# of nftables, is the target

    def command(self, *launcher):
        """What runs it, confined by launcher."""
        before = [BIN / "net_bench", "peer", self.peer] if self.peer else []
        name, *rest = self.program
        # by the own use of a processor, where it can be: the machine has others to serve
        return [*before, *launcher, BIN / name, "-w", "2", "-r", SAMPLES, "-n", self.count, *rest]

    def figure(self, ns):
        return self.bytes_gb / ns * 1e9 if self.bytes_gb else ns


def every(operations):
    return operations


ROWS = [
    Row("UDP sendto, 10 destinations", ["net_bench", "-c", "send", "given"], 12800,
        {"network.send": 10, "network.flow": 1}, ("ratio", 1.15), "send"),
    Row("UDP sendto, to a confined socket", ["net_bench", "-c", "send"], 12800,
        {"network.send": 10, "network.flow": 1}),
    Row("UDP sendto, 250 destinations", ["net_bench", "-c", "send-many", "given"], 6400,
        {"network.send": every, "network.flow": 1}, None, "send-many", ahead=False),  # worst case
    Row("UDP send, connected", ["net_bench", "-c", "send-connected", "given"], 12800,
        {"network.connect": 1, "network.flow": 1}, ("ratio", 1.15), "send-connected"),
    Row("TCP connect and close", ["net_bench", "-c", "connect", "given"], 3200,
        {"network.connect": every, "network.flow": every}, ("ratio", 1.10), "connect"),
    Row("TCP connect, to a confined socket", ["net_bench", "-c", "connect"], 3200,
        {"network.connect": every, "network.flow": every}),
    Row("TCP stream", ["stream_bench"], 1000, {"network.connect": 1, "network.flow": 1},
        ("ratio", 0.97, ">="), "connect", STREAM_GB),
    Row("TCP stream, by processor time", ["stream_bench", "-c", "one"], 1000,
        {"network.connect": 1, "network.flow": 1}, None, "connect", STREAM_GB),
]


class Variant:
    """One way of running a benchmark program: its figures by row, and its records."""

    def __init__(self, name, run, weir=None, table=None):
        self.name, self.run, self.weir, self.table = name, run, weir, table
        self.figures = collections.defaultdict(list)
        self.tries, self.written, self.lost = (collections.Counter() for _ in range(3))

    def round(self, row):
        figure, = self.run(row).values()
        self.figures[row.title].append(row.figure(figure["ns"]))
        if not self.weir:
            return
        operations = row.count * (SAMPLES + figure["warmup"])
        written, lost = self.weir.records()
        for kind, number in row.records.items():
            tries = number(operations) if callable(number) else number
            if tries != written[kind] + lost[kind]:
                raise RuntimeError(f"{row.title}, {self.name}: {tries} times {kind}, "
                                   f"{written[kind]} recorded, {lost[kind]} lost")
            self.tries[row.title] += tries
            self.written[row.title] += written[kind]
            self.lost[row.title] += lost[kind]


def bare(row):
    return measured(row.command(*AS_USER))


def empty(row):
    """While programs that do nothing are attached: what the kernel takes for calling them."""
    return measured(row.command(BIN / "empty_run", cgroup2(), *AS_USER))


def beside(weir):
    """Runs a program under no policy while weir confines another."""
    def run(row):
        with weir.held():
            return bare(row)
    return run


def under(weir):
    def run(row):
        weir.log.unlink(missing_ok=True)
        return measured(row.command(*weir.command()))
    return run


def filtered(table):
    """By nftables, with its log read meanwhile."""
    def run(row):
        with table.read():
            return measured(table.within(*row.command(*table.cgroup.command(*AS_USER))))
    return run


def weir_name(count):
    return f"weir, {count:,}"


def nft_name(count):
    return f"nftables, {count:,}"


NFT_REMEMBERED = f"{nft_name(SIZES[-1])}, flows remembered"


def nft_variants(report, stack):
    """Of those that nftables can be had for here."""
    wanted = [(nft_name(count), count, nft.CHECKED) for count in SIZES]
    wanted.append((NFT_REMEMBERED, SIZES[-1], nft.REMEMBERED))
    made = []
    try:
        cgroup = stack.enter_context(nft.Cgroup())
        for name, count, confined in wanted:
            table = nft.Nft(cgroup, count, confined)
            stack.callback(table.close)
            made.append(Variant(name, filtered(table), table=table))
    except (OSError, RuntimeError) as error:
        report.skip(wanted[len(made)][0], str(error))
    return made


def variants(report, folder, stack):
    weirs = [Weir(folder, policies.addresses(count), WITHOUT) for count in SIZES]
    return [Variant("bare", bare), Variant("empty programs", empty),
            Variant("weir loaded, no policy", beside(weirs[0])),
            *[Variant(weir_name(count), under(weir), weir)
              for count, weir in zip(SIZES, weirs)],
            *nft_variants(report, stack)]


def ratio(row, variant, base):
    return round(statistics.median(one / other for one, other in zip(
        variant.figures[row.title], base.figures[row.title])), 3)


def row_add(report, row, made):
    base = made[0]
    for variant in made:
        figures, more = variant.figures[row.title], {}
        if variant is not base:
            more = {"base": statistics.median(base.figures[row.title]),
                    "ratio": ratio(row, variant, base)}
        if variant.weir:
            more.update(target=row.target, records=variant.tries[row.title],
                        lost=variant.lost[row.title])
        report.add(f"{row.title}: {variant.name}", statistics.median(figures),
                   "GB/s" if row.bytes_gb else "ns", least=min(figures), most=max(figures), **more)


def compare_add(report, row, made, one, other, limit):
    """One variant against another. limit: times as long at most, or as much at least; 0: any."""
    found = {variant.name: variant for variant in made}
    if one not in found or other not in found:
        return
    value = ratio(row, found[one], found[other])
    target = ("ratio", 1 / limit, ">=") if row.bytes_gb else ("ratio", limit)
    report.add(f"{row.title}: {one} / {other}", value, "times", ratio=value,
               target=target if limit else None)


def network_add(report, folder):
    with contextlib.ExitStack() as stack:
        made = variants(report, folder, stack)
        for row in ROWS:
            for number in range(ROUNDS):
                say(f"{row.title}: round {number + 1} of {ROUNDS}")
                for variant in made:
                    variant.round(row)
            row_add(report, row, made)
            compare_add(report, row, made, weir_name(SIZES[-1]), weir_name(SIZES[0]), FLAT_MAX)
            for count in SIZES:
                compare_add(report, row, made, weir_name(count), nft_name(count), row.ahead)
            compare_add(report, row, made, weir_name(SIZES[-1]), NFT_REMEMBERED, row.ahead)
            report.add(f"{row.title}: records lost",
                       sum(variant.lost[row.title] for variant in made),
                       f"of {sum(variant.tries[row.title] for variant in made):,}")
        for variant in made:
            if variant.table:
                report.add(f"{variant.name}: logged", variant.table.logged,
                           f"packets, {variant.table.lost} times no room")
