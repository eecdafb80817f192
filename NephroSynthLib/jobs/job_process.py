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

from NephroSynthLib.errors import NephroSynthError
from NephroSynthLib.jobs.conversation import Conversation, Message, WorkerTrace, as_line, worker_environment

WORKER = (sys.executable, "-m", "NephroSynthLib.jobs.worker")
CANCEL_WITHIN_S = 0.7

__all__ = ["CANCEL_WITHIN_S", "WORKER", "JobProcess", "Message", "WorkerTrace"]


class JobProcess:
    """Runs one job in a worker process. Use it as a context manager, so that no process or file of the job remains.

    Args:
        command: The job, such as `run`.
        arguments: The arguments of the job, as JSON.
        log: Called with each line that the worker or its libraries write to standard error.
        program: The command line of the worker.
    """

    def __init__(
        self,
        command: str,
        arguments: dict[str, Any],
        log: Callable[[str], None] = lambda line: None,
        program: Sequence[str] = WORKER,
    ) -> None:
        self._conversation = Conversation()
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

    def cancel(self) -> Message | None:
        """Ends the job within a second.

        Returns:
            The result if the job succeeded before it could be stopped; None if it was stopped.
        """
        killer = threading.Timer(CANCEL_WITHIN_S, self._kill)
        killer.start()
        self._tell({"type": "cancel"})
        with _no_interrupt():
            try:
                return next((message for message in self.messages() if message["type"] == "result"), None)
            except NephroSynthError:
                return None
            finally:
                killer.cancel()
                self._end()

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
        with _no_interrupt():
            with contextlib.suppress(BrokenPipeError):
                self._input.close()  # the worker takes this as its parent's death
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=CANCEL_WITHIN_S)
            self._kill()
            self._process.wait()
            self._output.close()
            self._logger.join(timeout=1)
            self._conversation.clean_up()


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Ignores Ctrl-C during the block, so that a second one does not interrupt the cleanup after the first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
