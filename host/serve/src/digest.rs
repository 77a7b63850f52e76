//! Digests in headers (RFC 9530): `sha-256=:BASE64:`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use filmgate_core::digest::hexadecimal;

use crate::error::Fault;

/// The SHA-256 that a value of `Content-Digest` or `Repr-Digest` announces, in hexadecimal. None if it
/// names other algorithms only, which a recipient may ignore.
///
/// # Errors
/// `Request`: a SHA-256 that is none.
pub(crate) fn announced(header: &str) -> Result<Option<String>, Fault> {
    let mut values = header.split(',').filter_map(|entry| entry.trim().split_once('='));
    let found = values.rfind(|(name, _)| name.eq_ignore_ascii_case("sha-256"));
    let Some((_, value)) = found else { return Ok(None) };
    let wrong = || Fault::Request(format!("sha-256={value}: is no SHA-256 as in RFC 9530"));
    let base64 = value.strip_prefix(':').and_then(|v| v.split_once(':')).ok_or_else(wrong)?.0;
    let bytes = STANDARD.decode(base64).ok().filter(|b| b.len() == 32).ok_or_else(wrong)?;
    Ok(Some(hexadecimal(&bytes)))
}

/// The value of the header for a SHA-256 in hexadecimal.
pub(crate) fn header(sha256: &str) -> String {
    let bytes: Vec<u8> = (0..sha256.len() / 2)
        .filter_map(|i| u8::from_str_radix(sha256.get(2 * i..2 * i + 2)?, 16).ok())
        .collect();
    format!("sha-256=:{}:", STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        // RFC 9530, section 2: {"hello": "world"} and a line feed.
        let value = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        let hex = announced(value).expect("read").expect("a digest");
        assert_eq!(header(&hex), value);
        assert_eq!(announced(&format!("sha-512=:AA==:, {value}")).expect("read"), Some(hex));
        assert_eq!(announced("md5=:AA==:").expect("read"), None);
        assert!(announced("sha-256=:AA==:").is_err());
    }
}
