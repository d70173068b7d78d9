"""Every sentence of the report and of the warnings, in Chinese and English, in one table.

Rules carry their own words (rules/); the classes' names are in classes.py. A test compares keys and placeholders.
"""

from audit8.types import Lang

TEXTS: dict[str, dict[Lang, str]] = {
    "report_title": {"en": "Code security audit", "zh": "代码安全审计报告"},
    "risk_level": {"en": "Risk level", "zh": "风险等级"},
    "summary": {"en": "Summary", "zh": "摘要"},
    "findings": {"en": "Findings", "zh": "发现的问题"},
    "demonstration": {
        "en": "Demonstration: what the pocket model said (does not count)",
        "zh": "演示：口袋模型的输出（不计入结论）",
    },
    "demonstration_note": {
        "en": "The pocket model is far too small to judge code. These lines exist, but the claims about them are only "
        "a demonstration: they are not part of the risk level and should not be acted on.",
        "zh": "口袋模型太小，无法判断代码。下列代码行真实存在，但对它们的说法仅作演示："
        "不计入风险等级，也不应据此采取行动。",
    },
    "none_found": {
        "en": "No finding. That is not a proof that the code is safe: see below what was read, and by what.",
        "zh": "没有发现问题。这并不证明代码是安全的：读了哪些行、由什么读的，见下文。",
    },
    "counted": {
        "en": "{count} finding(s) in {files} file(s), {lines} lines: {by_severity}.",
        "zh": "{files} 个文件、{lines} 行代码中共有 {count} 个问题：{by_severity}。",
    },
    "filtered": {
        "en": "{count} claim(s) were filtered out because they did not stand up to the checks:",
        "zh": "{count} 条说法未通过检查，已被过滤：",
    },
    "more_filtered": {"en": "{count} more in the JSON answer.", "zh": "其余 {count} 条见 JSON 结果。"},
    "more_findings": {
        "en": "{count} more finding(s), the least severe ones, are in the JSON answer only.",
        "zh": "另有 {count} 个较轻的问题只列在 JSON 结果中。",
    },
    "place": {"en": "Place", "zh": "位置"},
    "severity": {"en": "Severity", "zh": "严重程度"},
    "confidence": {"en": "Confidence", "zh": "置信度"},
    "found_by": {"en": "Found by", "zh": "来源"},
    "by_rule": {"en": "static rule", "zh": "静态规则"},
    "by_model": {"en": "the model", "zh": "模型"},
    "why": {"en": "Why", "zh": "原因"},
    "fix": {"en": "Fix", "zh": "修复"},
    "coverage": {"en": "What was read", "zh": "审计范围"},
    "read_whole": {"en": "the model read all {total} lines", "zh": "模型读了全部 {total} 行"},
    "read_part": {
        "en": "the model read {read} of {total} lines ({ranges}); not read whole: {missing}",
        "zh": "模型读了 {total} 行中的 {read} 行（{ranges}）；未完整读取：{missing}",
    },
    "read_nothing": {
        "en": "the model read none of the {total} lines",
        "zh": "{total} 行中模型一行也没有读",
    },
    "rules_read_all": {
        "en": "The static rules read every given line of every file.",
        "zh": "静态规则读了每个文件中给出的每一行。",
    },
    "lines": {"en": "lines", "zh": "行"},
    "about": {"en": "How it was made", "zh": "运行信息"},
    "model": {"en": "Model", "zh": "模型"},
    "device": {"en": "Device", "zh": "设备"},
    "time": {"en": "Time", "zh": "用时"},
    "time_parts": {
        "en": "{total} s (queued {queued} s, prefill {prefill} s, decode {decode} s, {speed} tokens/s)",
        "zh": "{total} 秒（排队 {queued} 秒，预填充 {prefill} 秒，解码 {decode} 秒，{speed} tokens/秒）",
    },
    "tokens": {"en": "Tokens", "zh": "Token 数"},
    "token_parts": {"en": "{prompt} in, {completion} out", "zh": "输入 {prompt}，输出 {completion}"},
    "warnings": {"en": "Warnings", "zh": "警告"},
    "pasted": {"en": "pasted code", "zh": "粘贴的代码"},
    "critical": {"en": "critical", "zh": "严重"},
    "high": {"en": "high", "zh": "高"},
    "medium": {"en": "medium", "zh": "中"},
    "low": {"en": "low", "zh": "低"},
    "info": {"en": "info", "zh": "提示"},
    "none": {"en": "none", "zh": "无"},
    "comma": {"en": ", ", "zh": "、"},
    "colon": {"en": ": ", "zh": "："},
    # Why a claim was filtered out.
    "no_such_line": {
        "en": "line {line} is not among the lines that were shown ({first}-{last})",
        "zh": "第 {line} 行不在所展示的代码中（{first}-{last} 行）",
    },
    "no_code_there": {
        "en": "line {line} is blank or only a comment",
        "zh": "第 {line} 行是空行或只有注释",
    },
    "outside_change": {"en": "outside the change", "zh": "不在改动的行内"},
    # Warnings about a source.
    "unknown_language": {
        "en": "Unknown language '{given}' for {name}: detected {detected}.",
        "zh": "{name} 的语言“{given}”无法识别：按检测结果 {detected} 处理。",
    },
    "decoded_as": {"en": "{name} was read as {encoding}.", "zh": "{name} 按 {encoding} 编码读取。"},
    "surrogates": {
        "en": "{name} contains halves of Unicode characters; they were replaced.",
        "zh": "{name} 含有残缺的 Unicode 字符，已替换。",
    },
    "long_line": {
        "en": "Line {line} of {name} is too long to be shown to the model whole; only its ends were.",
        "zh": "{name} 第 {line} 行太长，无法完整交给模型，只展示了首尾。",
    },
}


def words(key: str, lang: Lang, **values: str | int) -> str:
    """The sentence `key` in `lang`, its placeholders filled."""
    return TEXTS[key][lang].format(**values)
