"""Rules for Go: what statements leave open, share or throw away (go_statements.py finds those), and a few settings."""

from audit8.audit.rules.golang import GO
from audit8.audit.rules.rule import Finder, Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "defer-in-loop",
        "resource-leak",
        "CWE-772",
        Severity.LOW,
        0.55,
        Words("Closed only when the function ends, in a loop", "循环中延迟到函数结束才关闭"),
        Words(
            "Each round opens one more and none is closed before the function returns: files or locks run out.",
            "每轮循环都会多打开一个，函数返回前都不会关闭：文件或锁可能耗尽。",
        ),
        Words("Close it in the loop, or move the body into a function.", "在循环内关闭，或将循环体移入单独的函数。"),
        checked=GO,
    ),
    Rule(
        "handler-shares-state",
        "race-condition",
        "CWE-362",
        Severity.MEDIUM,
        0.5,
        Words("Handler changes shared state without a lock", "请求处理函数无锁修改共享状态"),
        Words(
            "Requests are handled at the same time: updates are lost, and a map changed by two ends the process.",
            "请求会并发处理：更新可能丢失；两个请求同时修改同一 map 会使进程崩溃。",
        ),
        Words("Hold a sync.Mutex around it, or use sync/atomic.", "用 sync.Mutex 保护，或使用 sync/atomic。"),
        checked=GO,
    ),
    Rule(
        "body-unlimited",
        "resource-exhaustion",
        "CWE-770",
        Severity.LOW,
        0.4,
        Words("Request body of any size read into memory", "将任意大小的请求体读入内存"),
        Words(
            "A client can send more than there is memory for.",
            "客户端可以发送超过可用内存的内容。",
        ),
        Words("Wrap the body with http.MaxBytesReader first.", "先用 http.MaxBytesReader 包装请求体。"),
        checked=GO,
    ),
    Rule(
        "error-dropped",
        "unchecked-result",
        "CWE-252",
        Severity.LOW,
        0.5,
        Words("Error thrown away", "丢弃了错误"),
        Words(
            "When it fails, the code goes on with nothing or with half of it, and may panic where that is used.",
            "失败时代码会带着空值或残缺的数据继续执行，并可能在使用处 panic。",
        ),
        Words("Look at the error and return it.", "检查并返回该错误。"),
        checked=GO,
    ),
    Rule(
        "weak-suites",
        "weak-crypto",
        "CWE-327",
        Severity.MEDIUM,
        0.7,
        Words("Broken cipher suites offered", "启用了不安全的加密套件"),
        Words(
            "RC4 and 3DES are broken, and CBC suites leak through timing: a connection may be read.",
            "RC4 与 3DES 已被攻破，CBC 套件存在时序泄露：连接内容可能被读取。",
        ),
        Words(
            "Leave CipherSuites out, or list only GCM and ChaCha20.", "不设置 CipherSuites，或只列出 GCM 与 ChaCha20。"
        ),
        (Finder(GO, r"\btls\.TLS_\w*(?:_RC4_|_3DES_|_CBC_SHA)\w*", needs=r"\bCipherSuites\b"),),
    ),
    Rule(
        "whole-disk-served",
        "path-traversal",
        "CWE-22",
        Severity.HIGH,
        0.8,
        Words("The whole file system is served", "对外提供整个文件系统"),
        Words("Every file that the program may read can be downloaded.", "程序可读的任何文件都能被下载。"),
        Words("Serve one folder.", "只提供某一个目录。"),
        (Finder(GO, r"\bhttp\.Dir\s*\(\s*(?P<s>\"[\x00]*\")", literal=r'^"/"$'),),
    ),
    Rule(
        "pointer-arithmetic",
        "buffer-overflow",
        "CWE-242",
        Severity.MEDIUM,
        0.5,
        Words("Pointer moved by hand", "手动移动指针"),
        Words(
            "Nothing checks that the new address lies in the same object: memory beyond it is read or written.",
            "没有任何检查保证新地址仍在同一对象内：会读写到对象之外的内存。",
        ),
        Words("Use a slice (unsafe.Slice) and its index.", "使用切片（unsafe.Slice）及下标。"),
        (
            Finder(
                GO,
                r"\bunsafe\.Pointer\s*\(\s*uintptr\s*\([^;\n]{1,120}?\)\s*[-+]|\bunsafe\.Add\s*\(",
            ),
        ),
    ),
)
