"""Jobs: the work on one host, done in an executor's worker."""

from runner.jobs.jobs import CommandFailed, CommandJob, FunctionJob, Job, Session, perform, unwrapped

__all__ = ["CommandFailed", "CommandJob", "FunctionJob", "Job", "Session", "perform", "unwrapped"]
