//! What both ends of a SPDY/3 connection know before the first header: words that headers are likely to have.
//!
//! Source: the SPDY/3 specification, section 2.6.10.1.

/// The Adler-32 sum that names the dictionary.
pub(super) const SUM: u32 = 0xe3c6_a7c2;

/// Words that stand in the dictionary the way a header block has them: each after its length.
const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language \
    accept-ranges age allow authorization cache-control connection content-base content-encoding content-language \
    content-length content-location content-md5 content-range content-type date etag expect expires from host if-match \
    if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma \
    proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade \
    user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie \
    keep-alive origin";

/// What follows them.
const REST: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505\
    203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden\
    404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug \
    Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,\
    application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch\
    charset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

/// Returns the dictionary.
pub(super) fn bytes() -> Vec<u8> {
    let mut dictionary = Vec::new();
    for word in WORDS.split(' ').filter(|word| !word.is_empty()) {
        let word = word.replace('_', " ");
        dictionary.extend([0, 0, 0, u8::try_from(word.len()).unwrap_or_default()]);
        dictionary.extend(word.as_bytes());
    }
    dictionary.extend(REST.as_bytes());
    dictionary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_the_one_of_the_specification() {
        let (low, high) = bytes().iter().fold((1_u32, 0_u32), |(low, high), byte| {
            let low = (low + u32::from(*byte)) % 65521;
            (low, (high + low) % 65521)
        });
        assert_eq!((bytes().len(), high << 16 | low), (1423, SUM));
    }
}
