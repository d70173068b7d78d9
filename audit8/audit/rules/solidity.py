"""Solidity: the claims of its own; solidity_checks.py finds them in the syntax tree."""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "solidity-tx-origin",
        "missing-authorization",
        "CWE-863",
        Severity.HIGH,
        0.8,
        Words("tx.origin used as the caller", "用 tx.origin 判断调用者"),
        Words(
            "A contract that the owner calls can call on in the owner name.",
            "所有者调用的任一合约都可以借其名义继续调用。",
        ),
        Words("Compare msg.sender.", "比较 msg.sender。"),
        checked=("solidity",),
    ),
    Rule(
        "solidity-unprotected",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.65,
        Words("Privileged change without a check of the caller", "未检查调用者的特权修改"),
        Words(
            "Anybody may call this function: it sets an owner, mints, takes out funds or ends the contract.",
            "任何人都可以调用该函数：它会设置所有者、增发、取出资金或销毁合约。",
        ),
        Words("Add onlyOwner, a role check, or compare msg.sender.", "加上 onlyOwner、角色检查，或比较 msg.sender。"),
        checked=("solidity",),
    ),
    Rule(
        "solidity-transfer-from",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.65,
        Words("Tokens taken from an address that the caller names", "可从调用者指定的地址转走代币"),
        Words(
            "Whoever gave an allowance to this contract can be robbed by any caller.",
            "凡给过本合约授权额度的人都可能被任意调用者盗走代币。",
        ),
        Words("Take from msg.sender.", "从 msg.sender 转出。"),
        checked=("solidity",),
    ),
    Rule(
        "solidity-call-unchecked",
        "unchecked-result",
        "CWE-252",
        Severity.MEDIUM,
        0.75,
        Words("Result of a low-level call not checked", "未检查底层调用的结果"),
        Words(
            "call, send and delegatecall return false and do not revert; the code goes on as if it had worked.",
            "call、send、delegatecall 失败时返回 false 而不回滚，代码会当作成功继续。",
        ),
        Words("Check the returned bool with require.", "用 require 检查返回的布尔值。"),
        checked=("solidity",),
    ),
    Rule(
        "solidity-wrapping",
        "integer-overflow",
        "CWE-190",
        Severity.HIGH,
        0.6,
        Words("Arithmetic that wraps around", "会回绕的运算"),
        Words(
            "Before 0.8, or inside unchecked, a sum or difference of amounts wraps around silently.",
            "在 0.8 之前或 unchecked 块内，金额的加减会悄悄回绕。",
        ),
        Words(
            "Use 0.8 or later without unchecked here, or compare first.",
            "使用 0.8 及以上且此处不用 unchecked，或先做比较。",
        ),
        checked=("solidity",),
    ),
    Rule(
        "solidity-initializer",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.7,
        Words("initialize() may be called again", "initialize() 可被再次调用"),
        Words(
            "Nothing stops a second call: whoever calls it last is the owner.",
            "没有任何东西阻止再次调用：最后调用的人就是所有者。",
        ),
        Words(
            "Use the initializer modifier, and _disableInitializers() in the constructor.",
            "使用 initializer 修饰符，并在构造函数中调用 _disableInitializers()。",
        ),
        checked=("solidity",),
    ),
    Rule(
        "solidity-token-unchecked",
        "unchecked-result",
        "CWE-252",
        Severity.MEDIUM,
        0.6,
        Words("Answer of a token transfer not checked", "未检查代币转账的返回值"),
        Words(
            "Some tokens return false instead of reverting: the code goes on as if they had been moved.",
            "部分代币失败时返回 false 而不回滚，代码会当作已转账继续执行。",
        ),
        Words("Use SafeERC20, or require the returned bool.", "使用 SafeERC20，或用 require 检查返回的布尔值。"),
        checked=("solidity",),
    ),
    Rule(
        "solidity-signature-replay",
        "jwt-verification",
        "CWE-347",
        Severity.HIGH,
        0.6,
        Words("Signature may be used again", "签名可被重复使用"),
        Words(
            "Nothing remembers that it was used: whoever holds it can hand it in again and again.",
            "没有任何记录表明签名已使用：持有者可以反复提交。",
        ),
        Words(
            "Sign a nonce, the chain id and this contract's address, and mark the nonce as used.",
            "把 nonce、链 ID 和合约地址一并签名，并将 nonce 标记为已使用。",
        ),
        checked=("solidity",),
    ),
    Rule(
        "solidity-push-refund",
        "resource-exhaustion",
        "CWE-400",
        Severity.MEDIUM,
        0.55,
        Words("Refund that its receiver can block", "收款方可以阻塞的退款"),
        Words(
            "A contract that refuses the money makes this call fail for everybody: nobody can take its place.",
            "拒绝收款的合约会使所有人的调用失败：再没有人能取代它。",
        ),
        Words(
            "Note what is due and let each address fetch it itself.",
            "记录应退金额，由各地址自行提取。",
        ),
        checked=("solidity",),
    ),
)
