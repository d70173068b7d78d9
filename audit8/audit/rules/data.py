"""Rules: objects rebuilt from bytes, and XML parsers that fetch what a document names."""

from audit8.audit.rules.rule import JVM, NODE, Finder, Rule, Words
from audit8.types import Severity

_XML_HARDENED = (
    r"disallow-doctype-decl|external-general-entities|FEATURE_SECURE_PROCESSING|ACCESS_EXTERNAL_DTD|SUPPORT_DTD|"
    r"IS_SUPPORTING_EXTERNAL_ENTITIES|setExpandEntityReferences\(\s*false|setEntityResolver"
)

RULES = (
    Rule(
        "object-from-bytes",
        "unsafe-deserialization",
        "CWE-502",
        Severity.HIGH,
        0.75,
        Words("Objects rebuilt from untrusted bytes", "从不可信数据反序列化对象"),
        Words(
            "This format can name any class and run code while it is read. Bytes from outside can take "
            "over the program.",
            "该格式可以指定任意类，并在读取时执行代码。来自外部的数据可能接管整个程序。",
        ),
        Words(
            "Use a data-only format such as JSON, or a safe loader; at least verify a signature before reading.",
            "改用 JSON 等纯数据格式或安全的加载函数；至少在读取前校验签名。",
        ),
        (
            Finder(
                JVM,
                r"\bnew\s+ObjectInputStream\s*\(",
                lacks=r"setObjectInputFilter|ObjectInputFilter|resolveClass|ValidatingObjectInputStream",
            ),
            Finder(JVM, r"\bnew\s+XMLDecoder\s*\(|\b(?:enableDefaultTyping|activateDefaultTyping)\s*\("),
            Finder(
                ("csharp",),
                r"\bnew\s+(?:BinaryFormatter|NetDataContractSerializer|LosFormatter|SoapFormatter|"
                r"ObjectStateFormatter)\s*\(",
            ),
            Finder(("csharp",), r"\bTypeNameHandling\s*=\s*TypeNameHandling\.(?:All|Auto|Objects|Arrays)\b"),
        ),
        python=True,
    ),
    Rule(
        "yaml-load",
        "unsafe-deserialization",
        "CWE-502",
        Severity.HIGH,
        0.8,
        Words("YAML loaded with any type allowed", "YAML 以允许任意类型的方式加载"),
        Words(
            "This loader builds any object that the document names; a crafted document runs code.",
            "该加载方式会构造文档中指定的任意对象；精心构造的文档可以执行代码。",
        ),
        Words(
            "Use the safe loader (yaml.safe_load, SafeConstructor).",
            "使用安全加载方式（yaml.safe_load、SafeConstructor）。",
        ),
        (Finder(JVM, r"\bnew\s+Yaml\s*\(\s*(?:new\s+Constructor\s*\([^)]*\))?\s*\)", lacks=r"SafeConstructor"),),
    ),
    Rule(
        "xml-entities",
        "xxe",
        "CWE-611",
        Severity.HIGH,
        0.6,
        Words("XML parser resolves external entities", "XML 解析器会解析外部实体"),
        Words(
            "A document from outside can make this parser read local files or call other hosts.",
            "来自外部的文档可以让该解析器读取本地文件或访问其他主机。",
        ),
        Words(
            "Switch off document types and external entities before parsing (Python: defusedxml, or "
            "resolve_entities=False).",
            "解析前禁用 DTD 和外部实体（Python：使用 defusedxml，或 resolve_entities=False）。",
        ),
        (
            Finder(
                JVM,
                r"\b(?:DocumentBuilderFactory|SAXParserFactory|XMLInputFactory|TransformerFactory|"
                r"SchemaFactory)\.new(?:Instance|Factory)\s*\("
                r"|\bnew\s+(?:SAXReader|SAXBuilder)\s*\(|\bXMLReaderFactory\.createXMLReader\s*\(",
                lacks=_XML_HARDENED,
            ),
            Finder(("php",), r"\bLIBXML_(?:NOENT|DTDLOAD)\b|\blibxml_disable_entity_loader\s*\(\s*false\s*\)"),
            Finder(NODE, r"\bparseXml\w*\s*\([^;]{0,200}\bnoent\s*:\s*true"),
            Finder(("c", "cpp"), r"\bXML_PARSE_(?:NOENT|DTDLOAD)\b"),
            Finder(("csharp",), r"\bDtdProcessing\s*=\s*DtdProcessing\.Parse\b|\bnew\s+XmlUrlResolver\s*\("),
            Finder(
                ("ruby",),
                r"\bNokogiri::XML\w*\s*(?:\.parse)?\s*\([^;\n]{0,200}(?:NOENT|\.noent)|\bParseOptions::NOENT\b",
            ),
        ),
        python=True,
    ),
)
