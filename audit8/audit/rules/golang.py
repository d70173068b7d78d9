"""Rules for Go's standard library that need no value to be followed, and those that go_checks.py finds by types."""

from audit8.audit.rules.rule import Finder, Rule, Words
from audit8.types import Severity

GO = ("go",)

RULES = (
    Rule(
        "number-converted",
        "integer-overflow",
        "CWE-190",
        Severity.LOW,
        0.45,
        Words("Number put into a type that cannot hold all its values", "数值转换为容纳不下其全部取值的类型"),
        Words(
            "A value that does not fit wraps around silently: it becomes a small or a negative number.",
            "放不下的值会悄悄回绕，变成很小的值或负数。",
        ),
        Words("Check both bounds first, or use the wider type.", "先检查上下界，或使用更宽的类型。"),
        checked=GO,
    ),
    Rule(
        "index-beyond-length",
        "buffer-overflow",
        "CWE-129",
        Severity.LOW,
        0.75,
        Words("Index beyond the length of a slice", "下标超出切片长度"),
        Words(
            "The slice was made shorter than this: the program panics here.", "该切片的长度不足：程序会在此处 panic。"
        ),
        Words("Make it long enough, or check len() first.", "分配足够的长度，或先检查 len()。"),
        checked=GO,
    ),
    Rule(
        "weak-hash-chosen",
        "weak-crypto",
        "CWE-328",
        Severity.LOW,
        0.4,
        Words("Broken hash function", "使用了已被攻破的哈希算法"),
        Words(
            "Two different inputs with the same hash can be made; where the hash protects something, it does not.",
            "可以构造出哈希相同的不同输入；若用于安全目的，则起不到保护作用。",
        ),
        Words("Use sha256, or argon2 or bcrypt for passwords.", "使用 sha256；口令应使用 argon2 或 bcrypt。"),
        (Finder(GO, r"(?<![\w.])(?:md5|sha1|md4|ripemd160)\.(?:New|Sum)\s*\("),),
    ),
    Rule(
        "files-for-everyone",
        "permissions",
        "CWE-276",
        Severity.LOW,
        0.55,
        Words("Created with rights for everyone", "创建时对所有人开放权限"),
        Words(
            "Unless the umask happens to take them away, every account may change what is created here.",
            "除非 umask 恰好去掉这些权限，否则任何账户都可以修改所创建的内容。",
        ),
        Words("Ask for 0600 (files) or 0750 (folders).", "文件用 0600，目录用 0750。"),
        (
            Finder(
                GO,
                r"\bos\.(?:Mkdir(?:All)?|WriteFile|OpenFile)\s*\([^\n]{1,300}?,\s*(?:os\.FileMode\()?"
                r"(?:0o?[0-7]?[0-7][0-7][2367]|os\.ModePerm)\)?\s*\)",
            ),
            Finder(GO, r"\bioutil\.WriteFile\s*\([^\n]{1,300}?,\s*0o?[0-7]?[0-7][0-7][2367]\s*\)"),
        ),
    ),
    Rule(
        "cancel-dropped",
        "resource-leak",
        "CWE-772",
        Severity.LOW,
        0.6,
        Words("Cancel function of a context dropped", "丢弃了 context 的取消函数"),
        Words(
            "What the context holds (timers, goroutines) stays until its parent ends.",
            "该 context 占用的定时器和协程会一直保留到其父 context 结束。",
        ),
        Words("Keep it and call it: defer cancel().", "保留并调用它：defer cancel()。"),
        (Finder(GO, r",\s*_\s*:?=\s*context\.With(?:Cancel|Timeout|Deadline)\w*\s*\("),),
    ),
    Rule(
        "form-unlimited",
        "resource-exhaustion",
        "CWE-400",
        Severity.LOW,
        0.45,
        Words("Uploaded form of any size", "上传表单大小没有限制"),
        Words(
            "The limit given here is for memory only; the rest of the body goes to the disk without a limit.",
            "此处的限制只针对内存，超出部分会不加限制地写入磁盘。",
        ),
        Words("Wrap the body with http.MaxBytesReader first.", "先用 http.MaxBytesReader 包装请求体。"),
        (Finder(GO, r"\.ParseMultipartForm\s*\(", lacks=r"MaxBytesReader"),),
    ),
    Rule(
        "walk-then-change",
        "race-condition",
        "CWE-367",
        Severity.LOW,
        0.5,
        Words("Files changed by name while a folder is walked", "遍历目录时按名称修改文件"),
        Words(
            "Between the walk and the call somebody can put a link in the file's place.",
            "在遍历与调用之间，他人可以把该文件换成链接。",
        ),
        Words("Open the folder with os.OpenRoot and act inside it.", "用 os.OpenRoot 打开目录并在其内部操作。"),
        (
            Finder(
                GO,
                r"\bfilepath\.Walk(?:Dir)?\s*\([^,\n]{1,120},\s*func\s*\(\s*(?P<name>\w{1,40})[^)]{0,120}\)[^{]{0,20}\{"
                r"(?:[^}]|\}(?!\s*\))){0,600}?(?P<at>\bos\.(?:Remove(?:All)?|Chmod|Chown|Rename|Truncate|WriteFile|OpenFile|Create)"
                r"\s*\(\s*(?P=name)\b)",
            ),
        ),
    ),
    Rule(
        "redirect-keeps-secrets",
        "information-exposure",
        "CWE-200",
        Severity.MEDIUM,
        0.6,
        Words("Credentials sent along with a redirect", "重定向时携带凭据"),
        Words(
            "The next host may be another one, and it gets the cookie or token.",
            "下一个主机可能是另一台，它会得到该 cookie 或令牌。",
        ),
        Words("Add them only for hosts that you know.", "只对已知的主机添加。"),
        (
            Finder(
                GO,
                r"\bCheckRedirect\s*[:=]+\s*func\s*\([^)]{0,120}\)[^{]{0,20}\{(?:[^}]|\}(?!\s*,)){0,400}?"
                r"(?P<at>\.Header(?:\.(?:Set|Add)\s*\(\s*(?P<s>\"[\x00]*\")|\s*=\s*(?P<s2>)))",
                literal=r"(?i)authorization|cookie|token|api-?key|^$",
            ),
        ),
    ),
    Rule(
        "every-path-bypasses",
        "cors",
        "CWE-346",
        Severity.MEDIUM,
        0.65,
        Words("Every path excepted from the origin check", "所有路径都绕过来源检查"),
        Words("Requests from any site are let through.", "来自任何站点的请求都会被放行。"),
        Words("Except single paths that change nothing.", "只豁免不产生修改的个别路径。"),
        (
            Finder(
                GO,
                r"\.AddInsecureBypassPattern\s*\(\s*(?P<s>\"[\x00]*\")",
                literal=r'^"(?:\w+ )?/(?:\{\w+\.\.\.\}|\*)?"$',
            ),
        ),
    ),
    Rule(
        "callback-keeps-key",
        "missing-authorization",
        "CWE-287",
        Severity.MEDIUM,
        0.6,
        Words("Key remembered while it is only being offered", "在仅被出示时就记住了密钥"),
        Words(
            "A client may offer keys that it cannot prove to own; the callback runs for each of them.",
            "客户端可以出示它并不持有的密钥，每一个都会触发回调。",
        ),
        Words(
            "Return it in Permissions.Extensions and read it after the handshake.",
            "放入 Permissions.Extensions，握手之后再读取。",
        ),
        (
            Finder(
                GO,
                r"\bPublicKeyCallback\s*[:=]+\s*func\s*\(\s*\w{1,40}[^,)]{0,60},\s*(?P<key>\w{1,40})[^)]{0,60}\)[^{]{0,80}\{"
                r"(?:[^}]|\}(?!\s*\n)){0,400}?(?P<at>[\w.\[\]]{1,60}\s=\s(?P=key)\b)",
            ),
        ),
    ),
    Rule(
        "secret-in-json",
        "information-exposure",
        "CWE-200",
        Severity.LOW,
        0.4,
        Words("Secret field written to JSON", "敏感字段会被写入 JSON"),
        Words(
            "Whatever serialises this structure (an answer, a log) contains the secret.",
            "任何序列化该结构的地方（响应、日志）都会包含该密钥。",
        ),
        Words('Tag it `json:"-"`, or use a type without it.', '使用 `json:"-"` 标签，或使用不含该字段的类型。'),
        (
            Finder(
                GO,
                r"^\s*(?P<at>[A-Z]\w*[ \t]+(?:string|\[\]byte|\*string)[ \t]+`[^`\n]{0,60}\bjson:\"(?:\w+_)?"
                r"(?:password|passwd|private_?key|secret(?:_?key)?|api_?key|access_?token|auth_?token)(?:,\w+)?\")",
                on="text",
                needs=r"\bjson\.(?:Marshal\w*|NewEncoder)\b",
            ),
        ),
    ),
)
