"""Rules: files chosen from outside, archives that say where to write, files that others can change."""

from audit8.audit.rules.rule import ARGS, DSTR, JVM, C, Finder, Rule, Words
from audit8.types import Severity

_PATH_SAFE = r"(?i)basename|\bbase\(|secure|sanitiz|getFileName\(\)|filepath\.Base|canonical|realpath"
_PATH_CHECKED = (
    r"startsWith|\bstartswith|HasPrefix|start_with\?|realpath|canonical|basename|\bfilepath\.(?:Rel|"
    r"IsLocal)|str_starts_with|indexOf\(['\"]\.\.|includes\(['\"]\.\.|Contains\([^)]*\"\.\.|"
    r"contains\(\"\.\.|strstr\([^)]*\"\.\.|expand_path"
)
_JS_FILE = (
    r"\b(?:fs|fsp|fsPromises|promises|fse)\.(?:readFile|readFileSync|writeFile|writeFileSync|"
    r"createReadStream|createWriteStream|unlink|"
    r"unlinkSync|readdir|readdirSync|open|openSync|appendFile|appendFileSync|rm|rmSync|stat|statSync|access)\s*\("
)
_GO_FILE = (
    r"\b(?:os\.(?:Open|OpenFile|ReadFile|WriteFile|Create|Remove|RemoveAll|Mkdir|MkdirAll|ReadDir)|"
    r"ioutil\.(?:ReadFile|WriteFile|ReadDir)|http\.ServeFile)\s*\("
)

RULES = (
    Rule(
        "file-from-request",
        "path-traversal",
        "CWE-22",
        Severity.HIGH,
        0.75,
        Words("File path chosen by the request", "文件路径由请求决定"),
        Words(
            "With ../ or an absolute path in the value, files outside the intended folder are read or written.",
            "值中若有 ../ 或绝对路径，就能读写预定目录之外的文件。",
        ),
        Words(
            "Take only the base name, or resolve the path and check that it lies inside the folder.",
            "只取文件名部分，或解析后检查路径是否仍在预定目录内。",
        ),
        (
            Finder(
                ("kotlin", "scala"),
                rf"\b(?:new\s+(?:File|FileInputStream|FileOutputStream|FileReader|FileWriter|"
                rf"RandomAccessFile)|Paths\.get|Path\.of|Files\.\w+)\s*\(\s*(?P<v>{ARGS})",
                vary="request",
                safe=_PATH_SAFE,
                lacks=_PATH_CHECKED + r"|normalize\(\)|isValid",
                window=700,
            ),
            Finder(
                C,
                rf"\bs(?:n)?printf\s*\(\s*\w+\s*,\s*(?:[^,\"]{{1,60}},\s*)?(?P<s>{DSTR})\s*,"
                rf"\s*(?P<v>[^;]{{1,160}})\)\s*;(?=[\s\S]{{0,600}}?\b(?:fopen|open|unlink|remove|"
                rf"opendir)\s*\()",
                literal=r"/%s",
                vary="request",
                lacks=_PATH_CHECKED + r"|strchr\([^)]*'/'|strstr|[=!]=\s*'[/.\\]",
                window=700,
            ),
        ),
    ),
    Rule(
        "archive-extraction",
        "path-traversal",
        "CWE-22",
        Severity.HIGH,
        0.6,
        Words("Archive entries written where they say", "按归档条目自带的路径解压"),
        Words(
            "An entry named ../../x or /x is written outside the target folder and can replace any file.",
            "名为 ../../x 或 /x 的条目会写到目标目录之外，可覆盖任意文件。",
        ),
        Words(
            "Check that each resolved path lies inside the target (Python 3.12: filter='data').",
            "检查每个解析后的路径都在目标目录内（Python 3.12：filter='data'）。",
        ),
        (
            Finder(
                ("go",),
                r"\bfilepath\.Join\s*\([^()\n]{1,80},\s*\w+\.Name\s*\)|\bpath\.Join\s*\([^()\n]{1,80},"
                r"\s*\w+\.Name\s*\)|\b\w{1,60}\s*\+\s*(?:\"[\x00]*\"|string\([\w.]{1,40}\))\s*\+\s*\w+\.Name\b",
                needs=r"\"archive/(?:zip|tar)\"|\bzip\.|\btar\.",
                lacks=r"HasPrefix|IsLocal|filepath\.Rel|Contains\([^)]*\"\.\.|(?i:dot_?dot)",
                window=900,
            ),
            Finder(
                JVM,
                r"\bnew\s+File\s*\([^()\n;]{1,80},\s*\w+\.getName\s*\(\)|"
                r"\.resolve\s*\(\s*\w*[eE]ntry\w*\.getName\s*\(\)",
                needs=r"\b(?:Zip|Tar|Jar|Archive)\w*Entry\b",
                lacks=r"startsWith|getCanonical|normalize|contains\(\"\.\.",
                window=900,
            ),
        ),
        python=True,
    ),
    Rule(
        "temporary-name",
        "temporary-file",
        "CWE-377",
        Severity.MEDIUM,
        0.8,
        Words("Temporary file with a guessable name", "临时文件名可被猜到"),
        Words(
            "Another user can create the file first, as a link to something else.",
            "其他用户可以抢先创建该文件，例如做成指向别处的链接。",
        ),
        Words(
            "Use mkstemp() (Python: tempfile.mkstemp or NamedTemporaryFile).",
            "使用 mkstemp()（Python：tempfile.mkstemp 或 NamedTemporaryFile）。",
        ),
        (
            Finder(C, r"(?<![\w.>:])(?:tmpnam|tempnam|mktemp|tmpnam_r)\s*\("),
            Finder(("python",), r"(?<![\w.])(?:tempfile\.mktemp|os\.te?mpnam)\s*\("),
            Finder(
                ("go",),
                r"\b(?:ioutil\.WriteFile|os\.(?:WriteFile|Create|OpenFile))\s*\(\s*(?P<s>\"[\x00]*\")\s*[,)]",
                literal=r"^\"/(?:var/)?tmp/",
            ),
            # Between delete() and mkdir() anybody can take the name.
            Finder(
                ("java",),
                r"\b(?P<name>\w{1,60})\s*=\s*File\.createTempFile\s*\([^;]{0,200};[^;]{0,80}\b(?P=name)\.delete\s*\([^;]{0,40};"
                r"[^;]{0,120}\b(?P<at>(?P=name)\.mkdirs?\s*\()",
            ),
        ),
        python=True,
    ),
    Rule(
        "world-writable",
        "permissions",
        "CWE-732",
        Severity.MEDIUM,
        0.8,
        Words("Writable by every user", "任何用户都可写"),
        Words(
            "Any account on the machine can change the file and with it what the program does.",
            "机器上的任何账户都能修改该文件，从而影响程序的行为。",
        ),
        Words(
            "Give write permission to the owner only (0600, 0700, 0644, 0755).",
            "只给所有者写权限（0600、0700、0644、0755）。",
        ),
        (
            # Calls that create a file are not looked at: the umask still takes its share of the mode they give.
            Finder(
                C,
                r"(?<![\w.>:])f?chmod(?:at)?\s*\([^;]{0,160},\s*0[0-7]{0,2}[0-7][0-7][2367]\s*[,)]|\bumask\s*\(\s*0+\s*\)",
            ),
            Finder(
                ("go",),
                r"\bos\.Chmod\s*\([^;\n]{1,200},\s*(?:os\.FileMode\()?0o?[0-7]?[0-7][0-7][2367]\)?\s*\)",
            ),
            Finder(("javascript", "typescript"), r"\bchmod(?:Sync)?\s*\([^;\n]{1,100},\s*0o?[0-7]?[0-7][0-7][2367]\b"),
            Finder(("php",), r"(?<![\w>$])chmod\s*\([^;\n]{1,100},\s*0[0-7]{0,2}[0-7][0-7][2367]\b"),
            Finder(("ruby",), r"\bchmod(?:_R)?\s*\(?\s*0o?[0-7]?[0-7][0-7][2367]\b"),
            Finder(
                ("bash",), r"(?:^|[;&|]\s*|\bsudo\s+)chmod\s+(?:-\w+\s+)*(?:0?[0-7][0-7][2367]|[ao]*[ao]\+\w*w\w*)\b"
            ),
            Finder(("java",), r"\.setWritable\s*\(\s*true\s*,\s*false\s*\)"),
            Finder(
                ("java",),
                r"\bPosixFilePermissions\.fromString\s*\(\s*(?P<s>\"[\x00]*\")",
                literal=r"^\"[rwx-]{4}w|^\"[rwx-]{7}w",
            ),
            Finder(("java",), r"\bPosixFilePermission\.OTHERS_WRITE\b"),
        ),
        python=True,
    ),
)
