"""A worker process from the view of its parent: its messages, its end, and the removal of its temporary data."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import IO, Any

from NephroSynthLib.errors import Cancelled, NephroSynthError
from NephroSynthLib.jobs.conversation import Conversation, Message, WorkerTrace, as_line, worker_environment
from NephroSynthLib.progress import AT_ONCE, Ending

WORKER = (sys.executable, "-m", "NephroSynthLib.jobs.worker")
KILL_AFTER_S = 0.4
"""Seconds after a job's own time to end, before its process is killed."""

__all__ = ["KILL_AFTER_S", "WORKER", "JobProcess", "Message", "WorkerTrace"]


class JobProcess:
    """Runs one job in a worker process. Use it as a context manager, so that no process or file of the job remains.

    Args:
        command: The job, such as `run`.
        arguments: The arguments of the job, as JSON.
        log: Called with each line that the worker or its libraries write to standard error.
        ending: The end of the job when it is cancelled.
        program: The command line of the worker.
    """

    def __init__(
        self,
        command: str,
        arguments: dict[str, Any],
        log: Callable[[str], None] = lambda line: None,
        *,
        ending: Ending = AT_ONCE,
        program: Sequence[str] = WORKER,
    ) -> None:
        self._conversation = Conversation()
        self._ending = ending
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            program,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, **worker_environment()},
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._input, self._output = self._process.stdin, self._process.stdout
        self._logger = threading.Thread(target=self._read_log, args=(self._process.stderr, log), daemon=True)
        self._logger.start()
        self._tell({"command": command, "arguments": arguments})

    def __enter__(self) -> JobProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def messages(self) -> Iterator[Message]:
        """Yields the messages of the worker up to its result.

        Raises:
            NephroSynthError: The job's error, of its own class.
            ResourceError: If the system killed the process.
            WorkerError: If the process ended without a result or spoke another protocol.
        """
        for line in self._output:
            message = self._conversation.hear(line)
            if message is not None:
                yield message
                if message["type"] == "result":
                    return
        raise self._died()

    def cancel(self) -> Message:
        """Ends the job within its grace, a second for most; a second Ctrl-C ends it at once.

        Returns:
            The result if the job succeeded before it could be stopped.

        Raises:
            Cancelled: It was stopped. The message names the work that is kept.
        """
        killer = threading.Timer(self._ending.grace_s + KILL_AFTER_S, self._kill)
        killer.start()
        self._tell({"type": "cancel"})
        with _on_interrupt(self._kill):
            try:
                for message in self.messages():
                    if message["type"] == "result":
                        return message
            except Cancelled:
                raise
            except NephroSynthError:
                pass  # it was killed, or failed while it ended
            finally:
                killer.cancel()
                self._end()
        raise Cancelled(self._ending.kept)

    def _tell(self, message: Message) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._input.write(as_line(message))
            self._input.flush()

    def _read_log(self, stream: IO[bytes], log: Callable[[str], None]) -> None:
        for raw in stream:
            log(self._conversation.log(raw))

    def _died(self) -> NephroSynthError:
        status = self._process.wait()
        self._logger.join(timeout=1)
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return self._conversation.why_it_died(how, killed=status == -9)

    def _kill(self) -> None:
        """Kills the worker and the processes that it started."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def _end(self) -> None:
        with _on_interrupt(self._kill):
            with contextlib.suppress(BrokenPipeError):
                self._input.close()  # the worker takes this as its parent's death
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=AT_ONCE.grace_s + KILL_AFTER_S)
            self._kill()
            self._process.wait()
            self._output.close()
            self._logger.join(timeout=1)
            self._conversation.clean_up()


@contextlib.contextmanager
def _on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Answers Ctrl-C by `act` during the block, so that a second one does not interrupt the end after the first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
