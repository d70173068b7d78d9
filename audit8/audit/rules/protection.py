"""Rules: protections of a web application that are switched off or left out, and objects that a request may rewrite."""

from audit8.audit.rules.rule import JS, NODE, STR, Finder, Rule, Words
from audit8.types import Severity

RULES = (
    Rule(
        "csrf-off",
        "csrf",
        "CWE-352",
        Severity.MEDIUM,
        0.65,
        Words("Protection against forged requests is off", "关闭了跨站请求伪造（CSRF）防护"),
        Words(
            "Another site can make a signed-in user's browser send requests here that change something.",
            "其他网站可以让已登录用户的浏览器向本站发送会修改数据的请求。",
        ),
        Words(
            "Leave the framework's protection on, or check a token or the Origin header in every request that changes "
            "something.",
            "保持框架的防护开启，或在每个会修改数据的请求中校验令牌或 Origin 头。",
        ),
        (
            Finder(
                ("java", "kotlin"),
                r"\bcsrf\s*\(\s*\)\s*\.\s*disable\s*\(|\bcsrf\s*\(\s*(?:\w+\s*->\s*\w+\.disable\s*\(|"
                r"(?:AbstractHttpConfigurer|CsrfConfigurer)\s*::\s*disable)|\bcsrf\s*\{\s*(?:it\.)?disable\s*\(",
            ),
            # Jenkins: a web method that changes something must ask for POST.
            Finder(
                ("java",),
                r"^[ \t]*public\s+(?:(?!static)\w[\w<>]*\s+){1,2}(?P<at>do(?!Check|Fill|Index|Dynamic)[A-Z]\w*)\s*"
                r"\([^)]{0,300}"
                r"(?:StaplerRequest|@QueryParameter|StaplerResponse)",
                lacks=r"@RequirePOST|@POST\b|@org\.kohsuke\.stapler\.interceptor\.RequirePOST|requirePOST\(",
                window=300,
            ),
            Finder(
                NODE,
                r"\.use\s*\(\s*(?P<at>(?:\w+\.)?(?:session|cookieSession|cookieParser|expressSession|cookies)\s*\(|"
                r"require\(['\"](?:cookie-parser|express-session|cookie-session)['\"]\)\s*\()",
                on="plain",
                lacks=r"(?i)csrf|csurf|lusca|xsrf|sameSite\s*:\s*['\"](?:strict|lax)",
            ),
            Finder(
                ("ruby",),
                r"\bskip_before_(?:action|filter)\s*\(?\s*:verify_authenticity_token|"
                r"\bskip_forgery_protection\b|\bprotect_from_forgery\s*\(?\s*with:\s*:null_session|"
                r"\ballow_forgery_protection\s*=\s*false",
            ),
            Finder(("python",), r"^[ \t]*@(?:\w+\.)*csrf_exempt\b|\bWTF_CSRF_ENABLED\b['\"\]]*\s*=\s*False"),
        ),
    ),
    Rule(
        "cookie-without-flags",
        "cookie-flags",
        "CWE-614",
        Severity.LOW,
        0.5,
        Words("Cookie without Secure or HttpOnly", "Cookie 缺少 Secure 或 HttpOnly"),
        Words(
            "Without them scripts can read the cookie, or it travels over unencrypted connections.",
            "缺少这些标志时，脚本可以读取该 Cookie，或它会经由未加密的连接传输。",
        ),
        Words("Set Secure, HttpOnly and SameSite.", "设置 Secure、HttpOnly 和 SameSite。"),
        (
            Finder(
                NODE,
                r"(?<![\w.])(?:httpOnly|secure)\s*:\s*false\b",
                needs=r"(?i)cookie|session",
            ),
            Finder(("java",), r"\.set(?:HttpOnly|Secure)\s*\(\s*false\s*\)"),
            *(
                Finder(
                    ("java",),
                    r"\bnew\s+Cookie\s*\(",
                    needs=r"\.addCookie\s*\(",
                    lacks=rf"\.set{flag}\s*\(|\.setMaxAge\s*\(\s*0\s*\)",
                    window=900,
                )
                for flag in ("Secure", "HttpOnly")
            ),
        ),
    ),
    Rule(
        "every-interface",
        "information-exposure",
        "CWE-200",
        Severity.LOW,
        0.4,
        Words("Listens on every network interface", "监听所有网络接口"),
        Words(
            "The service is reachable from every network that this machine is in.",
            "该服务可以从本机所在的每个网络访问。",
        ),
        Words(
            "Bind to the address that is meant, 127.0.0.1 for local use.",
            "绑定到预期的地址；仅本机使用时绑定 127.0.0.1。",
        ),
    ),
    Rule(
        "prototype-merge",
        "prototype-pollution",
        "CWE-1321",
        Severity.HIGH,
        0.6,
        Words("Object merged under keys from outside", "按外部键名合并对象"),
        Words(
            "The key __proto__ or constructor makes this write to the prototype of every object.",
            "键名为 __proto__ 或 constructor 时，会写到所有对象共用的原型上。",
        ),
        Words(
            "Skip __proto__, constructor and prototype, or use a Map or Object.create(null).",
            "跳过 __proto__、constructor、prototype，或使用 Map 或 Object.create(null)。",
        ),
    ),
    Rule(
        "incomplete-escaping",
        "xss",
        "CWE-116",
        Severity.MEDIUM,
        0.6,
        Words("Only the first, or not every, dangerous character is replaced", "只替换了第一个或部分危险字符"),
        Words(
            "What is left of the characters still ends a string, a tag or a path: the escaping can be got round.",
            "剩余的字符仍能结束字符串、标签或路径：这种转义可以被绕过。",
        ),
        Words(
            "Replace every occurrence (a g flag, replaceAll, gsub), escape the escape character too, or use a library.",
            "替换全部出现之处（g 标志、replaceAll、gsub），同时转义转义符本身，或使用专门的库。",
        ),
        (
            Finder(
                JS,
                rf"\.replace\s*\(\s*(?P<s>{STR})\s*,",
                literal=r"^.(?:<|>|\\?\"|\\?'|&|\.\./|\$|`|\\\\|\*|\||/|%|_|;|\n|\\n|\[|\]|\{|\})+.$",
            ),
            Finder(
                JS,
                r"\.replace\s*\(\s*/(?:\\?[\"'<>&`/|*\[\]{};]|\[\"'<>&`]+\])/[iu]?\s*,",
                on="plain",
            ),
            Finder(
                JS,
                r"\.replace\s*\(\s*/\\?(?:\"|'|\[[\"'`]{2,3}\])/g\s*,\s*[\"'`]\\\\(?:\\?[\"']|\$&)",
                on="plain",
                lacks=r"\.replace\s*\(\s*/\\\\/g",
                window=300,
            ),
            Finder(JS, r"/<\\?\(?script[^/\n]{0,60}<\\/script>/g?[,\s).;]", on="plain"),
            Finder(
                ("ruby",),
                r"\.sub!?\s*\(?\s*(?:[\"'](?:<|>|&|\\?'|\\?\"|\.\./|;|`|\$)+[\"']|/(?:\\?[\"'<>&`;$]|\.\./)/)\s*,",
                on="plain",
            ),
            Finder(
                ("ruby",),
                r"\.gsub!?\s*\(?\s*(?:\"'\"|'\"'|/['\"]/)\s*,\s*[\"']\\{2,4}['\"\\]",
                on="plain",
                lacks=r"\.gsub!?\s*\(?\s*(?:[\"']\\\\|/\\\\)",
                window=300,
            ),
            Finder(
                ("python",),
                r"\.replace\s*\(\s*[\"'](?:<|>|&|\\?'|\\?\"|\.\./|;|`)[\"']\s*,[^,()\n]{1,20},\s*1\s*\)",
                on="plain",
            ),
        ),
    ),
    Rule(
        "error-to-client",
        "information-exposure",
        "CWE-209",
        Severity.LOW,
        0.6,
        Words("Stack trace sent to the client", "向客户端返回堆栈信息"),
        Words(
            "It shows classes, versions and paths that help an attacker.",
            "其中的类名、版本和路径会帮助攻击者。",
        ),
        Words("Log it, and answer with a general message.", "写入日志，并返回通用的提示。"),
        (
            Finder(
                ("java",),
                r"\.printStackTrace\s*\(\s*(?:new\s+\w{1,30}\s*\(\s*)?\w*(?i:resp|response|res)\w*\s*\.\s*get(?:Writer|OutputStream)\s*\(",
            ),
        ),
    ),
)
