"""Prints IC-Net's error against the change of a slice's intensity (ASCII, Jeong et al. 2023, section 4.2, figure 5).

    python Testing/Benchmarks/ic_net.py runs/ic-net/held-out --model runs/ic-net/ic-net.safetensors [--plot ic-net.png]

The folder holds cases that `nephrosynth train synthesis --method ic-net --out runs/ic-net` keeps for judging. The
intensity of each slice of the true nephrographic phase about its mean is changed by a factor, and clipped at the
window. IC-Net gets the changed slice and the true slice above it. The errors are mean absolute errors in HU, of the
changed and of the calibrated slice, within the window 400/50; the paper's window is [-150, 150] HU.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from NephroSynthLib.imaging.window import WIDTH_HU, to_window
from NephroSynthLib.methods.ic_net import IcNet
from NephroSynthLib.methods.ic_net_training import changed
from NephroSynthLib.models.bundle import load_bundle
from NephroSynthLib.training.scores import Mean, mean_over_exams

FACTORS = tuple(round(0.7 + 0.1 * index, 1) for index in range(7))


def main() -> None:
    """Prints the table, and writes the figure where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--slices", type=int, default=20, help="slices of each case, evenly spaced")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    method = IcNet.restore(load_bundle(arguments.model, "synthesis"), "cpu")
    pairs = list(_pairs(arguments.cases, arguments.slices))
    if not pairs:
        parser.error(f"{arguments.cases} holds no case")
    print(f"{len(pairs)} slices of {arguments.cases}; mean absolute error in HU with its 95 % interval\n")
    print("| factor | changed | calibrated |\n| --- | --- | --- |")
    rows = [(factor, *_errors(method, pairs, factor)) for factor in FACTORS]
    for factor, before, after in rows:
        print(f"| {factor} | {_in_words(before)} | {_in_words(after)} |")
    if arguments.plot:
        _plot(rows, arguments.plot)


def _pairs(folder: Path, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields slices and those above them, (1, 1, 1, y, x) each, in the window."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            volume = torch.from_numpy(to_window(arrays["nephrographic"].astype(np.float32)))
        for z in np.linspace(0, len(volume) - 2, min(count, len(volume) - 1)).round().astype(int):
            yield volume[z][None, None, None], volume[z + 1][None, None, None]


def _errors(method: IcNet, pairs: list[tuple[Tensor, Tensor]], factor: float) -> tuple[Mean, Mean]:
    before, after = [], []
    with torch.inference_mode():
        for image, above in pairs:
            given = changed(image, torch.tensor(factor)).clamp(-1, 1)
            calibrated = method.network(torch.cat([given, above], dim=1)).clamp(-1, 1)
            for errors, answer in ((before, given), (after, calibrated)):
                errors.append(float((answer - image).abs().mean()) * WIDTH_HU / 2)
    return mean_over_exams(before, None), mean_over_exams(after, None)


def _in_words(mean: Mean) -> str:
    return f"{mean.value:.2f} ({mean.low:.2f} to {mean.high:.2f})"


def _plot(rows: list[tuple[float, Mean, Mean]], path: Path) -> None:
    figure = Figure(figsize=(5.6, 3.6), dpi=130, layout="constrained")
    axes = FigureCanvasAgg(figure).figure.subplots()
    for label, column in (("changed", 1), ("calibrated", 2)):
        means = [row[column] for row in rows]
        values = [mean.value for mean in means]
        spread = [[mean.value - mean.low for mean in means], [mean.high - mean.value for mean in means]]
        axes.errorbar(FACTORS, values, spread, marker="o", capsize=2, lw=1, label=label)
    axes.set_xlabel("factor of the intensity about the mean of the slice")
    axes.set_ylabel("mean absolute error (HU)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
