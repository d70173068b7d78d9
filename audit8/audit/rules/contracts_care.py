"""What contracts get wrong about errors, limits, events and missing values: the claims.

The checks of the syntax tree (rust_checks.py, solidity_checks.py) find them.
"""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "contract-unwrap",
        "unchecked-result",
        "CWE-248",
        Severity.LOW,
        0.5,
        Words("A missing value ends the call with a panic", "缺失的值会使调用因 panic 终止"),
        Words(
            "The value depends on the caller or on stored records; when it is absent the call traps without a reason.",
            "该值取决于调用者或存储的记录；缺失时调用会无理由地中止。",
        ),
        Words("Return an error (ok_or, ?) or use a default.", "返回错误（ok_or、?）或使用默认值。"),
        checked=("rust",),
    ),
    Rule(
        "contract-panic",
        "unchecked-result",
        "CWE-248",
        Severity.LOW,
        0.55,
        Words("Panic in a contract", "合约中使用 panic"),
        Words(
            "The caller gets a trap instead of an error that can be handled; in a pallet it can stop the node.",
            "调用者得到的是中止而不是可处理的错误；在 pallet 中可能使节点停止。",
        ),
        Words("Return an error of the contract's own type.", "返回合约自己的错误类型。"),
        checked=("rust",),
    ),
    Rule(
        "contract-assert",
        "unchecked-result",
        "CWE-617",
        Severity.LOW,
        0.55,
        Words("Assertion in a contract", "合约中使用断言"),
        Words(
            "assert! panics: the caller gets a trap instead of an error, and a pallet can stop the node.",
            "assert! 会 panic：调用者得到的是中止而不是错误，pallet 还可能使节点停止。",
        ),
        Words("Compare and return an error (ensure!, require!).", "改为比较并返回错误（ensure!、require!）。"),
        checked=("rust",),
    ),
    Rule(
        "constant-result",
        "unchecked-result",
        "CWE-393",
        Severity.LOW,
        0.55,
        Words("A Result that is always the same variant", "总是同一变体的 Result"),
        Words(
            "Callers check for an outcome that never comes: success or failure is not reported.",
            "调用者检查的结果永远不会出现：成功或失败没有被如实报告。",
        ),
        Words(
            "Return the other variant where it applies, or drop the Result.",
            "在相应情况返回另一变体，或不使用 Result。",
        ),
        checked=("rust",),
    ),
    Rule(
        "result-dropped",
        "unchecked-result",
        "CWE-252",
        Severity.MEDIUM,
        0.6,
        Words("Outcome of a transfer or calculation dropped", "转账或计算的结果被丢弃"),
        Words(
            "The code goes on as if it had succeeded, or the calculated value is lost.",
            "代码会当作成功继续执行，或计算出的值被丢失。",
        ),
        Words("Use the value, or hand the error on with ?.", "使用该值，或用 ? 传递错误。"),
        checked=("rust",),
    ),
    Rule(
        "contract-unbounded-loop",
        "resource-exhaustion",
        "CWE-400",
        Severity.MEDIUM,
        0.55,
        Words("Loop over stored records without a limit", "对存储的记录做无上限循环"),
        Words(
            "The collection grows with use; one day the loop needs more gas or weight than a call may use.",
            "集合会随使用增长；终有一天循环所需的 gas 或权重超过上限，调用将永远失败。",
        ),
        Words("Handle one record or one page per call, or limit the size.", "每次调用只处理一条或一页，或限制数量。"),
        checked=("rust", "solidity"),
    ),
    Rule(
        "contract-unbounded-growth",
        "resource-exhaustion",
        "CWE-770",
        Severity.MEDIUM,
        0.55,
        Words("Anybody can make a stored list grow", "任何人都能让存储的列表增长"),
        Words(
            "There is no limit and no check of the caller: a full list makes every later call fail.",
            "没有上限也未检查调用者：列表过大会使之后的每次调用失败。",
        ),
        Words(
            "Keep records under keys (a mapping), limit the length, or check the caller.",
            "用键（映射）保存记录、限制长度，或检查调用者。",
        ),
        checked=("rust",),
    ),
    Rule(
        "soroban-dynamic-storage",
        "resource-exhaustion",
        "CWE-770",
        Severity.MEDIUM,
        0.55,
        Words("Growing value in one storage entry", "在单个存储项中保存会增长的值"),
        Words(
            "The whole entry is loaded at once and has a size limit: a large one blocks the contract.",
            "每次调用都会加载整个存储项（实例存储），且有大小上限：过大会使合约无法使用。",
        ),
        Words(
            "Store each element under its own key, in persistent storage.", "用各自的键把每个元素存入 persistent 存储。"
        ),
        checked=("rust",),
    ),
    Rule(
        "pallet-weight",
        "resource-exhaustion",
        "CWE-400",
        Severity.MEDIUM,
        0.6,
        Words("Weight of an extrinsic is not its own", "交易权重不是其自身的权重"),
        Words(
            "Weight zero, or that of another function, lets callers fill blocks for less than the work costs.",
            "权重为零或取自其他函数，调用者便能以低于实际的代价占满区块。",
        ),
        Words("Give each extrinsic its own benchmarked weight.", "为每个交易函数提供自己的基准权重。"),
        checked=("rust",),
    ),
    Rule(
        "contract-index-unchecked",
        "buffer-overflow",
        "CWE-129",
        Severity.MEDIUM,
        0.5,
        Words("Element used without a check that it exists", "未检查元素是否存在即使用"),
        Words(
            "The index or key can lie outside the collection: the call panics, or reads what was not meant.",
            "下标或键可能超出集合范围：调用会 panic 或读到意外的数据。",
        ),
        Words("Iterate over the elements, or use get() and handle None.", "直接迭代元素，或使用 get() 并处理 None。"),
        checked=("rust",),
    ),
    Rule(
        "pallet-error-other",
        "unchecked-result",
        "CWE-755",
        Severity.LOW,
        0.45,
        Words("Error that says nothing to a program", "程序无法识别的错误"),
        Words(
            "DispatchError::Other carries only a text that is dropped on chain: callers cannot tell errors apart.",
            "DispatchError::Other 只带一段在链上会被丢弃的文字：调用者无法区分错误。",
        ),
        Words("Use a variant of the pallet's own Error.", "使用 pallet 自己的 Error 变体。"),
        checked=("rust",),
    ),
    Rule(
        "soroban-ttl",
        "resource-exhaustion",
        "CWE-400",
        Severity.LOW,
        0.6,
        Words("Lifetime extended at every call", "每次调用都延长存活期"),
        Words(
            "Target and threshold are the same: the extension is paid for again and again.",
            "目标与阈值相同：每次调用都要为延期付费。",
        ),
        Words("Give a threshold below the target.", "阈值应小于目标值。"),
        checked=("rust",),
    ),
    Rule(
        "endless-recursion",
        "resource-exhaustion",
        "CWE-674",
        Severity.MEDIUM,
        0.7,
        Words("Function calls itself without an end", "函数无终止地调用自身"),
        Words(
            "There is no condition under which it stops: the stack or the gas runs out.",
            "没有任何停止条件：栈或 gas 会耗尽。",
        ),
        Words("Add the case that ends it, or use a loop.", "加入终止条件，或改用循环。"),
        checked=("rust",),
    ),
)
