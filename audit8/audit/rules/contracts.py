"""What contracts get wrong about rights, calls and money: the claims, of Rust and Solidity.

rust_checks.py and solidity_checks.py find them in the syntax tree.
"""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "contract-state-without-auth",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.6,
        Words("State of others changed without a check of the caller", "未检查调用者即可修改他人状态"),
        Words(
            "Anybody may call this function: it changes an owner, an admin, or a record under any key.",
            "任何人都可以调用该函数：它会修改所有者、管理员，或调用者任意指定键下的记录。",
        ),
        Words(
            "Check the caller first (require_auth, caller == owner, ensure_signed), or use the caller as the key.",
            "先检查调用者（require_auth、caller == owner、ensure_signed），或以调用者作为键。",
        ),
        checked=("rust",),
    ),
    Rule(
        "contract-code-without-auth",
        "missing-authorization",
        "CWE-862",
        Severity.CRITICAL,
        0.75,
        Words("Contract code or life changed without a check of the caller", "未检查调用者即可替换代码或销毁合约"),
        Words(
            "Anybody may replace the code of the contract, write any of its storage, or end it and take its funds.",
            "任何人都可以替换合约代码、改写任意存储，或销毁合约并取走资金。",
        ),
        Words(
            "Let only the stored admin do this, checked before the call.", "只允许已存储的管理员执行，并在调用前检查。"
        ),
        checked=("rust",),
    ),
    Rule(
        "contract-transfer-from-anyone",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.65,
        Words("Tokens taken from an account that the caller names", "可从调用者指定的账户转走代币"),
        Words(
            "The source is a parameter that did not agree: whoever gave this contract an allowance can be robbed.",
            "转出账户是未经其同意的参数：凡给过本合约授权额度的人都可能被盗。",
        ),
        Words(
            "Take from the caller itself, or call require_auth on that address first.",
            "从调用者自身转出，或先对该地址调用 require_auth。",
        ),
        checked=("rust",),
    ),
    Rule(
        "contract-admin-from-caller",
        "missing-authorization",
        "CWE-863",
        Severity.HIGH,
        0.6,
        Words("The caller names the admin who must agree", "由调用者指定需要同意的管理员"),
        Words(
            "The check asks the address that was passed in, not the stored admin: a caller passes its own.",
            "检查的是传入的地址而不是已存储的管理员：调用者可以传入自己的地址。",
        ),
        Words("Read the admin from storage and ask that one.", "从存储中读取管理员并检查它。"),
        checked=("rust",),
    ),
    Rule(
        "pallet-origin-unchecked",
        "missing-authorization",
        "CWE-306",
        Severity.HIGH,
        0.75,
        Words("Extrinsic does not check its origin", "交易函数未检查 origin"),
        Words(
            "Without ensure_signed, ensure_root or an origin check anybody may call this, even without a signature.",
            "没有 ensure_signed、ensure_root 或 origin 检查，任何人都可以调用，甚至不需签名。",
        ),
        Words("Check the origin in the first line.", "在第一行检查 origin。"),
        checked=("rust",),
    ),
    Rule(
        "pallet-unsigned-call",
        "missing-authorization",
        "CWE-306",
        Severity.MEDIUM,
        0.6,
        Words("Unsigned extrinsic without validation", "未经验证的无签名交易"),
        Words(
            "ensure_none accepts calls that nobody signed or pays for; no ValidateUnsigned decides which.",
            "ensure_none 接受无人签名、无人付费的调用，而没有 ValidateUnsigned 决定接受哪些。",
        ),
        Words("Use ensure_signed, or implement ValidateUnsigned.", "使用 ensure_signed，或实现 ValidateUnsigned。"),
        checked=("rust",),
    ),
    Rule(
        "contract-delegate-target",
        "arbitrary-call",
        "CWE-829",
        Severity.CRITICAL,
        0.7,
        Words("Delegate call to code that the caller chooses", "委托调用由调用者指定的代码"),
        Words(
            "The chosen code runs with the storage and the funds of this contract.",
            "被选中的代码将以本合约的存储和资金运行。",
        ),
        Words(
            "Let only the admin set the target, and use the stored one.", "只允许管理员设置目标，并使用已存储的目标。"
        ),
        checked=("rust", "solidity"),
    ),
    Rule(
        "contract-reentrancy",
        "reentrancy",
        "CWE-1265",
        Severity.CRITICAL,
        0.65,
        Words("State changed after a call that may come back", "外部调用之后才修改状态（重入）"),
        Words(
            "The called contract may call this function again while the old state still stands, and be paid twice.",
            "被调用的合约可在旧状态仍有效时再次调用本函数，从而重复取款。",
        ),
        Words("Change the state first, then call; or use a reentrancy lock.", "先修改状态再调用，或使用防重入锁。"),
        checked=("rust", "solidity"),
    ),
    Rule(
        "contract-price-not-bounded",
        "race-condition",
        "CWE-362",
        Severity.MEDIUM,
        0.5,
        Words("Calculated amount without a limit of the caller", "计算出的金额没有调用者给定的下限"),
        Words(
            "Others can move the price before it is executed (front running): the caller gets whatever results.",
            "他人可以在签名与执行之间改变价格（抢先交易）：调用者只能接受任何结果。",
        ),
        Words(
            "Take a minimum (or maximum) amount as a parameter and compare before the transfer.",
            "以参数传入最小（或最大）金额，并在转账前比较。",
        ),
        checked=("rust",),
    ),
    Rule(
        "contract-weak-random",
        "weak-random",
        "CWE-330",
        Severity.MEDIUM,
        0.65,
        Words("Random choice from block data", "用区块数据产生随机数"),
        Words(
            "Time, height and sequence are known to everybody and can be influenced by who makes the block.",
            "时间、高度和序号人人可知，且可被出块者影响。",
        ),
        Words(
            "Use a verifiable source: the chain's generator, commit and reveal, or a VRF.",
            "使用可验证的来源：链上随机数、提交-揭示或 VRF。",
        ),
        checked=("rust", "solidity"),
    ),
    Rule(
        "contract-divide-first",
        "wrong-calculation",
        "CWE-682",
        Severity.MEDIUM,
        0.65,
        Words("Division before multiplication", "先除后乘"),
        Words(
            "Integer division drops the remainder; multiplying afterwards multiplies the error (small amounts: zero).",
            "整数除法丢弃余数，之后再乘会放大误差，金额较小时结果为零。",
        ),
        Words("Multiply first, then divide (in a wider type if needed).", "先乘后除（必要时使用更宽的类型）。"),
        checked=("rust", "solidity"),
    ),
    Rule(
        "xor-as-power",
        "wrong-calculation",
        "CWE-682",
        Severity.MEDIUM,
        0.7,
        Words("^ is exclusive or, not a power", "^ 是异或，不是乘方"),
        Words(
            "The result is a bit pattern and not the power that the code seems to mean.",
            "结果是按位异或，而不是代码看似想要的乘方。",
        ),
        Words("Use pow() or checked_pow() (Solidity: **).", "使用 pow() 或 checked_pow()（Solidity 用 **）。"),
        checked=("rust", "solidity"),
    ),
    Rule(
        "contract-unchecked-arithmetic",
        "integer-overflow",
        "CWE-190",
        Severity.MEDIUM,
        0.5,
        Words("Stored amount changed without a check for overflow", "修改已存储的金额时未检查溢出"),
        Words(
            "Release builds wrap around unless overflow-checks is set: a balance can become huge or zero.",
            "除非设置了 overflow-checks，发布版本会发生回绕：余额可能变得极大或归零。",
        ),
        Words(
            "Use checked_add, checked_sub or checked_mul and handle None.",
            "使用 checked_add、checked_sub 或 checked_mul，并处理 None。",
        ),
        checked=("rust",),
    ),
    Rule(
        "contract-narrowing-cast",
        "integer-overflow",
        "CWE-681",
        Severity.MEDIUM,
        0.5,
        Words("Amount cast to a narrower type", "金额被转换为更窄的类型"),
        Words(
            "`as` silently drops the high bits: a large amount becomes a small one.",
            "as 会悄悄丢弃高位：大金额会变成小金额。",
        ),
        Words("Use try_from / try_into and handle the error.", "使用 try_from / try_into 并处理错误。"),
        checked=("rust",),
    ),
)
