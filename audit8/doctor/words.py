"""What the doctor says, in both languages. Data and one function."""

from audit8.types import Lang

MIRROR = "-i https://pypi.tuna.tsinghua.edu.cn/simple"

WORDS: dict[str, tuple[str, str]] = {
    # names
    "python": ("Python", "Python"),
    "driver": ("NVIDIA driver", "NVIDIA 驱动"),
    "torch": ("torch", "torch"),
    "memory": ("memory for a model", "模型可用内存"),
    "bitsandbytes": ("bitsandbytes", "bitsandbytes"),
    "triton": ("Triton", "Triton"),
    "disk": ("disk", "磁盘"),
    "model": ("model", "模型"),
    "network": ("where models come from", "模型来源"),
    "port": ("port", "端口"),
    "history": ("history", "历史记录"),
    "sysmem": ("driver's memory setting", "驱动的内存设置"),
    # states
    "ok": ("ok", "正常"),
    "warn": ("note", "注意"),
    "fail": ("FAIL", "失败"),
    # python
    "python_found": ("{version}, {bits}-bit, {system}", "{version}，{bits} 位，{system}"),
    "python_fix": (
        "Install 64-bit Python 3.11 to 3.14 from https://www.python.org/downloads/, delete .venv and start again.",
        "请从 https://www.python.org/downloads/ 安装 64 位 Python 3.11 至 3.14，删除 .venv 后重新启动。",
    ),
    # driver
    "driver_found": ("{version}; {gpus}", "{version}；{gpus}"),
    "driver_none": ("there is no NVIDIA GPU: the CPU is used", "没有 NVIDIA GPU：使用 CPU"),
    "driver_none_fix": (
        "It works, only much slower and with a smaller model.",
        "可以运行，但速度慢得多，且只能用较小的模型。",
    ),
    "driver_silent": (
        "an NVIDIA card is there, but nvidia-smi does not answer",
        "有 NVIDIA 显卡，但 nvidia-smi 无响应",
    ),
    "driver_silent_fix": (
        "Install or repair the driver (https://www.nvidia.com/drivers, version 580 or newer), then restart.",
        "请安装或修复驱动（https://www.nvidia.com/drivers，建议 580 以上），然后重启电脑。",
    ),
    "driver_old_fix": (
        "Install version 525 or newer (580 is best): https://www.nvidia.com/drivers",
        "请安装 525 或更新的版本（建议 580 以上）：https://www.nvidia.com/drivers",
    ),
    "driver_580_note": (
        "Version 580 or newer serves CUDA 13, which the newest kernels are built for.",
        "580 及以上版本支持 CUDA 13，最新的内核以它编译。",
    ),
    # torch
    "torch_found": ("{version}, CUDA {cuda}, {gpu}", "{version}，CUDA {cuda}，{gpu}"),
    "torch_cpu": ("{version}, for the CPU", "{version}，CPU 版"),
    "torch_cpu_wrong": (
        "{version} is built for the CPU, and there is an NVIDIA GPU",
        "{version} 是 CPU 版，而这台机器有 NVIDIA GPU",
    ),
    "torch_blind": ("{version}, CUDA {cuda}, sees no GPU", "{version}，CUDA {cuda}，看不到 GPU"),
    "torch_blind_fix": (
        "Is CUDA_VISIBLE_DEVICES set? Else the driver is too old for this build: update it, or run  {command}",
        "是否设置了 CUDA_VISIBLE_DEVICES？否则是驱动对该版本过旧：请更新驱动，或运行  {command}",
    ),
    "torch_missing": ("is not installed", "未安装"),
    "torch_missing_fix": (
        "Run the start script, which installs it, or  {command}",
        "请运行启动脚本（会自动安装），或运行  {command}",
    ),
    "torch_broken": ("cannot be loaded ({why})", "无法加载（{why}）"),
    "torch_broken_fix": (
        "Install it again:  {command}   On Windows it also needs the Visual C++ runtime: "
        "https://aka.ms/vs/17/release/vc_redist.x64.exe",
        "请重新安装：{command}   在 Windows 上还需要 Visual C++ 运行库：https://aka.ms/vs/17/release/vc_redist.x64.exe",
    ),
    "run": ("Run  {command}", "请运行  {command}"),
    "not_tried": ("not tried: torch does not work", "未测试：torch 不可用"),
    # memory
    "memory_gpu": ("{free} of {total} GiB of {gpu} are free", "{gpu} 共 {total} GiB，空闲 {free} GiB"),
    "memory_cpu": ("{free} GiB of main memory are free", "内存空闲 {free} GiB"),
    "memory_fits": ("; room for {model} in {quant}", "；可运行 {quant} 的 {model}"),
    "memory_none_gpu_fix": (
        "The smallest model needs {needed} GiB: close other programs that use the GPU.",
        "最小的模型需要 {needed} GiB：请关闭其他占用 GPU 的程序。",
    ),
    "memory_none_cpu_fix": (
        "The 1.5B model needs {needed} GiB; without them the pocket model runs, which cannot judge code.",
        "1.5B 模型需要 {needed} GiB；不足时只能运行袖珍模型，它无法判断代码。",
    ),
    "memory_small_fix": (
        "{model} in 8 bit needs {needed} GiB: close other programs that use the GPU.",
        "8 位的 {model} 需要 {needed} GiB：可关闭其他占用 GPU 的程序。",
    ),
    "memory_unknown": ("not known: torch does not work", "未知：torch 不可用"),
    # bitsandbytes, triton
    "works": ("{version}; a small int8 product on {device} is right", "{version}；在 {device} 上的小型 int8 乘法正确"),
    "broken": ("does not work ({why})", "无法工作（{why}）"),
    "bitsandbytes_fix": (
        "Run  {command}   (from a mirror: add " + MIRROR + "). Until then: --quant none, if the GPU is large enough.",
        "请运行  {command}   （镜像：加上 " + MIRROR + "）。在此之前如显存足够可用 --quant none。",
    ),
    "triton_none": ("not needed without an NVIDIA GPU", "没有 NVIDIA GPU 时不需要"),
    "triton_fix": (
        "The server runs without it, some 30 times slower. Run  {command}",
        "没有它服务器也能运行，但慢约 30 倍。请运行  {command}",
    ),
    "triton_old": ("{why}", "{why}"),
    # disk
    "disk_found": ("{free} GiB are free for models ({folder})", "模型目录 {folder} 所在磁盘空闲 {free} GiB"),
    "disk_cache": (", {free} GiB for the cache ({folder})", "，缓存目录 {folder} 所在磁盘空闲 {free} GiB"),
    "disk_fix": (
        "A 7B model is 15 GiB and its 8-bit copy 8 GiB more: free some space, or keep them elsewhere "
        "(HF_HOME, MODELSCOPE_CACHE, --cache-dir, --no-quantised-cache).",
        "7B 模型约 15 GiB，8 位副本另需 8 GiB：请清理磁盘，或改变存放位置"
        "（HF_HOME、MODELSCOPE_CACHE、--cache-dir、--no-quantised-cache）。",
    ),
    # model
    "model_folder": ("{folder} is whole", "{folder} 完整"),
    "model_none": ("none in ./model/: one is downloaded at the first start", "./model/ 中没有模型：首次启动时会下载"),
    "model_named": ("{model} is downloaded if it is not here yet", "{model}（如尚未下载则会下载）"),
    "model_broken": ("{why}", "{why}"),
    # network
    "network_offline": ("not asked (--offline)", "未检查（--offline）"),
    "network_found": ("{places}", "{places}"),
    "network_yes": ("{place} answers", "{place} 可访问"),
    "network_no": ("{place} does not ({why})", "{place} 无法访问（{why}）"),
    "network_fix": (
        "Set HTTPS_PROXY, or HF_ENDPOINT to a mirror of the Hub, or put a model folder under ./model/.",
        "请设置 HTTPS_PROXY，或把 HF_ENDPOINT 设为 Hub 的镜像，或把模型文件夹放到 ./model/ 下。",
    ),
    # port, history, sysmem
    "port_free": ("{port} on {host} is free", "{host} 的 {port} 端口空闲"),
    "history_on": ("kept in {file}", "保存在 {file}"),
    "history_off": ("none is kept", "不保存"),
    "history_fail": ("{file} cannot be used ({why})", "{file} 无法使用（{why}）"),
    "history_fix": (
        "Audits run without it. Name another file with --history-file, or switch it off with --no-history.",
        "没有它也能审计。可用 --history-file 指定其他文件，或用 --no-history 关闭。",
    ),
    "sysmem_found": (
        "Windows' driver may move a full GPU's memory to main memory without a word, which is very slow",
        "显存用满时，Windows 驱动可能不声不响地改用系统内存，速度会非常慢",
    ),
    "sysmem_fix": (
        "The server limits itself so that this does not happen to it. To switch it off: NVIDIA Control Panel > "
        "Manage 3D settings > CUDA - Sysmem Fallback Policy > Prefer No Sysmem Fallback.",
        "服务器会限制自身用量以避免这种情况。要彻底关闭：NVIDIA 控制面板 > 管理 3D 设置 > "
        "CUDA - 系统内存回退策略 > 偏好无系统内存回退。",
    ),
    # the end
    "all_well": ("Nothing stands in the way.", "一切就绪。"),
    "not_well": ("{count} of these must be put right first.", "有 {count} 项需要先解决。"),
}


def say(lang: Lang, key: str, **values: str | int) -> str:
    return WORDS[key][lang == "zh"].format(**values)
