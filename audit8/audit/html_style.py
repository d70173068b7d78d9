"""The look of the HTML report: one style sheet, light and dark, on a screen and on paper. Knows class names only."""

import base64
import hashlib

CSS = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2128;--dim:#59636e;--line:#d1d9e0;--card:#f6f8fa;--code:#fff;
--critical:#a40e26;--high:#bc4c00;--medium:#7d4e00;--low:#0550ae;--info:#59636e;--none:#1a7f37}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#3d444d;--card:#151b23;
--code:#0d1117;--critical:#ff7b72;--high:#f0883e;--medium:#d29922;--low:#79c0ff;--info:#9198a1;--none:#56d364}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem 1rem 4rem;background:var(--bg);color:var(--fg);
font:16px/1.55 system-ui,-apple-system,"Segoe UI","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
h1{font-size:1.6rem;margin:0 0 .5rem}h2{font-size:1.2rem;margin:2.5rem 0 .75rem}h3{font-size:1rem;margin:0 0 .25rem}
p{margin:.4rem 0}code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.dim,.facts,figcaption{color:var(--dim);font-size:.875rem}
.risk{font-weight:600}.tag{display:inline-block;padding:0 .5rem;border:1px solid;border-radius:1rem;font-size:.8rem;
font-weight:600}.critical{color:var(--critical)}.high{color:var(--high)}.medium{color:var(--medium)}
.low{color:var(--low)}.info{color:var(--info)}.none{color:var(--none)}
article{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:.5rem 1.5rem;margin:0 0 1rem;
padding:1rem;background:var(--card);border:1px solid var(--line);border-radius:.5rem;break-inside:avoid}
figure{margin:0}pre{margin:.25rem 0 0;padding:.5rem .75rem;white-space:pre-wrap;overflow-wrap:anywhere;
background:var(--code);
border:1px solid var(--line);border-radius:.375rem;direction:ltr;unicode-bidi:isolate}
.number{color:var(--dim);user-select:none;padding-right:1rem}
.text{overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);
overflow-wrap:anywhere}th{font-weight:600}ul{padding-left:1.25rem}li{overflow-wrap:anywhere}
details{margin:1rem 0}summary{cursor:pointer;font-weight:600}
@media (max-width:48rem){article{grid-template-columns:minmax(0,1fr)}}
@media print{body{max-width:none}article{background:none}}
"""
CSS_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{CSS_HASH}'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of a report: this style sheet, and nothing else from anywhere."""
