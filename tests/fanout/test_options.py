"""The options of a fan-out."""

from __future__ import annotations

import dataclasses

import pytest

from runner.fanout import FanoutOptions
from runner.settings import Settings
from runner.text.quantities import Share, Spread


def test_by_default_only_refused_logins_stop_a_run() -> None:
    options = FanoutOptions()
    unlimited = (options.rate, options.max_fail, options.spread, options.total_s, options.spare)
    assert unlimited == (None, None, None, None, None)
    assert options.batches == ()
    assert options.max_refused > 0


def test_by_default_hosts_are_pinged_and_no_job_is_repeated() -> None:
    options = FanoutOptions()
    assert options.ping
    assert not options.repeatable


def test_the_defaults_of_the_settings_are_those_of_the_options() -> None:
    """`spare` and the settings of the executor have their defaults in the settings alone."""
    settings = Settings().fanout()
    ours = dataclasses.replace(settings, spare=None, executor_settings={}, workers=FanoutOptions().workers)
    assert dataclasses.replace(ours, adaptive=False) == FanoutOptions()


def test_each_setting_of_the_fan_out_becomes_an_option() -> None:
    given = {
        "executor": "process", "workers": "7", "spare": "3", "scheduler": "tcp://127.0.0.1:1", "rate": "2",
        "serial": "1,50%", "max_fail": "4", "max_refused": "6", "no_ping": True, "order": "sorted",
        "seed": "9", "spread": "rack:2", "timeout_total": "8s", "repeatable": True,
    }  # fmt: skip
    assert Settings.resolve(given).fanout() == FanoutOptions(
        executor="process",
        workers=7,
        spare=Share(3),
        executor_settings={"scheduler": "tcp://127.0.0.1:1", "start_method": Settings().start_method},
        rate=2.0,
        batches=(Share(1), Share(50, percent=True)),
        max_fail=Share(4),
        max_refused=6,
        ping=False,
        order="sorted",
        seed=9,
        spread=Spread("rack", 2),
        total_s=8.0,
        repeatable=True,
    )


def test_the_options_of_a_run_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FanoutOptions().workers = 1  # type: ignore[misc]


def test_two_runs_share_no_settings_of_an_executor() -> None:
    assert FanoutOptions().executor_settings is not FanoutOptions().executor_settings
