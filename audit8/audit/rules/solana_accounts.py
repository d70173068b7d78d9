"""Rules for Solana programs that need more than a line: what solana_checks.py and solana_anchor.py find in the tree."""

from audit8.audit.rules.rule import Rule, Words
from audit8.types import Severity

_RUST = ("rust",)

RULES = (
    Rule(
        "solana-owner-unchecked",
        "account-validation",
        "CWE-345",
        Severity.HIGH,
        0.55,
        Words("Account data read without an owner check", "读取账户数据前未校验所有者"),
        Words(
            "Any program can own an account with these bytes: the caller can pass one with invented contents.",
            "任何程序都可以拥有包含这些字节的账户：调用方可以传入伪造内容的账户。",
        ),
        Words(
            "Check that account.owner is this program, or use Account<'info, T>.",
            "检查 account.owner 是否为本程序，或使用 Account<'info, T>。",
        ),
        checked=_RUST,
    ),
    Rule(
        "solana-signer-not-bound",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.65,
        Words("Signer is not compared with the record's authority", "签名者未与记录中的权限账户比对"),
        Words(
            "Anybody can sign with a key of their own and change this account in the name of its authority.",
            "任何人都可用自己的密钥签名，并以权限账户的名义修改该账户。",
        ),
        Words(
            "Add has_one or a constraint, or compare the keys with require_keys_eq! before the change.",
            "加上 has_one 或 constraint，或在修改前用 require_keys_eq! 比较密钥。",
        ),
        checked=_RUST,
    ),
    Rule(
        "solana-initialised-again",
        "uninitialized",
        "CWE-665",
        Severity.HIGH,
        0.6,
        Words("Set-up may be run again by anybody", "任何人都可再次执行初始化"),
        Words(
            "Nothing asks whether the account is set up already: a second call makes its caller the authority.",
            "没有检查账户是否已初始化：再次调用会使调用者成为权限账户。",
        ),
        Words(
            "Refuse when the account is initialised, and mark it when it is.",
            "账户已初始化时拒绝，并在初始化后加以标记。",
        ),
        checked=_RUST,
    ),
    Rule(
        "solana-signer-not-asked",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.6,
        Words("Authority account is not asked for a signature", "未要求权限账户签名"),
        Words(
            "Nothing reads is_signer: anybody can pass the account of an authority and act in its name.",
            "没有任何代码检查 is_signer：任何人都可传入权限账户并以其名义操作。",
        ),
        Words(
            "Refuse when is_signer is false, before anything is changed.",
            "在修改任何内容之前，若 is_signer 为假则拒绝。",
        ),
        checked=_RUST,
    ),
    Rule(
        "solana-program-not-compared",
        "arbitrary-call",
        "CWE-829",
        Severity.HIGH,
        0.65,
        Words("Instruction for a program that the caller passed", "为调用者传入的程序构造指令"),
        Words(
            "The caller can pass a program of its own, which is then called with this program's accounts and rights.",
            "调用者可以传入自己的程序，它会带着本程序的账户和权限被调用。",
        ),
        Words("Compare its key with the expected program id first.", "先将其地址与预期的程序 ID 比较。"),
        checked=_RUST,
    ),
    Rule(
        "solana-closed-account",
        "account-validation",
        "CWE-345",
        Severity.HIGH,
        0.55,
        Words("Closed account keeps its data", "已关闭的账户仍保留数据"),
        Words(
            "Within the transaction somebody can pay rent back in, and the account lives on with its old contents.",
            "在同一交易中他人可重新付租金，账户会带着旧内容继续存在。",
        ),
        Words(
            "Use Anchor's close, or zero the data and assign the account to the system program.",
            "使用 Anchor 的 close，或清零数据并把账户交还系统程序。",
        ),
        checked=_RUST,
    ),
    Rule(
        "solana-account-type",
        "account-validation",
        "CWE-345",
        Severity.HIGH,
        0.5,
        Words("Account type is not checked", "未校验账户类型"),
        Words(
            "Another kind of account of this program with fitting bytes is accepted as this one.",
            "本程序的另一类账户只要字节相符就会被当作此类账户。",
        ),
        Words(
            "Store a discriminator and compare it (Anchor does so for Account).",
            "存储并比较类型标识（Anchor 的 Account 会自动处理）。",
        ),
        checked=_RUST,
    ),
    Rule(
        "solana-same-account-twice",
        "account-validation",
        "CWE-345",
        Severity.MEDIUM,
        0.5,
        Words("Two writable accounts may be the same", "两个可写账户可能是同一个"),
        Words(
            "Changes through the one overwrite those through the other: a balance can be raised from nothing.",
            "通过其中一个的修改会覆盖另一个的修改：余额可能凭空增加。",
        ),
        Words("Add constraint = a.key() != b.key().", "加上 constraint = a.key() != b.key()。"),
        checked=_RUST,
    ),
)
