"""The rules run on several threads at once: each gets the same findings, whatever the others parse."""

import gc
import threading
import time

from audit8.audit.rules.python_checks import check_python

CODE = "def run(name):\n    use(hashlib.md5(password), [x for x in range(3)])\n" * 20


class Cyclic:
    """Garbage that runs Python code when it is collected, in the middle of whatever runs then."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0)


def test_threads_that_parse_at_once_do_not_fail_each_other() -> None:
    alone = check_python(CODE)
    seen: list[object] = []
    until_s = time.monotonic() + 1.5

    def parse() -> None:
        while time.monotonic() < until_s:
            Cyclic()
            try:
                if (found := check_python(CODE)) != alone:
                    seen.append(found)
            except SystemError as error:
                seen.append(error)

    before = gc.get_threshold()
    gc.set_threshold(50)
    try:
        threads = [threading.Thread(target=parse) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*before)
    assert alone
    assert seen == []
