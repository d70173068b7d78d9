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
    "verdict": {"en": "Verdict", "zh": "评判结论"},
    "verdict_exploitable": {"en": "exploitable", "zh": "可被利用"},
    "verdict_uncertain": {"en": "uncertain", "zh": "不确定"},
    "verdict_unjudged": {"en": "not judged", "zh": "未评判"},
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
    "read_by_rules": {"en": "the static rules read all {total} lines", "zh": "静态规则读了全部 {total} 行"},
    "lines": {"en": "lines", "zh": "行"},
    "about": {"en": "How it was made", "zh": "运行信息"},
    "model": {"en": "Model", "zh": "模型"},
    "no_model": {"en": "none: the static rules only", "zh": "无：只用静态规则"},
    "weights": {"en": "Weights", "zh": "权重"},
    "weights_8bit": {"en": "8 bit", "zh": "8 位"},
    "weights_4bit": {"en": "4 bit", "zh": "4 位"},
    "weights_none": {"en": "as they are, not quantised", "zh": "原样，未量化"},
    "device": {"en": "Device", "zh": "设备"},
    "arithmetic": {"en": "Arithmetic", "zh": "运算方式"},
    "budget": {"en": "Budget", "zh": "时间预算"},
    "seconds": {"en": "{count} s", "zh": "{count} 秒"},
    "no_budget": {"en": "none: as long as it takes", "zh": "无：不限时间"},
    "sent_to_label": {"en": "Privacy", "zh": "隐私"},
    "sent_to": {"en": "The code was sent to {address}.", "zh": "代码已发送到 {address}。"},
    "time": {"en": "Time", "zh": "用时"},
    "time_parts": {
        "en": "{total} s (queued {queued} s, prefill {prefill} s, decode {decode} s, {speed} tokens/s)",
        "zh": "{total} 秒（排队 {queued} 秒，预填充 {prefill} 秒，解码 {decode} 秒，{speed} tokens/秒）",
    },
    "tokens": {"en": "Tokens", "zh": "Token 数"},
    "token_parts": {"en": "{prompt} in, {completion} out", "zh": "输入 {prompt}，输出 {completion}"},
    "warnings": {"en": "Warnings", "zh": "警告"},
    "left_out": {"en": "What the budget had no room for", "zh": "时间预算未能覆盖的部分"},
    "suppressed": {
        "en": "Suppressed ({count}): accepted by you, not part of the risk level",
        "zh": "已抑制（{count} 个）：由您接受，不计入风险等级",
    },
    "suppressed_by_baseline": {"en": "by the baseline", "zh": "由基线文件"},
    "suppressed_by_comment": {"en": "by a comment", "zh": "由代码注释"},
    "no_reason": {"en": "no reason given", "zh": "未写理由"},
    "more_suppressed": {"en": "{count} more in the JSON answer.", "zh": "其余 {count} 个见 JSON 结果。"},
    "filtered_title": {"en": "Filtered out ({count})", "zh": "已过滤（{count} 条）"},
    "skipped_title": {"en": "Not audited ({count})", "zh": "未审计（{count} 个）"},
    "file": {"en": "File", "zh": "文件"},
    "made_at": {"en": "Made", "zh": "生成时间"},
    # Suppressions: what of a baseline or of a comment did not count.
    "stale_entry": {
        "en": "The baseline entry {fingerprint} ({name}) of {file} matches nothing any more.",
        "zh": "基线条目 {fingerprint}（{name}，{file}）已不再匹配任何问题。",
    },
    "stale_more": {"en": "{count} more baseline entries match nothing.", "zh": "另有 {count} 条基线条目不再匹配。"},
    "stale_comment": {
        "en": "The comment audit8: ignore[{names}] at {place} names nothing that was found there.",
        "zh": "{place} 处的注释 audit8: ignore[{names}] 没有对应的问题。",
    },
    "comment_no_reason": {
        "en": "The comment audit8: ignore[{names}] at {place} gives no reason and does not count.",
        "zh": "{place} 处的注释 audit8: ignore[{names}] 没有写理由，不生效。",
    },
    "comment_unknown": {
        "en": "The comment audit8: ignore[{names}] at {place} names no CWE, class or rule that is known, and does not "
        "count.",
        "zh": "{place} 处的注释 audit8: ignore[{names}] 没有指明已知的 CWE、类别或规则，不生效。",
    },
    "comment_in_change": {
        "en": "The comment audit8: ignore[{names}] at {place} is part of the change itself and does not count.",
        "zh": "{place} 处的注释 audit8: ignore[{names}] 是本次改动自身的一部分，不生效。",
    },
    "pasted": {"en": "pasted code", "zh": "粘贴的代码"},
    "critical": {"en": "critical", "zh": "严重"},
    "high": {"en": "high", "zh": "高"},
    "medium": {"en": "medium", "zh": "中"},
    "low": {"en": "low", "zh": "低"},
    "info": {"en": "info", "zh": "提示"},
    "none": {"en": "none", "zh": "无"},
    "comma": {"en": ", ", "zh": "、"},
    "colon": {"en": ": ", "zh": "："},
    "in_this_code": {"en": "In this code: {why}", "zh": "在本代码中：{why}"},
    "cut_off": {
        "en": "The model's answer was cut off at its token limit for {places}; it may have had more to say.",
        "zh": "以下位置的模型输出达到 token 上限而被截断，可能尚未说完：{places}。",
    },
    "too_small": {
        "en": "This model is too small to judge code: the findings are those of the static rules, unjudged. A model of "
        "7 billion parameters or more judges each of them.",
        "zh": "该模型太小，无法评判代码：所列问题均来自静态规则，未经评判。70 亿参数及以上的模型会逐条评判。",
    },
    # What the seconds of a job were not enough for.
    "left_unread": {
        "en": "the model did not get to read {places}: the static rules alone did",
        "zh": "模型未能读到 {places}：这些行只经过静态规则检查",
    },
    "left_unjudged": {
        "en": "{count} candidate(s) were not judged: findings of rules among them stand unjudged",
        "zh": "{count} 个候选问题未经评判：其中静态规则的结果按“未评判”保留",
    },
    "left_unexplained": {
        "en": "{count} finding(s) have no explanation by the model",
        "zh": "{count} 个问题没有模型给出的解释",
    },
    # Why a claim was filtered out.
    "too_small_alone": {
        "en": "named by a model that is too small to judge, and by no static rule",
        "zh": "仅由过小、无法评判的模型指出，没有静态规则支持",
    },
    "judged_safe": {
        "en": "judged to be no real flaw (confidence {percent} %)",
        "zh": "经评判不是真实漏洞（置信度 {percent}%）",
    },
    "no_such_line": {
        "en": "line {line} is not among the lines that were shown ({first}-{last})",
        "zh": "第 {line} 行不在所展示的代码中（{first}-{last} 行）",
    },
    "no_code_there": {
        "en": "line {line} is blank or only a comment",
        "zh": "第 {line} 行是空行或只有注释",
    },
    "outside_change": {"en": "outside the change", "zh": "不在改动的行内"},
    # Why a file was not audited (skips.py); the page and programs know the codes.
    "skipped": {"en": "{count} file(s) or folder(s) were not audited:", "zh": "{count} 个文件或文件夹未审计："},
    "more_skipped": {"en": "{count} more in the JSON answer.", "zh": "其余 {count} 个见 JSON 结果。"},
    "skip_vendored": {"en": "third-party or built, by its folder", "zh": "第三方代码或构建产物目录"},
    "skip_generated": {"en": "generated", "zh": "自动生成的文件"},
    "skip_minified": {"en": "minified: lines too long to be written by hand", "zh": "压缩代码：行过长，不是手写的"},
    "skip_binary": {"en": "binary, not text", "zh": "二进制文件，不是文本"},
    "skip_undecodable": {"en": "not text in an encoding that is read", "zh": "文本编码无法识别"},
    "skip_oversize": {"en": "larger than {limit} KiB", "zh": "超过 {limit} KiB"},
    "skip_not_code": {"en": "not code", "zh": "不是代码"},
    "skip_empty": {"en": "empty", "zh": "空文件"},
    "skip_ignored": {"en": "ignored by .gitignore", "zh": "被 .gitignore 忽略"},
    "skip_unreadable": {"en": "could not be read: {why}", "zh": "无法读取：{why}"},
    "skip_symlink": {"en": "a link; links are not followed", "zh": "符号链接，不跟随"},
    "skip_special": {"en": "not a regular file", "zh": "不是普通文件"},
    "skip_nested": {"en": "an archive within", "zh": "内含的压缩包"},
    "skip_outside": {"en": "its path leads out of the archive", "zh": "路径指向压缩包之外"},
    "skip_encrypted": {"en": "encrypted", "zh": "已加密"},
    "skip_damaged": {"en": "damaged, or packed in a way that is not read", "zh": "已损坏，或压缩方式不支持"},
    "skip_duplicate": {"en": "a second file of this name", "zh": "重名文件"},
    "skip_bomb": {"en": "unpacks to far more than it should", "zh": "解压后体积异常"},
    "skip_total": {"en": "over the limit of all files together", "zh": "超过全部文件的总大小上限"},
    "skip_too_many": {"en": "this and all that follows: too many files", "zh": "从这里起的文件：数量超过上限"},
    "skip_deleted": {"en": "deleted by the change", "zh": "在改动中被删除"},
    "skip_no_lines": {"en": "the change adds no line to it", "zh": "改动没有新增的行"},
    "skip_too_deep": {"en": "folders nested too deep", "zh": "文件夹嵌套过深"},
    "skip_combined": {"en": "a merge's combined diff, which is not read", "zh": "合并提交的组合 diff，无法读取"},
    "skip_more": {"en": "{why} more", "zh": "另有 {why} 个"},
    # Warnings about a source.
    "diff_scope": {
        "en": "This is the audit of a change: what was found outside the changed lines is filtered out.",
        "zh": "本次审计的是一处改动：改动行之外的问题已被过滤。",
    },
    "diff_only": {
        "en": "Only the diff was given: of {count} file(s) no more than its lines are known.",
        "zh": "只提供了 diff：{count} 个文件仅知道 diff 中的行。",
    },
    "diff_stale": {
        "en": "{name} is not what the diff was made from: its lines were taken from the diff.",
        "zh": "{name} 与 diff 不一致：以 diff 中的行为准。",
    },
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
