//! Webhooks as Standard Webhooks 1.0 has them: where they go, how they are signed, which addresses
//! they may reach. <https://github.com/standard-webhooks/standard-webhooks>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::Sha256;

use crate::error::ServeError;

/// An address that is told when a job has ended.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Webhook {
    /// The address, https:// or, with `allow-private`, http://
    pub url: String,
    /// The key of the signature: `whsec_` and 24 to 64 bytes in base64
    pub secret: String,
    /// Seconds before each further attempt; after the last one it is given up
    #[serde(default = "retry")]
    pub retry: Vec<u32>,
    /// Let it reach loopback and private addresses, also without TLS
    #[serde(default)]
    pub allow_private: bool,
}

/// Secrets are in no log.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

/// About two days.
fn retry() -> Vec<u32> {
    vec![5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600]
}

impl Webhook {
    /// # Errors
    /// `Settings`, with the way out.
    pub(crate) fn check(&self) -> Result<(), ServeError> {
        let wrong = |said: &str| Err(ServeError::Settings(format!("webhook {}: {said}", self.url)));
        let Ok(url) = Url::parse(&self.url) else { return wrong("url is not an address") };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            _ => return wrong("it begins with https://; http:// needs allow-private = true"),
        }
        if !self.may_be(&url) {
            return wrong("a loopback or private address needs allow-private = true");
        }
        if !self.key().is_some_and(|key| (24..=64).contains(&key.len())) {
            return wrong(
                "secret is `whsec_` and 24 to 64 bytes in base64, as from \
                 `echo whsec_$(head -c 32 /dev/urandom | base64)`",
            );
        }
        Ok(())
    }

    /// Whether the address names a host that it may reach. What a name stands for is looked at when
    /// it is connected to.
    fn may_be(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        !host.is_empty() && (self.allow_private || !literal.is_ok_and(is_private))
    }

    fn key(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.secret.strip_prefix("whsec_")?).ok()
    }

    /// The header `webhook-signature` of a message.
    pub(crate) fn signature(&self, id: &str, timestamp: i64, body: &str) -> String {
        let key = self.key().unwrap_or_default();
        // A key of any length will do.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Whether an address is of this machine or of a network that is not the Internet (the registries of
/// special-purpose addresses of IANA, RFC 6890).
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || address.octets()[..3] == [192, 0, 0]
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    // An IPv4 address in another dress: mapped, of NAT64, of 6to4.
    let [a, b, c, d, e, f, high, low] = address.segments();
    let within = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_private_v4(Ipv4Addr::new(a, b, c, d))
    };
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] => address.is_loopback() || within(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0] => within(high, low),
        [0x2002, ..] => within(b, c),
        // Global unicast is 2000::/3, but for documentation.
        _ => a & 0xe000 != 0x2000 || (a == 0x2001 && b == 0xdb8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(url: &str) -> Webhook {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
        Webhook { url: url.to_owned(), secret, retry: retry(), allow_private: false }
    }

    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        let signature = hook("https://x.y").signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn addresses_that_are_not_of_the_internet() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.8",
            "::",
            "::1",
            "fd00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(is_private(private.parse().expect("an address")), "{private}");
        }
        for public in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"]
        {
            assert!(!is_private(public.parse().expect("an address")), "{public}");
        }
    }

    #[test]
    fn what_a_webhook_may_be() {
        for wrong in [
            "http://example.org/",
            "ftp://example.org",
            "x",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::ffff:a00:1]:8443/x",
        ] {
            assert!(hook(wrong).check().is_err(), "{wrong}");
            let allowed = Webhook { allow_private: true, ..hook(wrong) };
            assert_eq!(allowed.check().is_ok(), !["x", "ftp://example.org"].contains(&wrong));
        }
        assert!(hook("https://example.org/hook").check().is_ok());
        let short = Webhook { secret: "whsec_aaaa".to_owned(), ..hook("https://example.org/") };
        assert!(short.check().is_err());
    }
}
