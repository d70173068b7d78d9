"""Rule: numbers that can be guessed, where a token, key or name must not be."""

from audit8.audit.rules.rule import JVM, NODE, C, Finder, Rule, Words
from audit8.types import Severity

_UNGUESSABLE = (
    r"(?i:token|passw|secret|session|nonce|otp|csrf|api_?key|salt|\biv\b|private_?key|reset_?code|verif|"
    r"captcha|invite|auth|crypt)"
)
_MAKER_NAME = (
    r"(?i:token|passw|secret|session_?id|nonce|otp|csrf|api_?key|salt|uuid|guid|random_?(?:string|str|key|id)|state)"
)

RULES = (
    Rule(
        "predictable-random",
        "weak-random",
        "CWE-338",
        Severity.MEDIUM,
        0.65,
        Words("Predictable random number used for a secret", "用可预测的随机数生成敏感值"),
        Words(
            "This generator can be predicted from a few of its outputs; a token or key made with it can be guessed.",
            "该随机数发生器可由少量输出推算，由它生成的令牌或密钥可被猜中。",
        ),
        Words(
            "Use the system's secure generator (secrets, crypto.randomBytes, SecureRandom, crypto/rand).",
            "使用系统的安全随机源（secrets、crypto.randomBytes、SecureRandom、crypto/rand）。",
        ),
        (
            Finder(
                NODE,
                rf"^[^\n]{{0,200}}{_UNGUESSABLE}\w*\s*(?:\(\s*\)\s*\{{?\s*return|[:=]|\+=)[^\n;]{{0,"
                rf"80}}(?P<at>\bMath\.random\s*\()",
            ),
            Finder(
                NODE,
                rf"(?:function\s+\w*|(?:const|let|var)\s+\w*|(?<!\w)\w*){_MAKER_NAME}\w*\s*(?:=\s*(?:async\s*)?"
                rf"(?:function\s*)?)?(?::\s*(?:async\s*)?function\s*)?\([^)]{{0,100}}\)\s*(?:=>)?\s*\{{"
                rf"[^}}]{{0,400}}?(?P<at>\bMath\.random\s*\()",
            ),
            # Sixteen is for hexadecimal digits of an identifier.
            Finder(NODE, r"\bMath\.random\s*\(\s*\)\s*\*\s*16\s*\)?\s*\|\s*0\b"),
            Finder(NODE, r"\bMath\.random\s*\(\s*\)\s*\*\s*16\b", needs=r"4xxx-yxxx|[0-9a-f]{8}-[0-9a-f]{4}-4"),
            Finder(
                ("go",),
                rf"\bfunc\s+(?:\([^)]{{0,60}}\)\s*)?\w*{_MAKER_NAME}\w*\s*\([^)]{{0,100}}\)[^{{]{{0,40}}\{{[^}}]{{0,400}}?"
                r"(?P<at>\brand\.(?:New|Intn?|Int31n?|Int63n?|Uint32|Uint64|Float64|Perm|IntN)\s*\()",
                lacks=r"\"crypto/rand\"",
            ),
            Finder(
                JVM,
                rf"\bString\s+\w*{_MAKER_NAME}\w*\s*\([^)]{{0,100}}\)[^{{;]{{0,60}}\{{[^}}]{{0,400}}?"
                r"(?P<at>\bnew\s+Random\s*\(|\bMath\.random\s*\()",
                lacks=r"\bSecureRandom\b",
            ),
            Finder(
                JVM,
                rf"^[^\n]{{0,200}}{_UNGUESSABLE}\w*\s*=[^\n;]{{0,80}}(?P<at>\bnew\s+Random\s*\(|"
                rf"\bMath\.random\s*\(|\bRandomStringUtils\.random)",
            ),
            Finder(
                JVM,
                rf"^[^\n]{{0,200}}{_UNGUESSABLE}\w*\s*=[^\n;]{{0,80}}(?P<at>\b(?i:rand(?:om)?|rng|rnd|generator)\.next\w+\s*\()",
                needs=r"\bnew\s+Random\s*\(",
                lacks=r"\bSecureRandom\b",
            ),
            Finder(
                ("php",),
                rf"^[^\n]{{0,200}}{_UNGUESSABLE}\w*\s*=[^\n;]{{0,80}}(?P<at>(?<!\w)(?:mt_rand|rand|uniqid|lcg_value)\s*\()",
            ),
            Finder(
                ("go",),
                rf"^[^\n]{{0,200}}{_UNGUESSABLE}\w*\s*:?=[^\n;]{{0,80}}(?P<at>\brand\.(?:Int|Intn|Int63|"
                rf"Uint32|Float64|Read)\w*\s*\()",
                needs=r"\"math/rand(?:/v2)?\"",
                lacks=r"\"crypto/rand\"",
            ),
            Finder(
                C,
                rf"^[^\n]{{0,200}}{_UNGUESSABLE}\w*(?:\[[^\]\n]*\])?\s*=[^\n;]{{0,80}}(?P<at>(?<!\w)(?:rand|"
                rf"random|drand48|lrand48)\s*\()",
            ),
            Finder(
                ("ruby",),
                rf"^[^\n]{{0,200}}{_UNGUESSABLE}\w*\s*=[^\n;]{{0,80}}(?P<at>(?<![\w.])rand\b|\bRandom\.rand\b)",
            ),
        ),
        python=True,
    ),
)
