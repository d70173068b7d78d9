"""What a database query looks like among other text. Data only."""

_NOT_PROSE = r"(?!(?:the|a|an|your|this|these|our|its|my)\b)"
# A query, not an English sentence: upper-case keywords, or lower-case ones in the order that SQL has them.
SQL = (
    r"\bSELECT\s(?s:.{1,400}?)\sFROM\b|\bselect\s+(?:distinct\s+)?(?:\*|count\([^)]{0,40}\)|"
    r"[\w.\"`]+(?:\s*,\s*[\w.*\"`]+){0,30})\s+from\s+"
    + _NOT_PROSE
    + r"|(?i:\binsert\s+(?:ignore\s+|or\s+\w+\s+)?into\s+"
    + _NOT_PROSE
    + r"[\S]{1,80}\s*(?:\(|values|select|set)|\bupdate\s+[\S]{1,80}\s+set\s+\S{1,80}\s*=|\bdelete\s+from\s+"
    + _NOT_PROSE
    + r"|\b(?:drop|create|alter|truncate)\s+(?:table|database|schema|user|view|role)\s+(?:if\s+(?:not\s+)?exists\s+)?"
    + _NOT_PROSE
    + (
        r"\S|\bwhere\s+[\w.\"`]{1,60}\s*(?:=|<>|!=|<|>|\blike\b|\bin\b)|\border\s+by\s+[\"'`]?\s*[+.]|"
        r"\breplace\s+into\s+\S)|\b(?:AND|OR)\s+[\w.\"`]{1,60}\s*(?:=|<>|!=|<|>|LIKE\b|IN\b)[\s'\"(%]{0,4}\x01"
    )
)
