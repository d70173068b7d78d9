"""Why a model was chosen, in the user's language."""

from audit8.types import Lang

WHY: dict[Lang, dict[str, str]] = {
    "en": {
        "folder": "the folder that was asked for",
        "cached": "asked for by name; downloaded earlier from {origin}",
        "fetched": "asked for by name; from {origin}",
        "found": "found in ./model/",
        "found_of": "the largest that fits of those in ./model/; also there: {others}; choose with --model",
        "skipped": "not usable: {skipped}",
        "gpu_8bit": "fits this GPU in 8 bit ({free} GiB free)",
        "gpu_none": "fits this GPU in 16 bit ({free} GiB free)",
        "gpu_4bit": "fits this GPU in 4 bit ({free} GiB free)",
        "gpu_nf4": "in 4 bit (NF4), because 8 bit needs {needed} GiB and {free} GiB of the GPU are free",
        "gpu_small": "the 7B model needs {needed} GiB even so, and {free} GiB of the GPU are free",
        "cpu": "there is no CUDA GPU: the model that a CPU can still run",
        "earlier": "downloaded earlier; {wanted} cannot be downloaded now ({reasons})",
        "from": "from {origin}",
        "pocket": (
            "no model could be downloaded ({reasons}), so this is the pocket model: it is for trying the server, "
            "not for trusting its judgement; its findings are shown but do not count. Give a real model with --model"
        ),
        "pocket_ram": (
            "{free} GiB of memory are free and the smallest model for judging code needs {needed} GiB, so this is the "
            "pocket model: it is for trying the server, not for trusting its judgement; its findings are shown but do "
            "not count"
        ),
    },
    "zh": {
        "folder": "按指定的文件夹",
        "cached": "按指定的名称；之前已从 {origin} 下载",
        "fetched": "按指定的名称；来自 {origin}",
        "found": "在 ./model/ 中找到",
        "found_of": "./model/ 中放得下的最大的一个；其中还有：{others}；可用 --model 选择",
        "skipped": "无法使用：{skipped}",
        "gpu_8bit": "本机 GPU 可以 8-bit 运行（空闲 {free} GiB）",
        "gpu_none": "本机 GPU 可以 16-bit 运行（空闲 {free} GiB）",
        "gpu_4bit": "本机 GPU 可以 4-bit 运行（空闲 {free} GiB）",
        "gpu_nf4": "改用 4-bit（NF4），因为 8-bit 需要 {needed} GiB，而 GPU 只有 {free} GiB 空闲",
        "gpu_small": "7B 模型仍需 {needed} GiB，而 GPU 只有 {free} GiB 空闲",
        "cpu": "没有 CUDA GPU：选用 CPU 也能运行的模型",
        "earlier": "之前已下载；现在无法下载 {wanted}（{reasons}）",
        "from": "来自 {origin}",
        "pocket": (
            "没有可下载的模型（{reasons}），因此使用袖珍模型：它只用来试用本服务器，不要相信它的判断；"
            "它的发现会显示，但不计入风险等级。请用 --model 指定真正的模型"
        ),
        "pocket_ram": (
            "内存只有 {free} GiB 空闲，而能判断代码的最小模型需要 {needed} GiB，因此使用袖珍模型："
            "它只用来试用本服务器，不要相信它的判断；它的发现会显示，但不计入风险等级"
        ),
    },
}


def why(lang: Lang, key: str, **values: str) -> str:
    return WHY[lang][key].format(**values)


def joined(lang: Lang, *parts: str) -> str:
    return ("；" if lang == "zh" else "; ").join(part for part in parts if part)
