"""Laws of the walk: what carries a value on, what makes it harmless, on which side of a test, and across functions."""

import time

import pytest

from audit8.audit.flow import LANGUAGES, flow_hits
from audit8.audit.flow.value import OUTSIDE, PARAMETER, UNKNOWN


def lines(text: str, language: str, rule: str) -> list[int]:
    return [one.line for one in flow_hits(text, language) or () if one.rule == rule]


def level(text: str, language: str) -> int:
    hits = flow_hits(text, language)
    assert hits
    return hits[0].level


@pytest.mark.parametrize(
    "carried",
    [
        "b = a",
        "b = 'x' + a",
        "b = f'x {a}'",
        "b = 'x %s' % a",
        "b = 'x {}'.format(a)",
        "b = a.strip().lower()",
        "b = ' '.join([a, 'x'])",
        "b = a if c else 'x'",
        "b = a or 'x'",
        "b = [a][0]",
        "b, c = a, 'x'",
        "b = 'x'\nb += a",
        "for b in [a]:\n    pass",
        "b = [x for x in a]",
        "b = []\nb.append(a)",
        "try:\n    b = a\nexcept E:\n    b = 'x'",
        "if c:\n    b = 'x'\nelse:\n    b = a",
        "with open(a) as b:\n    b = a",
    ],
)
def test_these_carry_a_value_on(carried: str) -> None:
    body = "\n".join(f"    {line}" for line in ["a = request.args['a']", *carried.split("\n"), "os.system(b)"])
    assert lines(f"def f():\n{body}\n", "python", "shell-command") == [body.count("\n") + 2]


@pytest.mark.parametrize(
    "cured",
    [
        "b = int(a)",
        "b = str(ipaddress.ip_address(a))",
        "b = shlex.quote(a)",
        "b = len(a)",
        "b = TABLE",
        "b = 'x'",
        "b = re.sub(r'[^a-z]', '', a)",
        "if a not in ALLOWED:\n    raise ValueError\nb = a",
        "if a in ALLOWED:\n    b = a\nelse:\n    b = 'x'",
        "if not a.isdigit():\n    return\nb = a",
        "if not re.fullmatch('[a-z]+', a):\n    return\nb = a",
        "if a == 'x':\n    b = a\nelse:\n    b = 'y'",
        "validate(a)\nb = a",
        "b = a\nif not is_valid(b):\n    return",
        "b = ['x', 'y'][0]",
    ],
)
def test_these_make_a_value_harmless(cured: str) -> None:
    body = "\n".join(f"    {line}" for line in ["a = request.args['a']", *cured.split("\n"), "os.system(b)"])
    assert lines(f"def f():\n{body}\n", "python", "shell-command") == []


def test_a_test_counts_on_its_own_side_only() -> None:
    text = "def f():\n    a = request.args['a']\n    if a in ALLOWED:\n        pass\n    else:\n        os.system(a)\n"
    assert lines(text, "python", "shell-command") == [6]
    after = "def f():\n    a = request.args['a']\n    if a in ALLOWED:\n        pass\n    os.system(a)\n"
    assert lines(after, "python", "shell-command") == [5]


def test_a_cure_for_one_sink_is_none_for_another() -> None:
    text = "def f():\n    a = html.escape(request.args['a'])\n    os.system(a)\n    return make_response('<p>' + a)\n"
    assert lines(text, "python", "shell-command") == [3]
    assert lines(text, "python", "html-from-strings") == []


def test_what_is_cleaned_in_a_text_does_not_clean_the_rest() -> None:
    text = "def f():\n    a = request.args['a']\n    os.system('x ' + shlex.quote(a) + a)\n"
    assert lines(text, "python", "shell-command") == [3]


def test_how_sure_the_source_is_shows_in_the_level() -> None:
    assert level("def f():\n    os.system(request.args['a'])\n", "python") == OUTSIDE
    assert level("def f(a):\n    os.system('x ' + a)\n", "python") == PARAMETER
    assert level("def f():\n    os.system('x ' + g())\n", "python") == UNKNOWN


def test_a_helper_passes_values_on_and_leads_to_sinks() -> None:
    returned = "def g(a):\n    return a.strip()\n\ndef f():\n    requests.get(g(request.args['u']))\n"
    assert lines(returned, "python", "request-to-request") == [5]
    reached = "def g(u):\n    requests.get(u)\n\ndef f():\n    g(request.args['u'])\n"
    assert lines(reached, "python", "request-to-request") == [2]
    assert (
        lines("def g(u):\n    requests.get(u)\n\ndef f():\n    g('http://a')\n", "python", "request-to-request") == []
    )
    cleaned = "def g(a):\n    return shlex.quote(a)\n\ndef f():\n    os.system(g(request.args['u']))\n"
    assert lines(cleaned, "python", "shell-command") == []


def test_a_check_of_the_prepared_path_takes_the_finding_back() -> None:
    made = "    File f = new File(dir, entry.getName());\n"
    check = "    if (!f.getCanonicalPath().startsWith(dir.getCanonicalPath() + File.separator)) throw new E();\n"
    for body, found in ((made, [3]), (made + check, [])):
        text = f"class A {{\n  void f(ZipEntry entry, File dir) {{\n{body}  }}\n}}\n"
        assert lines(text, "java", "file-from-request") == found


def test_a_page_of_another_type_is_no_page() -> None:
    start, write = "func h(w http.ResponseWriter, r *http.Request) {\n", '\tw.Write([]byte(r.FormValue("a")))\n}\n'
    head = '\tw.Header().Set("Content-Type", "application/json")\n'
    assert lines(start + write, "go", "html-from-strings") == [2]
    assert lines(start + head + write, "go", "html-from-strings") == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("javascript", "app.get('/', (req, res) => {\n  const { a: { b } } = req.body;\n  exec(`x ${b}`);\n});\n"),
        ("typescript", "class A {\n  @Get()\n  f(@Query('a') a: string) { exec('x ' + a); }\n}\n"),
        ("java", "class A {\n  void f(@RequestParam String a) throws E {\n    Runtime.getRuntime().exec(a); } }\n"),
        ("go", 'func f(r *http.Request) {\n\ta := r.URL.Query()\n\texec.Command("sh", "-c", a.Get("a")).Run()\n}\n'),
        ("ruby", "def f\n  a = params[:a]\n  system(a)\nend\n"),
        ("php", "<?php\n$a = $_GET['a'];\nsystem($a);\n"),
        ("python", "    def f(self):\n        a = self.get_argument('a')\n        os.system(a)\n"),
    ],
)
def test_each_language_has_its_requests(language: str, text: str) -> None:
    assert lines(text, language, "shell-command") == [3]
    assert level(text, language) == OUTSIDE


def test_numbers_by_their_declared_type_are_harmless() -> None:
    assert lines("function f(a: number) {\n  exec('x ' + a);\n}\n", "typescript", "shell-command") == []
    text = 'class A { void f(int a) throws E { st.executeQuery("select a from b where c=" + a); } }'
    assert lines(text, "java", "sql-from-strings") == []


def test_a_language_without_a_table_is_left_alone() -> None:
    assert flow_hits("x", "cobol") is None


def test_a_part_of_a_php_file_is_read_without_its_opening_tag() -> None:
    assert lines("$a = $_GET['a'];\nsystem($a);\n", "php", "shell-command") == [2]
    assert lines("<p><?= $_GET['a'] ?></p>\n", "php", "html-from-strings") == [1]


DEEP = [
    "f(" * 1500 + ")" * 1500,
    "a." * 4000 + "b",
    "1 + " * 4000 + "1",
    "a" + ".b()" * 2000,
    "a[" * 1500 + "1" + "]" * 1500,
    "f(function () { " * 400 + "})" * 400,
    "f(x => " * 1500 + "1" + ")" * 1500,
    "x = x + y\n" * 1500,
    "if (a == 'b') { x = x + a\n" * 300 + "}" * 300,
    '"%s" % (' * 600 + "x" + ")" * 600,
    "const {a, b: {c}} = f(() => {" * 300 + "});" * 300,
    "for (k in a) { " * 300 + "x = x + y;" + "}" * 300,
    "".join(f"if (v{i} == 'a') {{ v{i} = w; }}\n" for i in range(700)),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_exhausts_the_walk(language: str) -> None:
    for text in DEEP:
        began = time.process_time()
        assert flow_hits(text, language) is not None
        assert time.process_time() - began < 3, text[:30]


@pytest.mark.parametrize(
    ("text", "language", "rule", "found"),
    [
        ("def f(a):\n    os.system('x %s' % T.get(a, 'y'))\nT = {}\n", "python", "shell-command", []),
        ("def f(a):\n    p = os.path.join(D, a)\n\n    return open(p)\n", "python", "file-from-request", [2]),
        (
            "def f(a):\n    p = D / a\n    p.relative_to(D)\n    return open(str(p) + '.x')\n",
            "python",
            "file-from-request",
            [],
        ),
        (
            "@app.get('/')\ndef f(a):\n    if not re.match('[a-z]', a):\n        abort(400)\n    os.system('x ' + a)\n",
            "python",
            "shell-command",
            [5],
        ),
        (
            "@app.get('/')\ndef f(a):\n    if not re.match('[a-z]+$', a):\n        abort(400)\n    os.system(a)\n",
            "python",
            "shell-command",
            [],
        ),
        (
            "@app.get('/')\ndef f(a):\n    if re.search('[^a-z]', a):\n        abort(400)\n    os.system('x ' + a)\n",
            "python",
            "shell-command",
            [],
        ),
        (
            "class C:\n  def p(self, a):\n    return D + '/' + a\n  def g(self):\n   open(self.p(request.args['a']))\n",
            "python",
            "file-from-request",
            [3],
        ),
        ("def f(path):\n    path = path.split('?')[0]\n    os.system('x ' + path)\n", "python", "shell-command", [3]),
        ("def f(a):\n    words = ['sh', '-c', 'x ' + a]\n    start(words)\n", "python", "shell-command", [2]),
        ("const sh = (c) => { exec(c); };\nfunction f(a) {\n  sh('x ' + a);\n}\n", "javascript", "shell-command", [3]),
        (
            "const sh = (c) => { exec(c); };\nfunction f(a) {\n  sh('x ' + Number(a));\n}\n",
            "javascript",
            "shell-command",
            [],
        ),
        ("const sh = (c) => { exec(c); };\n", "javascript", "shell-command", [1]),
        (
            "def f(a)\n  b = Pathname.new(File.join(root, a)).cleanpath.to_s\n"
            "  raise X unless b.start_with?(root)\n  File.read(b)\nend\n",
            "ruby",
            "file-from-request",
            [],
        ),
        ("def f(a)\n  b = @root.join(a)\n  b.read\nend\n", "ruby", "file-from-request", [2]),
        ("app.post('/', (req, res) => fs.unlink(req.files.a.path));\n", "javascript", "file-from-request", []),
        ("app.post('/', (req, res) => fs.unlink(req.files.a.name));\n", "javascript", "file-from-request", [1]),
    ],
)
def test_what_is_told_apart(text: str, language: str, rule: str, found: list[int]) -> None:
    assert lines(text, language, rule) == found
