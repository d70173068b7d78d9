"""Rust at large: memory behind `unsafe`, injection, randomness: the claims.

rust_memory.py and rust_outside.py find them in the syntax tree.
"""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "rust-unsafe-in-contract",
        "buffer-overflow",
        "CWE-119",
        Severity.MEDIUM,
        0.5,
        Words("Unsafe block in a contract", "合约中使用 unsafe 块"),
        Words(
            "The compiler no longer checks memory here; a mistake corrupts state that is worth money.",
            "编译器在此不再检查内存；一个错误就会破坏有价值的状态。",
        ),
        Words("Write it in safe Rust.", "改用安全的 Rust 编写。"),
        checked=("rust",),
    ),
    Rule(
        "rust-unsafe-memory",
        "buffer-overflow",
        "CWE-119",
        Severity.HIGH,
        0.55,
        Words("Unsafe memory access with an unchecked length or type", "长度或类型未检查的不安全内存访问"),
        Words(
            "Length or index is a parameter that is not checked: memory outside the buffer is read or written.",
            "长度、下标或类型来自未检查的参数：会读写缓冲区以外的内存。",
        ),
        Words(
            "Check it against the real size first, or use the safe function.", "先与实际大小比较，或使用安全的函数。"
        ),
        checked=("rust",),
    ),
    Rule(
        "rust-mem-forget",
        "resource-leak",
        "CWE-401",
        Severity.LOW,
        0.6,
        Words("Value forgotten, its destructor never runs", "值被遗忘，析构函数不会运行"),
        Words("mem::forget keeps memory, locks and files for ever.", "mem::forget 会使内存、锁和文件永不释放。"),
        Words(
            "Let it drop, or use ManuallyDrop where ownership moves.", "让其正常释放，所有权转移处使用 ManuallyDrop。"
        ),
        checked=("rust",),
    ),
    Rule(
        "rust-uninitialised",
        "uninitialized",
        "CWE-457",
        Severity.HIGH,
        0.7,
        Words("Value made of uninitialised memory", "用未初始化的内存构造值"),
        Words("Reading it before every byte was written is undefined behaviour.", "在全部写入之前读取属于未定义行为。"),
        Words("Use MaybeUninit, or a default value.", "使用 MaybeUninit 或默认值。"),
        checked=("rust",),
    ),
    Rule(
        "rust-static-mut",
        "race-condition",
        "CWE-362",
        Severity.MEDIUM,
        0.55,
        Words("Mutable static", "可变的静态变量"),
        Words(
            "Two threads may change it at the same time; the compiler does not check.",
            "两个线程可能同时修改它，编译器不做检查。",
        ),
        Words("Use an atomic, a Mutex or OnceLock.", "使用原子类型、Mutex 或 OnceLock。"),
        checked=("rust",),
    ),
    Rule(
        "rust-sql-format",
        "sql-injection",
        "CWE-89",
        Severity.HIGH,
        0.7,
        Words("SQL built by format!", "用 format! 拼接 SQL"),
        Words("A value with a quote in it changes the query.", "含引号的值会改变查询。"),
        Words("Bind it as a parameter ($1, ?).", "以参数绑定（$1、?）。"),
        checked=("rust",),
    ),
    Rule(
        "rust-shell",
        "command-injection",
        "CWE-78",
        Severity.CRITICAL,
        0.7,
        Words("Text with a value in it is given to a shell", "把含变量的文本交给 shell"),
        Words("A value with ; or $( in it runs another command.", "值中含 ; 或 $( 时会执行其他命令。"),
        Words("Start the program itself with separate arguments.", "直接启动程序并分别传入参数。"),
        checked=("rust",),
    ),
    Rule(
        "rust-program-from-input",
        "command-injection",
        "CWE-78",
        Severity.HIGH,
        0.6,
        Words("Program to start comes from a parameter", "要启动的程序来自参数"),
        Words("Whoever gives the value chooses what runs.", "提供该值的人可以决定运行什么。"),
        Words("Choose from a fixed list.", "从固定列表中选择。"),
        checked=("rust",),
    ),
    Rule(
        "rust-path-from-request",
        "path-traversal",
        "CWE-22",
        Severity.HIGH,
        0.6,
        Words("File path from a request", "文件路径来自请求"),
        Words(".. or an absolute path leads outside the intended folder.", ".. 或绝对路径会离开预期目录。"),
        Words(
            "Take the file name only, or canonicalize and check starts_with.",
            "只取文件名，或 canonicalize 后检查 starts_with。",
        ),
        checked=("rust",),
    ),
    Rule(
        "rust-weak-rng",
        "weak-random",
        "CWE-338",
        Severity.MEDIUM,
        0.6,
        Words("Secret from a predictable generator", "用可预测的生成器产生秘密"),
        Words("A small or fixed-seed generator can be guessed.", "小型或固定种子的生成器可以被猜出。"),
        Words("Use OsRng or rand::rng() (a ChaCha generator).", "使用 OsRng 或 rand::rng()（ChaCha 生成器）。"),
        checked=("rust",),
    ),
    Rule(
        "rust-length-cast",
        "integer-overflow",
        "CWE-681",
        Severity.MEDIUM,
        0.5,
        Words("Length cast to a narrower type", "长度被转换为更窄的类型"),
        Words(
            "`as` drops the high bits: a long input gets a small length.", "as 会丢弃高位：很长的输入会得到很小的长度。"
        ),
        Words("Use try_from and handle the error.", "使用 try_from 并处理错误。"),
        checked=("rust",),
    ),
)
