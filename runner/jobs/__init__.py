"""What is done on one host, in a worker."""

from runner.jobs.jobs import CommandFailed, CommandJob, FunctionJob, Job, Session, perform, unwrapped

__all__ = ["CommandFailed", "CommandJob", "FunctionJob", "Job", "Session", "perform", "unwrapped"]
