"""Calls functions in a child process that may crash or hang.

Compiled artifacts are machine code: a bug in one must fail one test, not the
run. The child stays alive between calls, so imports are paid once.
"""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

import multiprocessing
import signal
import traceback


class CallFailed(Exception):
    """The call raised, crashed its process or took too long."""


def _serve(connection):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        try:
            connection.send((True, function(*arguments)))
        except Exception as error:  # Reported to the caller, whatever it is.
            text = str(error) or traceback.format_exc(limit=1)
            connection.send((False, f"{type(error).__name__}: {text}"))


class Isolated:
    """One child process that runs module-level functions."""

    def __init__(self):
        self._context = multiprocessing.get_context("spawn")
        self._process = None
        self._connection = None

    def _start(self):
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=_serve, args=(theirs,), daemon=True
        )
        self._process.start()
        theirs.close()

    def close(self):
        if self._process is None:
            return
        self._connection.close()
        self._process.join(timeout=2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process = None

    def call(self, function, *arguments, timeout=60):
        """function(*arguments) in the child; raises CallFailed if it fails."""
        if self._process is None:
            self._start()
        try:
            self._connection.send((function, arguments))
            if not self._connection.poll(timeout):
                self._process.kill()
                self.close()
                raise CallFailed(f"timed out after {timeout} s")
            succeeded, value = self._connection.recv()
        except (EOFError, ConnectionError, BrokenPipeError):
            self._process.join()
            code = self._process.exitcode
            self.close()
            name = signal.Signals(-code).name if code and code < 0 else f"status {code}"
            raise CallFailed(f"crashed: {name}") from None
        if not succeeded:
            raise CallFailed(value)
        return value

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
