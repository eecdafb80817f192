from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from NephroSynthLib.methods.method import TrainingPlan
from NephroSynthLib.training.order import TrainingOrder


def test_the_command_of_an_order_names_all_that_makes_its_result() -> None:
    order = TrainingOrder("synthesis", Path("runs/a"), steps=5, exams=6, seed=7, batch_size=2, learning_rate=3e-4)
    command = (
        "nephrosynth train synthesis --method dssnict --out a --steps 5 --exams 6 --seed 7 --batch-size 2"
        " --learning-rate 0.0003"
    )
    assert order.command == command
    assert "--method" not in TrainingOrder("segmentation", Path("a")).command
    assert "train generation --method mt-ddpm --out a" in TrainingOrder("generation", Path("a")).command
    assert (order.plan.steps, order.plan.batch_size, order.plan.learning_rate, order.plan.seed) == (5, 2, 3e-4, 7)


def test_a_short_training_warms_up_and_averages_over_a_tenth_of_its_steps() -> None:
    short, long = (TrainingOrder("synthesis", Path("a"), steps=steps).plan for steps in (600, 20_000))
    assert (short.warm_up, short.decay) == (60, 1 - 1 / 60)
    assert (long.warm_up, long.decay) == (TrainingPlan.warm_up, TrainingPlan.decay)
    assert TrainingOrder("synthesis", Path("a"), steps=1).plan.decay == 0.0


def test_the_command_names_the_start_without_its_folder_and_quotes_spaces() -> None:
    order = TrainingOrder("segmentation", Path("a"), start_from="/home/jane/old one.safetensors", name="new one")
    order = replace(order, anatomies=Path("/home/jane/maps"))
    assert order.command.endswith(" --anatomies maps --start-from 'old one.safetensors' --name 'new one'")


def test_the_bundle_has_the_name_of_its_folder_or_its_own() -> None:
    assert TrainingOrder("synthesis", Path("runs/mine")).bundle == Path("runs/mine/mine.safetensors")
    assert TrainingOrder("synthesis", Path("runs/mine"), name="x").bundle == Path("runs/mine/x.safetensors")
