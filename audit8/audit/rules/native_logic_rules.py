"""Rules for C and C++ about results, arguments, loops, threads and passwords (found by native_checks.py)."""

from audit8.audit.rules.rule import C, Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "wrong-result-check",
        "unchecked-result",
        "CWE-253",
        Severity.MEDIUM,
        0.75,
        Words("Result compared with the wrong value", "返回值与错误的值比较"),
        Words(
            "This call does not report an error in that way, so errors go unnoticed.",
            "该函数并不以这种方式报告错误，因此错误不会被发现。",
        ),
        Words("Compare with what its manual says it returns on failure.", "与手册中规定的失败返回值比较。"),
        checked=C,
    ),
    Rule(
        "unchecked-result",
        "unchecked-result",
        "CWE-252",
        Severity.MEDIUM,
        0.7,
        Words("Giving up rights may fail unnoticed", "放弃权限失败时不会被发现"),
        Words("When the call fails the program goes on with all its rights.", "调用失败时程序会带着全部权限继续运行。"),
        Words("Check the result and stop on failure.", "检查返回值，失败时停止。"),
        checked=C,
    ),
    Rule(
        "reachable-assert",
        "unchecked-result",
        "CWE-617",
        Severity.MEDIUM,
        0.7,
        Words("assert() on something from outside", "对外部输入使用 assert()"),
        Words(
            "Input can end the program, or in a release build nothing is checked at all.",
            "输入可以使程序终止；而在发布版本中则完全没有检查。",
        ),
        Words("Check it with an if and handle the failure.", "用 if 检查并处理失败。"),
        checked=C,
    ),
    Rule(
        "wrong-arguments",
        "unchecked-result",
        "CWE-628",
        Severity.MEDIUM,
        0.7,
        Words("Arguments that cannot be meant", "参数有误"),
        Words(
            "Number, order or kind of the arguments does not fit the function.", "参数的个数、顺序或类型与函数不符。"
        ),
        Words("Pass what the function declares.", "按函数的声明传参。"),
        checked=C,
    ),
    Rule(
        "endless-loop",
        "resource-exhaustion",
        "CWE-835",
        Severity.MEDIUM,
        0.7,
        Words("Loop that does not end", "循环无法结束"),
        Words("Nothing in the loop makes its condition false.", "循环中没有任何操作能使条件变为假。"),
        Words("Change the variable of the condition on every round, or leave the loop.", "每一轮都要改变条件中的变量，或跳出循环。"),
        checked=C,
    ),
    Rule(
        "endless-recursion",
        "resource-exhaustion",
        "CWE-674",
        Severity.MEDIUM,
        0.7,
        Words("Recursion without a limit", "递归没有限制"),
        Words(
            "Nothing ends the calls, or input says how deep they go: the stack runs out.",
            "没有终止条件，或递归深度由输入决定：栈会耗尽。",
        ),
        Words("Bound the depth, or use a loop.", "限制深度，或改用循环。"),
        checked=C,
    ),
    Rule(
        "terminator-missing",
        "buffer-overflow",
        "CWE-170",
        Severity.MEDIUM,
        0.65,
        Words("Text may have no terminating zero", "字符串可能没有结尾的 0"),
        Words(
            "What reads it runs on past the end of the buffer.", "读取它的代码会越过缓冲区末尾。"
        ),
        Words("Leave room for the zero and write it.", "为结尾的 0 留出空间并写入。"),
        checked=C,
    ),
    Rule(
        "check-then-use",
        "race-condition",
        "CWE-367",
        Severity.MEDIUM,
        0.7,
        Words("File checked by name, then used by name", "先按名称检查文件，再按名称使用"),
        Words(
            "Between the two calls somebody can put another file there.", "两次调用之间，他人可以换上另一个文件。"
        ),
        Words("Open it first and ask the open file (fstat).", "先打开文件，再对已打开的文件检查（fstat）。"),
        checked=C,
    ),
    Rule(
        "shared-without-lock",
        "race-condition",
        "CWE-362",
        Severity.MEDIUM,
        0.7,
        Words("Threads change a variable without a lock", "多个线程未加锁修改同一变量"),
        Words("Changes get lost or half-done values are seen.", "修改会丢失，或看到未完成的值。"),
        Words("Hold a mutex around it, or use an atomic.", "加互斥锁，或使用原子类型。"),
        checked=C,
    ),
    Rule(
        "unsafe-handler",
        "race-condition",
        "CWE-364",
        Severity.MEDIUM,
        0.7,
        Words("Signal handler calls what it may not", "信号处理函数调用了不安全的函数"),
        Words(
            "The signal may arrive while the same function is running: its data is then in pieces.",
            "信号可能在同一函数执行到一半时到达，其数据处于不一致状态。",
        ),
        Words("Set a volatile sig_atomic_t flag and do the work outside.", "只设置 volatile sig_atomic_t 标志，在外部处理。"),
        checked=C,
    ),
    Rule(
        "password-in-clear",
        "hardcoded-secret",
        "CWE-256",
        Severity.MEDIUM,
        0.65,
        Words("Password stored or sent in the clear", "口令以明文存储或发送"),
        Words(
            "Whoever reads the file, the log or the network has the password.", "能读取该文件、日志或网络的人就得到了口令。"
        ),
        Words(
            "Store a salted slow hash; send it only over TLS.", "存储加盐的慢哈希值；只通过 TLS 发送。"
        ),
        checked=C,
    ),
)
