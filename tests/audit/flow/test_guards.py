"""Laws of checks and callers: what a check beside a switch, a scheme or a fixed caller says about a value."""

from audit8.audit.flow import flow_hits

_MAIN = """package main

import "os/exec"

func run(tool string) {
	exec.Command(tool, "5").Run()
}

func main() {
	run(WITH)
}
"""
_FETCH = """class A {
    void fetch(HttpServletRequest request) throws Exception {
        URL url = new URL(request.getParameter("u"));
        if (TEST) {
            throw new SecurityException();
        }
        url.openStream();
    }
}
"""
_UNPACK = """class A {
    void unpack(ZipEntry entry, File dir, boolean strict) throws IOException {
        File file = new File(dir, entry.getName());
        if (TEST) {
            throw new IOException();
        }
        write(file);
    }
}
"""
_OUTSIDE = "!file.getCanonicalPath().startsWith(dir.getCanonicalPath())"


def found(text: str, language: str, rule: str) -> bool:
    return any(one.rule == rule for one in flow_hits(text, language) or ())


def test_what_every_caller_of_a_program_fixes_is_not_a_parameter() -> None:
    assert not found(_MAIN.replace("WITH", '"sleep"'), "go", "shell-command")
    assert found(_MAIN.replace("WITH", "os.Args[1]"), "go", "shell-command")
    package = _MAIN.replace("package main", "package tools").replace("WITH", '"sleep"')
    assert found(package, "go", "shell-command")


def test_the_scheme_of_an_address_says_nothing_about_its_host() -> None:
    hosts = _FETCH.replace("TEST", "!HOSTS.contains(url.getHost())")
    assert not found(hosts, "java", "request-to-request")
    scheme = _FETCH.replace("TEST", '!"https".equals(url.getProtocol())')
    assert found(scheme, "java", "request-to-request")


def test_a_check_that_a_parameter_switches_off_is_none() -> None:
    assert not found(_UNPACK.replace("TEST", _OUTSIDE), "java", "file-from-request")
    assert not found(_UNPACK.replace("TEST", f"file != null && {_OUTSIDE}"), "java", "file-from-request")
    assert found(_UNPACK.replace("TEST", f"strict && {_OUTSIDE}"), "java", "file-from-request")


def test_a_helper_that_reads_the_request_gives_what_came_from_outside() -> None:
    text = "class A { void a(HttpServletRequest q, HttpServletResponse s) { s.getWriter().print(CALL); } }"
    assert found(text.replace("CALL", "Web.getParameter(q, 1)"), "java", "html-from-strings")
    assert not found(text.replace("CALL", "Web.version(q)"), "java", "html-from-strings")


def test_a_view_that_names_another_site_is_a_redirect() -> None:
    text = 'class A { String a(@RequestParam String to) { return "redirect:PATH" + to; } }'
    assert found(text.replace("PATH", ""), "java", "redirect-from-request")
    assert not found(text.replace("PATH", "/home?from="), "java", "redirect-from-request")


def test_a_member_in_capitals_of_what_came_from_outside_is_no_constant() -> None:
    text = "func a(c *gin.Context) { var b Req\n c.BindJSON(&b)\n http.Get(b.URL) }"
    assert found(f"package a\n{text}", "go", "request-to-request")
    assert not found("package a\nfunc a() { http.Get(config.URL) }", "go", "request-to-request")


def test_an_error_that_is_handed_on_quotes_what_could_not_be_read() -> None:
    text = "package a\nfunc fail(w http.ResponseWriter, err error) { HEAD fmt.Fprintf(w, FORMAT, err) }"
    page = text.replace("HEAD", "").replace("FORMAT", '"failed: %v"')
    assert found(page, "go", "html-from-strings")
    plain = page.replace("{ ", '{ w.Header().Set("Content-Type", "text/plain"); ', 1)
    assert not found(plain, "go", "html-from-strings")


def test_a_variable_hides_the_function_of_its_name() -> None:
    tree = "class Tree:\n    def write(self, file):\n        open('x/' + file)\n\n"
    assert found(tree + "def told(tree, text):\n    Tree().write('../' + text)\n", "python", "file-from-request")
    alone = flow_hits(tree + "def told(write, text):\n    write('<' + text)\n", "python") or ()
    assert [one.line for one in alone] == [3], "only what the method does itself"
