"""Rules: what a request may set or reach although nobody decided that it may, and errors shown to everybody."""

from audit8.audit.rules.rule import Finder, Rule, Words
from audit8.types import Severity

_PHP_CHECKS = (
    r"current_user_can|check_ajax_referer|wp_verify_nonce|check_admin_referer|user_can\s*\(|is_super_admin|"
    r"(?i:verify_?(?:request|nonce|access)|check_?(?:permission|capabilit|access|nonce|ajax)|capability)"
)

RULES = (
    Rule(
        "mass-assignment",
        "mass-assignment",
        "CWE-915",
        Severity.MEDIUM,
        0.55,
        Words("All fields of a request copied into an object", "把请求的全部字段写入对象"),
        Words(
            "The caller also sets fields that no form shows: a role, an owner, a price.",
            "调用方还能设置表单中没有的字段，例如角色、所有者或价格。",
        ),
        Words(
            "Name the fields that may be set (permit, only, picking them one by one).",
            "逐一列出允许设置的字段（permit、only 或逐个取出）。",
        ),
        (Finder(("ruby",), r"\bparams\b[^\n;#]{0,120}(?P<at>\.permit!)"),),
    ),
    Rule(
        "ajax-without-check",
        "missing-authorization",
        "CWE-862",
        Severity.HIGH,
        0.6,
        Words("AJAX action without a check of rights", "AJAX 操作未检查权限"),
        Words(
            "Every signed-in visitor, and with nopriv everybody, can call this action.",
            "任何已登录的访问者都能调用该操作；若注册为 nopriv，则任何人都能调用。",
        ),
        Words(
            "Check current_user_can and a nonce (check_ajax_referer) first.",
            "先检查 current_user_can 和 nonce（check_ajax_referer）。",
        ),
        (
            Finder(
                ("php",),
                r"(?P<at>\badd_action)\s*\(\s*[\'\"](?:wp_ajax_(?!nopriv_)|admin_post_(?!nopriv_))\w{1,80}[\'\"]",
                on="plain",
                needs=r"\b(?:update_option|delete_option|add_option|wp_delete_\w+|wp_insert_\w+|wp_update_\w+|"
                r"update_\w+_meta|delete_\w+_meta|unlink|file_put_contents|move_uploaded_file)\s*\(|->(?:query|update|"
                r"delete|insert|replace)\s*\(",
                lacks=_PHP_CHECKS,
            ),
        ),
    ),
    Rule(
        "error-shown",
        "information-exposure",
        "CWE-209",
        Severity.LOW,
        0.5,
        Words("Details of an error sent to the caller", "把错误细节返回给调用方"),
        Words(
            "A traceback shows paths, versions, queries and values to whoever can cause an error.",
            "错误堆栈会向任何能触发错误的人暴露路径、版本、查询语句和数据。",
        ),
        Words(
            "Log the details, and answer with a general message.",
            "把细节写入日志，只返回笼统的提示。",
        ),
    ),
)
