"""Rules for Rust programs on Solana (Anchor and native), where a line says enough to be honest about it."""

from audit8.audit.rules.rule import Finder, Rule, Words
from audit8.types import Severity

_RUST = ("rust",)
_SOLANA = r"\b(?:anchor_lang|solana_program|AccountInfo|Pubkey)\b"
_RAW = r"(?:AccountInfo|UncheckedAccount)\s*<"
# Attributes may stand between the previous field and this one; a constraint among them does the check.
_ATTRIBUTE = r"(?P<attributes>(?:^[ \t]*#\[[^\n]*\n){0,4})"

_AMOUNT = (
    r"(?:balance|amount|supply|lamports|stake|shares|deposit|reserve|debt|reward|total|quantity|sold|volume|principal|"
    r"points|collected|raised)"
)

RULES = (
    Rule(
        "solana-missing-signer",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.65,
        Words("Authority account need not sign", "权限账户无需签名"),
        Words(
            "Anyone can pass this account without its key: the instruction then acts in its name.",
            "任何人都可以在没有私钥的情况下传入该账户，指令便会以它的名义执行。",
        ),
        Words("Use Signer<'info>, or check is_signer before acting.", "使用 Signer<'info>，或在执行前检查 is_signer。"),
        (
            Finder(
                _RUST,
                rf"{_ATTRIBUTE}^[ \t]*(?P<at>pub\s+\w*(?:authority|admin|owner|payer|signer|governor|"
                rf"operator)\s*:\s*{_RAW})",
                needs=_SOLANA,
                lacks=r"\.is_signer\b",
                unless=r"\bsigner\b\s*[,)@]|\bseeds\b|\baddress\s*=",
            ),
        ),
    ),
    Rule(
        "solana-arbitrary-cpi",
        "arbitrary-call",
        "CWE-829",
        Severity.HIGH,
        0.65,
        Words("Program account is not checked before the call", "调用前未校验程序账户"),
        Words(
            "The caller can pass another program here, which is then called with this program's accounts and rights.",
            "调用方可以传入另一个程序，它会带着本程序的账户和权限被调用。",
        ),
        Words(
            "Use Program<'info, T>, or compare its key with the expected program id.",
            "使用 Program<'info, T>，或将其地址与预期的程序 ID 比较。",
        ),
        (
            Finder(
                _RUST,
                rf"{_ATTRIBUTE}^[ \t]*(?P<at>pub\s+\w*_program\s*:\s*{_RAW})",
                needs=_SOLANA,
                unless=r"\baddress\s*=|\bconstraint\s*=|\bexecutable\b",
                lacks=(
                    r"_program\.key\s*(?:\(\)|)\s*(?:==|!=)|check_id\s*\(|check_program_account|"
                    r"(?:keys_eq!?|require_eq!?|assert_eq!?)\s*\([^;]{0,120}_program\.key"
                ),
            ),
        ),
    ),
    Rule(
        "solana-sysvar-address",
        "account-validation",
        "CWE-345",
        Severity.HIGH,
        0.7,
        Words("Sysvar account is not checked", "未校验系统变量（sysvar）账户"),
        Words(
            "The caller can pass an account with invented contents as the sysvar.",
            "调用方可以传入内容伪造的账户来冒充系统变量。",
        ),
        Words(
            "Use Sysvar<'info, T> or T::get(), and the *_checked loaders for instructions.",
            "使用 Sysvar<'info, T> 或 T::get()，读取指令用带 _checked 的函数。",
        ),
        (
            Finder(_RUST, r"(?<!fn )\bload_(?:instruction_at|current_index)\s*\(", needs=_SOLANA),
            Finder(
                _RUST,
                rf"{_ATTRIBUTE}^[ \t]*(?P<at>pub\s+(?:rent|clock|instructions|recent_blockhashes|"
                rf"slot_hashes)(?:_sysvar)?\s*:\s*{_RAW})",
                needs=_SOLANA,
                unless=r"\baddress\s*=",
            ),
        ),
    ),
    Rule(
        "solana-bump-from-caller",
        "account-validation",
        "CWE-345",
        Severity.MEDIUM,
        0.6,
        Words("Derived address with a bump from the caller", "派生地址使用调用方给出的 bump"),
        Words(
            "Several bumps give valid addresses: the caller can choose an account that is not the canonical one.",
            "多个 bump 都能得到有效地址：调用方可以选用非规范的账户。",
        ),
        Words(
            "Use find_program_address (Anchor: seeds and bump), and store its bump.",
            "使用 find_program_address（Anchor：seeds 与 bump），并保存其 bump。",
        ),
        (
            Finder(
                _RUST,
                r"\bcreate_program_address\s*\([^;]{0,300}\bbump\b",
                needs=_SOLANA,
                lacks=r"find_program_address|\.bump\b",
            ),
        ),
    ),
    Rule(
        "solana-reinitialisation",
        "account-validation",
        "CWE-345",
        Severity.MEDIUM,
        0.5,
        Words("Account may be initialised again", "账户可能被重复初始化"),
        Words(
            "init_if_needed also runs for an existing account; an instruction that sets its fields then resets them.",
            "init_if_needed 对已存在的账户也会执行；设置字段的指令会把它们重置。",
        ),
        Words("Use init, or check a flag before the fields are set.", "使用 init，或在设置字段前检查初始化标志。"),
        (
            Finder(
                # Associated token accounts have no fields of the program's own to reset.
                _RUST,
                r"^[ \t]*#\[account\([^\]]{0,200}?(?P<at>\binit_if_needed\b)(?![^\]]{0,"
                r"300}\b(?:associated_token|token)::)",
                needs=_SOLANA,
                lacks=r"is_initialized|initialized",
            ),
        ),
    ),
    Rule(
        "solana-unchecked-arithmetic",
        "integer-overflow",
        "CWE-190",
        Severity.MEDIUM,
        0.5,
        Words("Amount changed without a check for overflow", "金额运算未检查溢出"),
        Words(
            "Release builds wrap around unless overflow-checks is set: a balance can become huge or zero.",
            "除非设置了 overflow-checks，发布版本会发生回绕：余额可能变得极大或归零。",
        ),
        Words(
            "Use checked_add, checked_sub or checked_mul and handle None.",
            "使用 checked_add、checked_sub 或 checked_mul，并处理 None。",
        ),
        (
            Finder(
                _RUST,
                rf"(?<![\w.])[*\w.()&]{{0,80}}?(?P<at>\b\w*{_AMOUNT}\w*"
                r"(?:\.borrow_mut\(\)|"
                r"\(\)\?)?\s*[-+*]=\s*(?!1\b)[A-Za-z_(])",
                needs=_SOLANA,
                unless=r"checked_|saturating_",
            ),
            Finder(
                _RUST,
                rf"(?<![\w.])(?P<to>[\w.]{{0,60}}\b\w*{_AMOUNT}\w*)"
                r"\s*=\s*(?P<at>(?P=to)\s*[-+*]\s*(?!1\b)[A-Za-z_(])",
                needs=_SOLANA,
                unless=r"checked_|saturating_|\bas\s+u128\b|u128::from",
            ),
            Finder(
                _RUST,
                r"=\s*[\w.]{0,60}\b(?P<at>\w*(?:balance|amount|supply|lamports|shares|reserve|price|rate|"
                r"quantity)\w*\s*[-*]\s*[\w.]*(?:amount|balance|price|rate|shares|fee|supply|quantity|count|units)\w*)\s*;",
                needs=_SOLANA,
                unless=r"checked_|saturating_|\bas\s+u128\b|u128::from",
            ),
        ),
    ),
)
