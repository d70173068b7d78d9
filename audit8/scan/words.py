"""What `audit8 scan` says on its own, in the user's language; the sentences of reports are audit/texts.py's."""

from audit8.types import Lang

WORDS: dict[str, dict[Lang, str]] = {
    "rules": {"en": "static rules", "zh": "静态规则"},
    "queued": {"en": "waiting for the model", "zh": "等待模型"},
    "model": {"en": "model", "zh": "模型"},
    "judge": {"en": "judge", "zh": "评判"},
    "texts": {"en": "explanations", "zh": "撰写说明"},
    "report": {"en": "report", "zh": "生成报告"},
    "choosing": {"en": "choosing a model", "zh": "选择模型"},
    "downloading": {"en": "downloading the model", "zh": "下载模型"},
    "converting": {"en": "converting the model", "zh": "转换模型"},
    "loading": {"en": "loading the model", "zh": "加载模型"},
    "warming": {"en": "warming up", "zh": "预热"},
    "ready": {"en": "the model is ready", "zh": "模型就绪"},
    "findings": {"en": "findings: {count}", "zh": "问题：{count}"},
    "speed": {"en": "{count} tokens/s", "zh": "{count} tokens/秒"},
    "elapsed": {"en": "{count} s", "zh": "{count} 秒"},
    "written": {"en": "The report is in {path}.", "zh": "报告已写入 {path}。"},
    "baseline_written": {
        "en": "The baseline {path} accepts {count} finding(s).",
        "zh": "基线文件 {path} 已接受 {count} 个问题。",
    },
    "accepted": {"en": "accepted when the baseline was written", "zh": "生成基线时接受"},
    "nothing": {"en": "There was no code to audit.", "zh": "没有可审计的代码。"},
    "interrupted": {
        "en": "Interrupted: the report holds what was known by then.",
        "zh": "已中断：报告为中断前的结果。",
    },
    "failed": {"en": "The audit ended early: {why}", "zh": "审计提前结束：{why}"},
    "files_left": {
        "en": "{count} of {total} files were not audited: {names}.",
        "zh": "{total} 个文件中有 {count} 个未审计：{names}。",
    },
    "steps_left": {
        "en": "Not finished: {stage}, with {done} of {total} steps done.",
        "zh": "未完成：{stage}，{total} 步中完成了 {done} 步。",
    },
    "read_unknown": {
        "en": "Which lines the model had read by then is not known; none is called read.",
        "zh": "无法得知模型此前读了哪些行，因此都不算已读。",
    },
    "unencrypted": {
        "en": "The code goes to {address} unencrypted; use https where others share the network.",
        "zh": "代码将以未加密方式发送到 {address}；网络上有他人时请使用 https。",
    },
    "summary": {
        "en": "risk: {risk}; {findings} finding(s) in {files} file(s), {lines} lines",
        "zh": "风险等级：{risk}；{files} 个文件、{lines} 行中有 {findings} 个问题",
    },
    "demonstration": {"en": "demonstration, does not count", "zh": "演示，不计入结论"},
    "suppressed": {"en": "suppressed", "zh": "已抑制"},
    "skipped": {"en": "not audited", "zh": "未审计"},
    "left_out": {"en": "left out", "zh": "未覆盖"},
    "warning": {"en": "warning", "zh": "警告"},
    "more": {"en": "{count} more", "zh": "另有 {count} 个"},
}


def say(key: str, lang: Lang, **values: str | int) -> str:
    return WORDS[key][lang].format(**values)
