"""start_optimized_server.sh, run for real; only pip, nvidia-smi and the server are stand-ins."""

import json
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.launcher.conftest import Launcher

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the .sh is for Linux and macOS")

PLAIN = ["install", "--retries", "2", "--requirement"]
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
MIRROR = "https://pypi.tuna.tsinghua.edu.cn/simple"


def stamp(launcher: Launcher) -> Path:
    return launcher.folder / ".venv" / "audit8-installed.json"


def has_gpu(launcher: Launcher, driver: str = "580.65.06", cuda: str = "13.0", capability: str = "8.9") -> None:
    header = f"| NVIDIA-SMI {driver}   Driver Version: {driver}   CUDA Version: {cuda} |"
    launcher.command("nvidia-smi", f'if [ $# -eq 0 ]; then echo "{header}"; else echo "{capability}"; fi')


def test_a_fresh_clone_is_set_up_and_served(fresh: Launcher) -> None:
    done = fresh.start("--port", "9000", "--model", "my model/模型", "")
    assert done.returncode == 0, done.stderr
    assert fresh.server["arguments"] == ["--port", "9000", "--model", "my model/模型", ""]
    assert fresh.server["folder"] == str(fresh.folder)
    assert fresh.server["prefix"] == str(fresh.folder / ".venv")
    assert fresh.pip_calls[-1] == [*PLAIN, str(fresh.folder / "requirements.txt")]
    assert set(json.loads(stamp(fresh).read_text())) == {"requirements.txt", "torch"}


def test_the_second_start_installs_nothing_and_is_quick(installed: Launcher) -> None:
    began = time.perf_counter()
    done = installed.start("--lang", "zh")
    assert done.returncode == 0
    assert installed.pip_calls == []
    assert done.stdout == ""
    assert installed.server["arguments"] == ["--lang", "zh"]
    assert time.perf_counter() - began < 10


def test_changed_requirements_are_installed(installed: Launcher) -> None:
    with (installed.folder / "requirements.txt").open("a") as file:
        file.write("another\n")
    assert installed.start().returncode == 0
    assert installed.pip_calls[-1] == [*PLAIN, str(installed.folder / "requirements.txt")]
    installed.pip_log.unlink()
    assert installed.start().returncode == 0
    assert installed.pip_calls == []


def test_no_python_says_where_to_get_one(fresh: Launcher) -> None:
    fresh.commands.joinpath("python3").unlink()
    done = fresh.start()
    assert done.returncode == 1
    assert "3.11 to 3.14" in done.stderr
    assert "https://www.python.org/downloads/" in done.stderr
    assert not (fresh.folder / ".venv").exists()


def test_an_old_python_is_passed_over_for_a_later_one(launcher: Launcher) -> None:
    shutil.rmtree(launcher.folder / ".venv" / "bin")
    launcher.command("python3.13", "exit 1")
    launcher.command("python3.11", "echo 'pyenv: command not found' >&2; exit 127")
    assert launcher.start().returncode == 0


def test_a_broken_venv_is_made_again_with_a_word(installed: Launcher) -> None:
    python = installed.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    done = installed.start()
    assert done.returncode == 0, done.stderr
    assert "is broken" in done.stdout
    assert installed.pip_calls, "the stamp of the broken environment must not count"
    assert installed.server["prefix"] == str(installed.folder / ".venv")


def test_the_mirror_is_tried_when_the_index_fails(launcher: Launcher) -> None:
    launcher.environ |= {"FAKE_PIP_FAILS": "^(?!.*tuna)"}
    done = launcher.start()
    assert done.returncode == 0
    requirements = ["--requirement", str(launcher.folder / "requirements.txt")]
    assert launcher.pip_calls[-1] == ["install", "--index-url", MIRROR, *requirements]
    assert MIRROR in done.stdout


@pytest.mark.parametrize("key", [":env:.index-url", "global.index-url", "install.no-index"])
def test_an_index_that_the_user_chose_is_not_left(launcher: Launcher, key: str) -> None:
    launcher.environ |= {"FAKE_PIP_FAILS": "install", "FAKE_PIP_CONFIG": f"{key}='https://example.org/simple'"}
    assert launcher.start().returncode == 1
    assert not any(MIRROR in call for call in launcher.pip_calls)


def test_a_failed_install_is_not_marked_done(launcher: Launcher) -> None:
    launcher.environ |= {"FAKE_PIP_FAILS": "requirement"}
    done = launcher.start()
    assert done.returncode == 1
    assert "PIP_INDEX_URL" in done.stdout
    assert not stamp(launcher).exists()
    assert not (launcher.folder / "server.json").exists()
    del launcher.environ["FAKE_PIP_FAILS"]
    assert launcher.start().returncode == 0
    assert stamp(launcher).exists()


def test_a_failed_update_is_not_marked_done(installed: Launcher) -> None:
    with (installed.folder / "requirements.txt").open("a") as file:
        file.write("another\n")
    installed.environ |= {"FAKE_PIP_FAILS": "install"}
    assert installed.start().returncode == 1
    assert not stamp(installed).exists()


def test_linux_without_a_gpu_takes_the_small_torch_or_else_the_plain_one(launcher: Launcher) -> None:
    if sys.platform != "linux":
        pytest.skip("macOS has one torch")
    launcher.environ |= {"FAKE_PIP_FAILS": "pytorch"}
    assert launcher.start().returncode == 0
    first, second = launcher.pip_calls
    assert CPU_INDEX in first
    assert first[-1].startswith("torch>=")
    assert second[:4] == PLAIN


def test_a_configured_pip_decides_where_torch_comes_from(launcher: Launcher) -> None:
    launcher.environ |= {"FAKE_PIP_CONFIG": "global.find-links='/wheels'"}
    assert launcher.start().returncode == 0
    assert [call[:4] for call in launcher.pip_calls] == [PLAIN]


def test_an_nvidia_gpu_takes_the_build_of_its_driver(launcher: Launcher) -> None:
    has_gpu(launcher, driver="552.22", cuda="12.4")
    assert launcher.start().returncode == 0
    assert launcher.pip_calls[0][3:5] == ["--index-url", "https://download.pytorch.org/whl/cu126"]


def test_no_cpu_torch_is_put_on_a_gpu_machine_instead(launcher: Launcher) -> None:
    has_gpu(launcher, driver="552.22", cuda="12.4")
    launcher.environ |= {"FAKE_PIP_FAILS": "pytorch"}
    done = launcher.start()
    assert done.returncode == 1
    assert "TORCH_INDEX_URL" in done.stdout
    assert len(launcher.pip_calls) == 1


def test_a_gpu_that_arrives_later_replaces_the_cpu_torch(installed: Launcher) -> None:
    has_gpu(installed)
    assert installed.start().returncode == 0
    assert [call[0] for call in installed.pip_calls] == ["uninstall", "install"]
    installed.pip_log.unlink()
    assert installed.start().returncode == 0
    assert installed.pip_calls == []


def test_an_old_driver_is_told(launcher: Launcher) -> None:
    has_gpu(launcher, driver="470.14", cuda="11.4")
    done = launcher.start()
    assert done.returncode == 0
    assert "driver is too old" in done.stdout


@pytest.mark.parametrize(("said", "heard"), [(None, "true"), ("false", "false")])
def test_the_page_is_opened_unless_the_user_says_otherwise(installed: Launcher, said: str | None, heard: str) -> None:
    installed.environ |= {} if said is None else {"AUDIT8_OPEN_PAGE": said}
    assert installed.start().returncode == 0
    assert installed.server["open_page"] == heard


def test_messages_are_chinese_in_a_chinese_locale(launcher: Launcher) -> None:
    launcher.environ |= {"FAKE_PIP_FAILS": "requirement", "LC_ALL": "zh_CN.UTF-8", "PYTHONUTF8": "1"}
    assert "软件包安装失败" in launcher.start().stdout


@pytest.mark.parametrize("code", [1, 3, 98])
def test_the_exit_code_is_the_servers(installed: Launcher, code: int) -> None:
    """For example when the port is taken."""
    installed.environ |= {"FAKE_SERVER_EXIT": str(code)}
    assert installed.start().returncode == code
