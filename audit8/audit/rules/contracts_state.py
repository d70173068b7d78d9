"""What contracts forget about their state: to record a change, to refuse senseless values, to set up once: the claims.

contracts_records.py and contracts_auth.py find them in the syntax tree.
"""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "contract-missing-event",
        "missing-event",
        "CWE-778",
        Severity.LOW,
        0.4,
        Words("State changed without an event", "修改状态而未发出事件"),
        Words("Nobody outside can follow or prove the change.", "外部无法跟踪或证明该变化。"),
        Words("Emit an event with the old and the new value.", "发出包含新旧值的事件。"),
        checked=("rust",),
    ),
    Rule(
        "contract-zero-address",
        "uninitialized",
        "CWE-665",
        Severity.LOW,
        0.45,
        Words("Privileged address is not checked for zero", "特权地址未检查是否为零地址"),
        Words(
            "With the zero or a test address as owner nobody can act as owner, or somebody unknown can.",
            "若所有者是零地址或测试地址，则无人能行使权限，或被未知者行使。",
        ),
        Words("Refuse the zero address before it is stored.", "存储前拒绝零地址。"),
        checked=("rust", "solidity"),
    ),
    Rule(
        "pallet-amount-zero",
        "input-validation",
        "CWE-20",
        Severity.LOW,
        0.4,
        Words("Amount is not checked for zero", "未检查金额是否为零"),
        Words(
            "A call with amount zero still writes storage and emits events, for the price of nothing.",
            "金额为零的调用仍会写存储、发事件，而几乎没有代价。",
        ),
        Words("Refuse zero with ensure!.", "用 ensure! 拒绝零值。"),
        checked=("rust",),
    ),
    Rule(
        "ink-value-not-payable",
        "input-validation",
        "CWE-20",
        Severity.LOW,
        0.6,
        Words("Transferred value read in a message that takes none", "在不可收款的消息中读取转入金额"),
        Words(
            "Without payable the value is always zero, so the check or sum is wrong.",
            "没有 payable 时该值恒为零，检查或求和因而错误。",
        ),
        Words("Mark the message payable.", "将消息标记为 payable。"),
        checked=("rust",),
    ),
    Rule(
        "pallet-same-account",
        "input-validation",
        "CWE-20",
        Severity.LOW,
        0.4,
        Words("The two accounts may be the same", "两个账户可能是同一个"),
        Words(
            "When the caller names its own account, balances are read and written twice and the sum may be wrong.",
            "当调用者指定自己的账户时，余额会被重复读写，结果可能出错。",
        ),
        Words("Refuse equal accounts with ensure!.", "用 ensure! 拒绝相同的账户。"),
        checked=("rust",),
    ),
    Rule(
        "soroban-collection-input",
        "input-validation",
        "CWE-20",
        Severity.MEDIUM,
        0.45,
        Words("Caller's collection stored unseen", "未经检查就存储调用者传入的集合"),
        Words(
            "The host does not check the elements: one of a wrong type breaks every later read.",
            "宿主不检查元素：一个类型错误的元素会使之后的读取全部失败。",
        ),
        Words("Read each element and check it, or take one at a time.", "逐个读取并检查元素，或每次只接收一个。"),
        checked=("rust",),
    ),
    Rule(
        "ink-delegate-storage",
        "uninitialized",
        "CWE-665",
        Severity.MEDIUM,
        0.5,
        Words("Field that is not lazy next to a delegate call", "委托调用与非 Lazy 字段并存"),
        Words(
            "What the delegated code stores in this field is overwritten when the message ends.",
            "被委托代码写入该字段的内容会在消息结束时被覆盖。",
        ),
        Words("Use Lazy or Mapping with a ManualKey for the field.", "字段使用带 ManualKey 的 Lazy 或 Mapping。"),
        checked=("rust",),
    ),
    Rule(
        "contract-change-lost",
        "uninitialized",
        "CWE-665",
        Severity.MEDIUM,
        0.55,
        Words("Changed copy is never stored", "修改后的副本未写回存储"),
        Words(
            "get() returns a copy: the change is gone when the message ends.",
            "get() 返回的是副本：消息结束后修改即丢失。",
        ),
        Words("Write it back with insert() or set().", "用 insert() 或 set() 写回。"),
        checked=("rust",),
    ),
    Rule(
        "contract-initialised-again",
        "uninitialized",
        "CWE-665",
        Severity.HIGH,
        0.6,
        Words("Set-up may be called again by anybody", "任何人都可再次调用初始化"),
        Words(
            "Nothing stops a second call, or a first one by a stranger: whoever calls it becomes the owner.",
            "没有任何东西阻止再次调用，或被陌生人抢先调用：调用者即成为所有者。",
        ),
        Words("Use a constructor, or refuse when the set-up was done already.", "使用构造函数，或在已初始化时拒绝。"),
        checked=("rust",),
    ),
)
