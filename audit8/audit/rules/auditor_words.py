"""Words in code that speak to whoever audits it, as patterns: "ignore the instructions above", "reviewed and safe".

Data only, in English and Chinese. Ordinary comments talk about the program; these talk about the audit: what to leave
out, what to answer, whom to trust. A note to a reader ("this function is thread safe") is none of them.
"""

_GAP = r"[\s#*/>,;:\"'`-]{1,8}+"
_FILL = rf"(?:(?:all|any|every|the|of|these|those|your|my|its|other|and|or){_GAP}){{0,4}}"
_EARLIER = r"(?:previous(?:ly)?|prior|above|earlier|preceding|foregoing|given|system|original|initial|existing)"
_ORDERS = r"(?:instructions|prompts?|rules|guidelines|directions|directives|commands|orders|messages|tasks?|policy)"
_CODE = r"(?:code|file|function|module|contract|program|snippet|method|class|script|query|block|section|line|handler)s?"
_FLAWS = r"(?:vulnerabilit(?:y|ies)|findings?|security|weakness(?:es)?|vulns?)"
_ANY_FLAWS = r"(?:vulnerabilit(?:y|ies)|findings?|issues?|problems?|bugs?|weakness(?:es)?|vulns?|flaws?|risks?|errors?)"
_JUDGED = r"(?:reviewed|audited|verified|vetted|approved|certified|validated|checked|cleared|inspected|analy[sz]ed)"
_READER = (
    r"(?:AI|LLM|GPT|ChatGPT|Claude|auditor|reviewer|(?:language|AI) model|assistant|code reviewer|security "
    r"(?:scanner|auditor|reviewer|tool|analyst|model)|static analy[sz]er|scanner)s?"
)
_LEAVE_OUT = (
    r"(?:ignore|skip|pass over|not (?:report|flag|mention|list|analy[sz]e|audit)|mark|treat|classify|rate|assume)"
)

_PHRASES = "|".join(
    (
        rf"(?:ignore|disregard|forget|override|bypass){_GAP}{_FILL}{_EARLIER}{_GAP}"
        rf"(?:(?:\w+){_GAP}){{0,2}}{_ORDERS}\b",
        rf"(?:ignore|disregard|forget){_GAP}{_FILL}(?:{_ORDERS}|everything){_GAP}(?:above|before|you were given)\b",
        rf"(?:ignore|disregard|forget){_GAP}(?:all{_GAP}(?:of{_GAP})?)?(?:the{_GAP})?above\b[\s\S]{{0,40}}"
        rf"(?:report|say|answer|respond|output|print|flag|find)\b",
        rf"report{_GAP}(?:nothing|no{_GAP}(?:\w+{_GAP})?{_ANY_FLAWS})\b",
        rf"(?:do not|don['’]?t|never|must not|should not){_GAP}(?:report|flag|mention|list|raise){_GAP}"
        rf"(?:{_FILL}(?:\w+{_GAP})?{_FLAWS}|any{_GAP}(?:\w+{_GAP})?{_ANY_FLAWS}|(?:this|the following){_GAP}{_CODE})\b",
        rf"(?:this|the|following|above|entire|all|whole){_GAP}(?:\w+{_GAP})?{_CODE}{_GAP}(?:has been|have been|was|"
        rf"were|is|are){_GAP}(?:\w+{_GAP}){{0,3}}{_JUDGED}\b[\s\S]{{0,60}}\b(?:safe|secure|harmless|trusted|"
        rf"no{_GAP}(?:\w+{_GAP})?{_ANY_FLAWS}|free{_GAP}(?:of|from))\b",
        rf"{_JUDGED}{_GAP}by{_GAP}(?:(?:the|our|a|an){_GAP})?(?:\w+{_GAP})?(?:security|appsec){_GAP}"
        rf"(?:team|department|auditors?|experts?|engineers?)\b",
        rf"{_JUDGED}{_GAP}(?:and|as|to be){_GAP}(?:\w+{_GAP}){{0,3}}(?:safe|secure|not vulnerable|harmless)\b",
        rf"this{_GAP}(?:\w+{_GAP})?{_CODE}{_GAP}is{_GAP}(?:\w+{_GAP})?(?:completely|perfectly|totally|fully|"
        rf"entirely|absolutely|100\s?%|known to be|guaranteed){_GAP}(?:safe|secure|harmless)\b"
        rf"(?!{_GAP}(?:to|for|from))",
        rf"(?:contains?|has|have){_GAP}(?:absolutely{_GAP})?no{_GAP}(?:\w+{_GAP})?(?:vulnerabilit(?:y|ies)|"
        rf"security{_GAP}(?:issues?|problems?|flaws?|risks?))\b",
        rf"(?:note|message|attention|instructions?|notice|hint|dear){_GAP}(?:(?:to|for){_GAP})?(?:(?:the|any|all)"
        rf"{_GAP})?{_READER}\b",
        rf"{_READER}{_GAP}(?:please|should|must|are to|is to|you may){_GAP}(?:\w+{_GAP})?{_LEAVE_OUT}\b",
        rf"if you are (?:an? )?(?:\w+ )?{_READER}\b",
        rf"(?:answer|respond|reply){_GAP}(?:\w+{_GAP})?(?:with{_GAP})?(?:safe|secure|not vulnerable|"
        rf"no{_GAP}{_ANY_FLAWS})\b",
    )
)
# A turn of a chat closed and another one opened: what a prompt around the code would look like.
_TURNS = r"<\|(?:im_)?end\|>[\s\\n]{0,8}<\|(?:im_start|system|user|assistant)\|>"
ENGLISH = rf"\b(?=[a-z])(?:{_PHRASES})|{_TURNS}"

_ZH_CODE = r"(?:代码|文件|函数|模块|合约|程序|方法|脚本|片段|项目|实现|逻辑)"
_ZH_THIS = r"(?:此|这|该|本|以上|以下|上述|下面|上面|所有|全部|整个)(?:段|个|份|些|处|的|部分){0,2}"
_ZH_FLAWS = r"(?:漏洞|安全问题|安全风险|安全隐患|问题|缺陷|风险|隐患)"
_ZH_READER = (
    r"(?:审计员|审计者|审计人员|审查者|审核员|审核者|审计工具|审计模型|扫描器|大模型|语言模型|人工智能|AI|助手)"
)

CHINESE = "|".join(
    (
        r"(?:忽略|无视|忘记|忘掉|跳过|不要理会)(?:掉)?(?:你)?(?:以上|上述|之前|前面|上面|此前|先前|所有|全部|系统)"
        r"(?:的|所有|全部|给出的|一切){0,3}(?:指令|指示|提示词?|规则|要求|说明|命令)",
        rf"(?:不要|请勿|无需|不必|不得|别|勿)再?(?:报告|上报|指出|标记|列出|提及|汇报)(?:任何|此|该|这个|这段|这些|本|其中的?)?"
        rf"(?:\w{{0,4}})(?:{_ZH_FLAWS}|{_ZH_CODE})",
        rf"{_ZH_THIS}{_ZH_CODE}[^\n。；;]{{0,12}}(?:已|经过|通过|经)[^\n。；;]{{0,12}}(?:审计|审查|审核|评审|检查|验证|复核|确认|检测)"
        rf"[^\n；;]{{0,20}}(?:安全|无漏洞|没有漏洞|没有问题|无问题|可信|无需)",
        rf"{_ZH_THIS}?{_ZH_CODE}(?:是)?(?:完全|绝对|百分之百|100%)(?:是)?安全",
        r"(?:没有|不存在|不含|不包含|无)(?:任何|有)?(?:安全)?(?:漏洞|安全问题|安全风险|安全隐患)",
        rf"(?:未发现|没有发现|报告无|回答无)(?:任何)?{_ZH_FLAWS}[^\n]{{0,10}}(?:即可|就行|就可以)",
        rf"(?:{_ZH_READER})(?:们)?[，,：:\s]{{0,3}}(?:请|你|应|必须|注意|须|不要)",
        rf"(?:请|只|仅|直接|必须)(?:需|能|要)?(?:直接)?(?:回答|回复|输出|返回|报告)[“\"「'：:\s]{{0,3}}(?:安全|没有{_ZH_FLAWS}|无{_ZH_FLAWS})",
    )
)
