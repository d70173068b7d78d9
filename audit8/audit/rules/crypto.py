"""Rules: weak ciphers, hashes and keys; checks of certificates and signatures switched off."""

from audit8.audit.rules.rule import JVM, NODE, STR, C, Finder, Rule, Words
from audit8.types import Severity

_SENSITIVE = r"(?i:passw|passwd|\bpwd|passphrase|secret|credential)"
_LOGIN_WORD = r"(?i:passw|passwd|\bpwd|passphrase)"

RULES = (
    Rule(
        "weak-hash-password",
        "weak-crypto",
        "CWE-916",
        Severity.MEDIUM,
        0.75,
        Words("Fast hash used for a password or secret", "用快速散列处理口令或密钥"),
        Words(
            "MD5 and SHA-1 are broken, and any fast hash lets an attacker try billions of passwords a second.",
            "MD5 和 SHA-1 已被攻破；任何快速散列都能让攻击者每秒尝试数十亿个口令。",
        ),
        Words("Use Argon2, scrypt, bcrypt or PBKDF2 with a salt.", "使用带盐的 Argon2、scrypt、bcrypt 或 PBKDF2。"),
        (
            Finder(
                NODE,
                rf"\bcreateHash\s*\(\s*(?P<s>{STR})\s*\)\s*\.update\s*\([^;\n]{{0,60}}{_SENSITIVE}",
                literal=r"(?i)md5|sha-?1\b",
            ),
            Finder(
                NODE,
                rf"\bcreateHash\s*\(\s*(?P<s>{STR})\s*\)[^;]{{0,120}}?\.update\s*\([^;\n]{{0,60}}{_LOGIN_WORD}",
                literal=r"(?i)md5|md4|sha-?(?:1|224|256|384|512)\b",
            ),
            Finder(
                NODE,
                rf"\bcreateHmac\s*\(\s*(?P<s>{STR})\s*,[^;]{{1,120}}?\.update\s*\([^;\n]{{0,60}}{_LOGIN_WORD}",
                literal=r"(?i)md5|md4|sha-?(?:1|224|256|384|512)\b",
            ),
            Finder(
                NODE,
                rf"{_LOGIN_WORD}\w*\s*(?:[:=]\s*(?:async\s*)?(?:function\b)?|\()[^;{{}}]{{0,80}}\{{[^{{}}]{{0,200}}?(?P<at>\bcreateHash\s*\()",
            ),
            Finder(("php",), rf"(?<![\w>$])(?:md5|sha1)\s*\([^;\n]{{0,40}}{_SENSITIVE}"),
            Finder(
                JVM,
                rf"MessageDigest\.getInstance\s*\(\s*(?P<s>{STR})",
                literal=r"(?i)md5|md2|sha-?1\b",
                needs=_SENSITIVE,
            ),
            Finder(("go",), rf"\b(?:md5|sha1)\.(?:Sum|New)\s*\([^;\n]{{0,40}}{_SENSITIVE}"),
            Finder(("ruby",), rf"\bDigest::(?:MD5|SHA1)\.\w+\s*\(?[^;\n]{{0,40}}{_SENSITIVE}"),
            Finder(C, rf"\b(?:MD5|SHA1|MD4)\s*\([^;\n]{{0,60}}{_SENSITIVE}"),
        ),
        python=True,
    ),
    Rule(
        "weak-cipher",
        "weak-crypto",
        "CWE-327",
        Severity.MEDIUM,
        0.75,
        Words("Broken cipher, mode or protocol", "已被攻破的加密算法、模式或协议"),
        Words(
            "DES, RC4 and Blowfish can be broken, ECB shows repeated blocks, and old SSL/TLS versions "
            "can be read or altered.",
            "DES、RC4、Blowfish 可被攻破，ECB 会暴露重复的数据块，旧版 SSL/TLS 可被窃听或篡改。",
        ),
        Words(
            "Use AES-GCM or ChaCha20-Poly1305, and TLS 1.2 or newer.",
            "使用 AES-GCM 或 ChaCha20-Poly1305，以及 TLS 1.2 或更高版本。",
        ),
        (
            Finder(
                NODE,
                rf"\bcreate(?:C|Dec)ipher(?:iv)?\s*\(\s*(?P<s>{STR})",
                literal=r"(?i)\bdes|rc4|rc2|bf-|blowfish|-ecb",
            ),
            Finder(NODE, r"\bcrypto\.createCipher\s*\("),
            Finder(
                JVM,
                rf"\bCipher\.getInstance\s*\(\s*(?P<s>{STR})",
                literal=r"(?i)^\"(?:DES|DESede|RC4|ARCFOUR|RC2|Blowfish)\b|/ECB/|^\"AES\"$",
            ),
            Finder(
                ("go",),
                r"\b(?:des\.New(?:TripleDES)?Cipher|rc4\.NewCipher)\s*\(|"
                r"\bMinVersion\s*:\s*tls\.Version(?:SSL30|TLS10|TLS11)\b",
            ),
            Finder(
                ("php",),
                rf"\b(?:openssl_(?:en|de)crypt|mcrypt_\w+)\s*\([^;\"']{{0,80}}(?P<s>{STR})",
                literal=r"(?i)\bdes\b|des-|rc4|bf-|-ecb",
            ),
            Finder(
                ("ruby",),
                rf"\bOpenSSL::Cipher(?:\.new|::Cipher\.new)\s*\(?\s*(?P<s>{STR})",
                literal=r"(?i)\bdes|rc4|bf-|-ecb",
            ),
            Finder(
                C,
                r"\bEVP_(?:des|rc4|rc2|bf)_?\w*\s*\(|\bEVP_\w+_ecb\s*\(|\bDES_(?:set_key|ecb_encrypt|"
                r"ncbc_encrypt)\w*\s*\(|\bRC4(?:_set_key)?\s*\(",
            ),
            Finder(
                ("csharp",),
                r"\b(?:DES|TripleDES|RC2)\.Create\s*\(|\bnew\s+(?:DES|TripleDES|"
                r"RC2)CryptoServiceProvider\s*\(|\bCipherMode\.ECB\b",
            ),
        ),
        python=True,
    ),
    Rule(
        "short-key",
        "weak-crypto",
        "CWE-326",
        Severity.MEDIUM,
        0.85,
        Words("Key too short", "密钥太短"),
        Words("RSA, DSA and DH keys below 2048 bits can be broken.", "低于 2048 位的 RSA、DSA、DH 密钥可被破解。"),
        Words(
            "Use at least 2048 bits, better 3072, or an elliptic curve such as Ed25519.",
            "至少使用 2048 位，最好 3072 位，或使用 Ed25519 等椭圆曲线。",
        ),
        (
            Finder(NODE, r"\bmodulusLength\s*:\s*(?:256|512|768|1024|1536)\b"),
            Finder(("go",), r"\brsa\.Generate(?:MultiPrime)?Key\s*\([^;\n]{0,60},\s*(?:512|768|1024|1536)\s*\)"),
            Finder(
                JVM,
                r"\.initialize\s*\(\s*(?:512|768|1024|1536)\b",
                needs=r"KeyPairGenerator\.getInstance\(\s*\"(?:RSA|DSA|DH|DiffieHellman)",
            ),
            Finder(
                C,
                r"\bRSA_generate_key(?:_ex)?\s*\(\s*(?:\w+\s*,\s*)?(?:512|768|1024|1536)\b|_(?:rsa|"
                r"dsa)_(?:keygen|paramgen)_bits\s*\([^;,]{1,40},\s*(?:512|768|1024|1536)\b",
            ),
            Finder(("ruby",), r"\bOpenSSL::PKey::(?:RSA|DSA)\.(?:new|generate)\s*\(?\s*(?:512|768|1024|1536)\b"),
        ),
        python=True,
    ),
    Rule(
        "tls-check-off",
        "tls-verification",
        "CWE-295",
        Severity.HIGH,
        0.85,
        Words("Certificate or host key check switched off", "关闭了证书或主机密钥校验"),
        Words(
            "Anyone on the way can pose as the other side, read the traffic and change it.",
            "链路上的任何人都可以冒充对端，读取并篡改通信内容。",
        ),
        Words(
            "Leave the check on; trust a private certificate by adding its authority.",
            "保持校验开启；私有证书应通过添加其颁发机构来信任。",
        ),
        (
            Finder(
                NODE,
                r"(?<![.\w])rejectUnauthorized[\"']?\s*:\s*false\b|\bNODE_TLS_REJECT_UNAUTHORIZED\b[\"'\]]*\s*=\s*[\"']?0",
            ),
            Finder(NODE, r"NODE_TLS_REJECT_UNAUTHORIZED['\"]?\]?\s*=\s*['\"]?0", on="plain"),
            Finder(("go",), r"\bInsecureSkipVerify\s*[:=]\s*true\b|\bssh\.InsecureIgnoreHostKey\s*\("),
            Finder(("php",), r"\bCURLOPT_SSL_VERIFY(?:PEER|HOST)\b\s*(?:,|=>)\s*(?:false|0)\b"),
            Finder(("ruby",), r"\bOpenSSL::SSL::VERIFY_NONE\b|\bverify_ssl\s*(?:=>|:)\s*false\b"),
            Finder(
                C,
                r"\bCURLOPT_SSL_VERIFY(?:PEER|HOST)\s*,\s*(?:0L?|false)\s*\)|"
                r"\bSSL_CTX_set_verify\s*\([^;,]{1,60},\s*SSL_VERIFY_NONE\b",
            ),
            Finder(
                JVM,
                r"\bvoid\s+checkServerTrusted\s*\([^)]{0,200}\)(?:\s*throws\s+[\w, "
                r"]+)?\s*\{\s*(?:return\s*;\s*)?\}|\b(?:ALLOW_ALL_HOSTNAME_VERIFIER|"
                r"NoopHostnameVerifier|AllowAllHostnameVerifier)\b",
            ),
            Finder(
                JVM,
                r"\b\w*HostnameVerifier\s*(?:\w+\s*=|\()\s*\(\s*\w+\s*,\s*\w+\s*\)\s*->\s*(?:true\b|\{\s*return\s+true\b)",
            ),
            Finder(JVM, r"\bboolean\s+verify\s*\(\s*String\s+\w+\s*,\s*SSLSession\s+\w+\s*\)\s*\{\s*return\s+true\s*;"),
            Finder(("rust",), r"\bdanger_accept_invalid_(?:certs|hostnames)\s*\(\s*true\s*\)"),
            Finder(
                ("csharp",),
                r"\bServer(?:Certificate)?(?:CustomValidationCallback|"
                r"CertificateValidationCallback)\s*\+?=\s*(?:\([^)]*\)|delegate[^{]{0,"
                r"120})\s*(?:=>\s*true|\{\s*return\s+true)|DangerousAcceptAnyServerCertificateValidator",
            ),
            Finder(("python",), r"\bverify\s*=\s*False\b|\b_create_unverified_context\b|\bCERT_NONE\b"),
        ),
        python=True,
    ),
    Rule(
        "jwt-unverified",
        "jwt-verification",
        "CWE-347",
        Severity.HIGH,
        0.8,
        Words("Token accepted without its signature", "接受未校验签名的令牌"),
        Words(
            "The token's contents are used although anyone could have written them.",
            "使用了令牌的内容，但任何人都可以伪造这些内容。",
        ),
        Words("Verify the signature with a fixed list of algorithms.", "用固定的算法列表校验签名。"),
        (
            Finder(NODE, r"\balgorithms?[\"']?\s*:\s*\[?\s*['\"]none['\"]", on="plain", needs=r"(?i)jwt|jose"),
            Finder(
                NODE, r"\b(?:jwt|jsonwebtoken|JWT)\.decode\s*\(", lacks=r"\.verify\s*\(|jwtVerify|complete\s*:\s*true"
            ),
            Finder(("java",), r"\bJwts\.parser(?:Builder)?\s*\(\)[^;]{0,200}(?P<at>\.parse\s*\()"),
        ),
        python=True,
    ),
    Rule(
        "fixed-nonce",
        "weak-crypto",
        "CWE-329",
        Severity.MEDIUM,
        0.7,
        Words("Nonce or initialisation vector written in the code", "随机数或初始向量写死在代码里"),
        Words(
            "The same key and nonce twice reveal what was encrypted, and with GCM the key that protects it.",
            "同一密钥与同一随机数使用两次会泄露明文；在 GCM 中还会泄露认证密钥。",
        ),
        Words(
            "Draw a fresh one for every message (crypto/rand, SecureRandom).",
            "每条消息都用安全随机源生成新的值（crypto/rand、SecureRandom）。",
        ),
        (
            Finder(
                ("java",),
                rf"\bnew\s+(?:Iv|GCM)ParameterSpec\s*\(\s*(?:\d+\s*,\s*)?(?:{STR}\s*\.\s*getBytes|new\s+byte\s*\[)",
            ),
            Finder(
                ("java",),
                r"\bbyte\s*\[\s*\]\s*(?P<name>\w{1,60})\s*=\s*(?:new\s+byte\s*\[\s*\w{1,40}\s*\]|\{[^{};]{1,200}\})\s*;"
                r"[^}]{0,400}?(?P<at>\bnew\s+(?:Iv|GCM)ParameterSpec\s*\(\s*(?:\d+\s*,\s*)?(?P=name)\b)",
                lacks=r"\.(?:nextBytes|read\w*|get)\s*\(|arraycopy|DECRYPT_MODE",
                window=500,
            ),
        ),
    ),
)
