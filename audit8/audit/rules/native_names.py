"""What C and C++ projects call their functions: families of names that allocate, free, look up or read numbers.

Data only. The C library's own functions have tables of their own (native_calls.py, native_copies.py).
"""

import re

# Allocators that return NULL on failure; those that end the program instead (xmalloc, g_malloc) are not among them.
ALLOCATES = re.compile(
    r"(?:k[mzcv]|kvm|kvz|v[mz]|vz|devm_k[mzc]?|dma_)(?:z?alloc)\w*|kmalloc_array|kmemdup|kstrn?dup|vzalloc|vmalloc|"
    r"kmem_cache_z?alloc|devm_k[a-z]+alloc\w*|(?:__|dev_|netdev_)?alloc_skb\w*|alloc_\w+|usb_alloc_\w+|"
    r"(?:av|ff|OPENSSL|CRYPTO|PyMem|PyObject|mbedtls|talloc|sqlite3|xml|apr|pj|nvlist|malloca?)_?(?:[mcz]|zero)?"
    r"(?:alloc|allocz|malloc|mallocz|calloc|Malloc|Calloc)\w*|malloca|zcalloc|os_malloc|os_zalloc|"
    r"(?:devm_)?kv?asprintf|(?:create_\w*|alloc_\w*)workqueue|(?:skb|pskb)_(?:clone|copy)\w*|(?:devm_)?ioremap(?!_resource)\w*|"
    r"(?!x|g_|gtk_|gst_|safe_|must_|check|emalloc|pool_)[a-z]\w*_(?:m|c|z|re)alloc(?:_\w+)?|gf_(?:m|c|re)alloc|R_NEWS?0?|"
    r"Acquire(?:Quantum|Magick|Virtual|Aligned)Memory|ResizeQuantumMemory|AcquireCacheView|jas_(?:image|matrix|stream)_create\w*|"
    r"curl_easy_init|cJSON_(?:Parse|Create\w+|GetObjectItem\w*)|xmlDocGetRootElement|xmlGetProp|SSL_CTX_new|of_match_device|"
    r"platform_get_resource\w*|dev_get_platdata|g_hash_table_lookup|json_object_get|PyDict_GetItem\w*|mysql_store_result|"
    r"(?:EVP|BIO|RSA|X509|BN|EC|DH|DSA|SSL|HMAC|ASN1|PKCS7|CMS|ENGINE)_\w*_?(?:new|CTX_new|dup|create)"
)
# Their first argument is gone afterwards.
RELEASES = re.compile(
    r"kv?free|kfree_(?:skb|sensitive|const|rcu)\w*|kzfree|vfree|(?:dev_)?(?:kfree|consume)_skb(?:_any|_irq)?|usb_free_urb|"
    r"free_netdev|OPENSSL_(?:clear_)?free|CRYPTO_free|sqlite3_free|xmlFree\w*|av_free|sdsfree|efree|zfree|os_free|"
    r"PyMem_Free|EVP_PKEY_free|X509_free|BIO_free(?:_all)?|BN_(?:clear_)?free|talloc_free|json_object_put|json_decref"
)
# Probably gone afterwards: what they end may only be the inside, or one of several references.
ENDS = re.compile(
    r"(?!.*(?:_init|_cache|_list|_all)$)(?:\w+_(?:free|destroy|delete|dispose|unref|put)|(?:free|destroy|delete|release|put)_\w+|"
    r"(?:Free|Destroy|Delete|Release)[A-Z]\w*|\w+(?:Free|Destroy))"
)
# Look-ups that say NULL for "not found".
FINDS = re.compile(
    r"(?:find|lookup|search)[A-Z]\w*|(?:\w+_)?(?:find|lookup|search)(?:_\w+)?|"
    r"\w*(?:Find|Lookup|Search)(?:[A-Z]\w*)?|\w+_get_by_\w+|\w*Get(?:Input|Output)\b"
    r"|GetInput|GetOutput|GetIntermediates|GetVariableInput|getenv_\w+|\w*get_(?:header|param|property|attr|attribute|elem)"
)
_WIDTH = r"(8|16|24|32|64)"
# Numbers that come from a file, the network or another process.
READS = re.compile(
    rf"(?:\w*_)?(?:get|read|rd|parse|load|fetch|pull|extract|decode|peek)_?(?:u|s|ui|i|uint|int)?_?(?:le|be|net|lsb|msb)?_?"
    rf"(?:u|s|uint|int)?{_WIDTH}(?:le|be|_t|_le|_be)?(?:_\w+)?|"
    rf"(?:__)?(?:be|le){_WIDTH}_to_cpup?|(?:__)?(?:be|le){_WIDTH}toh|get_unaligned_(?:be|le){_WIDTH}|"
    rf"(?:ff_|av_)?(?:AV_R[BLN]|avio_r[bl]|bytestream2?_get_(?:[bl]e)?){_WIDTH}?u?|"
    rf"(?:EXTRACT_(?:[BL]E_)?U?_?{_WIDTH}(?:BITS)?|GET_?(?:BE|LE|UINT|INT)_?{_WIDTH}\w*|r[bl]{_WIDTH})|"
    rf"ReadBlob(?:[LM]SB)?(?:Long|Short|SignedLong|Byte)?|SDL_Read[BL]E{_WIDTH}|rfbClientSwap{_WIDTH}\w*|pntoh[sl]\w*|"
    r"nto[h](?:l|s|ll)|get_bits(?:_long|1)?|readBits|read_bits|ReadBits|get_byte|read_byte|ReadByte|read_(?:word|dword|short|int|long)|"
    r"be_?to_?h\w*|stream_get[cwlq]\w*|bs_read\w*|packet_get_int|read_varint\w*"
)
# Calls that fill memory from elsewhere: which argument is the memory and which the length.
FILLS = {
    "copy_from_user": (0, 2), "__copy_from_user": (0, 2), "copy_from_iter": (0, 1), "raw_copy_from_user": (0, 2),
    "pread": (1, 2), "recvmsg": (1, 2), "SSL_read": (1, 2), "BIO_read": (1, 2), "gzread": (1, 2), "avio_read": (1, 2),
    "ReadBlob": (2, 1), "ReadFromRFBServer": (1, 2), "stream_read": (1, 2), "read_exact": (1, 2), "readn": (1, 2),
    "memcpy_from_msg": (0, 2), "skb_copy_bits": (2, 3), "qemu_get_buffer": (1, 2), "pdfio_read": (1, 2),
    "bytestream2_get_buffer": (1, 2), "evbuffer_remove": (1, 2), "lseek_read": (1, 2), "read_all": (1, 2),
    "full_read": (1, 2), "safe_read": (1, 2), "url_fread": (1, 2), "read_buffer": (1, 2), "get_buffer": (1, 2),
}  # fmt: skip


def bits_read(name: str) -> int | None:
    """How many bits a number has that `name` reads, 32 where the name does not say; None for other functions."""
    found = READS.fullmatch(name)
    if found is None:
        return None
    width = next((group for group in found.groups() if group), "")
    if width:
        return int(width)
    if name in ("ntohs", "read_short", "read_word") or name.endswith("Short"):
        return 16
    return 8 if "yte" in name or name == "get_bits1" else 32
