//! `oci://REGISTRY/NAME[:TAG][@sha256:…]`.

use std::fmt;
use std::str::FromStr;

use oci_client::Reference;

use super::SCHEME;
use crate::error::KitError;
use filmgate_plugin::package::split_digest;

/// Where a package is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// as it was typed, without scheme and digest
    name: String,
    digest: Option<String>,
    reference: Reference,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let form = || format!("{text:?}: expected {SCHEME}REGISTRY/NAME[:TAG][@sha256:…]");
        let bare = text.strip_prefix(SCHEME).ok_or_else(form)?;
        let (name, digest) = split_digest(bare)?;
        // Without a registry the reference would be one of Docker's.
        let (registry, _) = name.split_once('/').ok_or_else(form)?;
        if !registry.contains(['.', ':']) && registry != "localhost" {
            return Err(form());
        }
        let reference = bare.parse::<Reference>().map_err(|e| format!("{text:?}: {e}"))?;
        Ok(Address { name: name.to_owned(), digest: digest.map(str::to_owned), reference })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.digest {
            Some(digest) => f.write_str(&self.with_digest(digest)),
            None => f.write_str(&self.without_digest()),
        }
    }
}

impl Address {
    /// The manifest's SHA-256 that it has to have, in hexadecimal.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// `oci://REGISTRY/NAME[:TAG]`.
    pub fn without_digest(&self) -> String {
        format!("{SCHEME}{}", self.name)
    }

    pub(super) fn with_digest(&self, digest: &str) -> String {
        format!("{SCHEME}{}@sha256:{digest}", self.name)
    }

    pub(super) fn tag(&self) -> String {
        self.reference.tag().unwrap_or("latest").to_owned()
    }

    pub(super) fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The same package, which has to have this digest.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Address {
        let reference = self.reference.clone_with_digest(format!("sha256:{digest}"));
        Address { digest: Some(digest.to_owned()), reference, ..self.clone() }
    }

    /// Whether it is the package that was asked for.
    pub(super) fn check(&self, found: &str) -> Result<(), KitError> {
        match &self.digest {
            Some(expected) if expected != found => Err(KitError::NotVerified {
                package: self.without_digest(),
                reason: format!("expected sha256:{expected}, found sha256:{found}"),
            }),
            _ => Ok(()),
        }
    }

    /// Whether the registry is this machine, which is asked without TLS.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.reference.registry();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        host == "localhost" || host.parse().is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_their_registry() {
        let parse = |text: &str| text.parse::<Address>();
        let hex = "0".repeat(64);
        for text in ["oci://localhost:5000/glow", "oci://ghcr.io/me/glow:1.0"] {
            assert_eq!(parse(text).expect("parsed").to_string(), text);
            let pinned = format!("{text}@sha256:{hex}");
            assert_eq!(parse(&pinned).expect("parsed").digest(), Some(hex.as_str()));
            assert_eq!(parse(&pinned).expect("parsed").to_string(), pinned);
        }
        for text in ["glow", "oci://glow", "oci://me/glow", "oci://h:1/g@sha256:12", "https://h/g"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("oci://127.0.0.1:5000/glow").expect("parsed").is_loopback());
        assert!(!parse("oci://127.0.0.1.example.org/glow").expect("parsed").is_loopback());
    }
}
