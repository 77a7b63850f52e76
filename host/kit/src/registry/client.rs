//! One registry, asked in a blocking way. All of the network is in here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use tokio::io::AsyncWrite;

use super::{Address, SIGNATURE_BYTES, SIGNATURE_TYPE};
use crate::error::KitError;
use filmgate_core::digest;

pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// How long a registry may take to answer, and between two pieces of an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// `sha256:…`.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", digest::of_bytes(bytes))
}

/// A registry, for one package.
pub(super) struct Remote<'a> {
    address: &'a Address,
    client: Client,
    auth: RegistryAuth,
    runtime: tokio::runtime::Runtime,
}

impl Remote<'_> {
    pub(super) fn new(address: &Address) -> Result<Remote<'_>, KitError> {
        // Only the first call has an effect; a program may have chosen another provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let protocol =
            if address.is_loopback() { ClientProtocol::Http } else { ClientProtocol::Https };
        let client = Client::new(ClientConfig {
            protocol,
            connect_timeout: Some(TIMEOUT),
            read_timeout: Some(TIMEOUT),
            user_agent: concat!("filmgate/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        });
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| {
                KitError::Unreachable { package: address.to_string(), reason: e.to_string() }
            })?;
        Ok(Remote { address, client, auth: credentials(), runtime })
    }

    /// Logs in where it has to, and does `what`.
    pub(super) fn run<T>(
        &self,
        operation: RegistryOperation,
        what: impl AsyncFnOnce(&Self) -> Result<T, KitError>,
    ) -> Result<T, KitError> {
        self.runtime.block_on(async {
            let reference = self.address.reference();
            self.client
                .auth(reference, &self.auth, operation)
                .await
                .map_err(|e| self.failed(reference, e))?;
            self.client.store_auth_if_needed(reference.resolve_registry(), &self.auth).await;
            what(self).await
        })
    }

    pub(super) fn reference(&self) -> Reference {
        self.address.reference().clone()
    }

    pub(super) fn tagged(&self, tag: &str) -> Reference {
        let own = self.address.reference();
        Reference::with_tag(own.registry().to_owned(), own.repository().to_owned(), tag.to_owned())
    }

    pub(super) async fn push_blob(&self, bytes: &[u8]) -> Result<(), KitError> {
        let (reference, digest) = (self.reference(), digest_of(bytes));
        let exists = self.client.blob_exists(&reference, &digest).await;
        if exists.is_ok_and(|exists| exists) {
            return Ok(());
        }
        let pushed =
            self.client.push_blob(&reference, Bytes::copy_from_slice(bytes), &digest).await;
        pushed.map(drop).map_err(|e| self.failed(&reference, e))
    }

    pub(super) async fn push_manifest(
        &self,
        reference: &Reference,
        manifest: &[u8],
    ) -> Result<(), KitError> {
        let body = Bytes::copy_from_slice(manifest);
        let kind = http::HeaderValue::from_static(MANIFEST_TYPE);
        let pushed = self.client.push_manifest_raw(reference, body, kind).await;
        pushed.map(drop).map_err(|e| self.failed(reference, e))
    }

    pub(super) async fn pull_manifest(&self, reference: &Reference) -> Result<Vec<u8>, KitError> {
        let pulled = self.client.pull_manifest_raw(reference, &self.auth, &[MANIFEST_TYPE]).await;
        let (bytes, _) = pulled.map_err(|e| self.failed(reference, e))?;
        Ok(bytes.to_vec())
    }

    /// A blob by its digest, in hexadecimal; never more than `size` bytes of it.
    pub(super) async fn pull_blob(
        &self,
        sha256: &str,
        size: u64,
        most: u64,
    ) -> Result<Vec<u8>, KitError> {
        let reference = self.reference();
        let wrong =
            |reason: String| KitError::NotVerified { package: self.address.to_string(), reason };
        if size > most {
            return Err(wrong(format!("holds {size} bytes, more than the {most} of a plugin")));
        }
        let descriptor = OciDescriptor {
            digest: format!("sha256:{sha256}"),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let mut bytes = Bounded { bytes: Vec::new(), most: usize::try_from(size).unwrap_or(0) };
        let pulled = self.client.pull_blob(&reference, &descriptor, &mut bytes).await;
        pulled.map_err(|e| self.failed(&reference, e))?;
        let found = digest::of_bytes(&bytes.bytes);
        if found != sha256 {
            return Err(wrong(format!("expected sha256:{sha256}, found sha256:{found}")));
        }
        Ok(bytes.bytes)
    }

    /// The signature under a tag.
    pub(super) async fn signature(&self, tag: &str) -> Result<Vec<u8>, KitError> {
        let manifest = self.pull_manifest(&self.tagged(tag)).await?;
        let wrong = |reason: &str| KitError::NotVerified {
            package: self.address.to_string(),
            reason: reason.to_owned(),
        };
        let manifest: serde_json::Value = serde_json::from_slice(&manifest)
            .map_err(|_| wrong("its signature has no manifest that can be read"))?;
        let layer = &manifest["layers"][0];
        let (Some(SIGNATURE_TYPE), Some(digest), Some(size)) =
            (layer["mediaType"].as_str(), layer["digest"].as_str(), layer["size"].as_u64())
        else {
            return Err(wrong("its signature is not one of minisign"));
        };
        let sha256 = digest.strip_prefix("sha256:").unwrap_or(digest);
        self.pull_blob(sha256, size, SIGNATURE_BYTES).await
    }

    fn failed(&self, reference: &Reference, error: OciDistributionError) -> KitError {
        use OciDistributionError as Oci;
        use OciErrorCode::{Denied, ManifestUnknown, NameUnknown, NotFound, Unauthorized};
        let package = format!("{}{reference}", super::SCHEME);
        let coded = |all: &[OciErrorCode]| match &error {
            Oci::RegistryError { envelope, .. } => {
                envelope.errors.iter().any(|e| all.iter().any(|c| same(c, &e.code)))
            }
            _ => false,
        };
        let status = match &error {
            Oci::ServerError { code, .. } => *code,
            _ => 0,
        };
        let registry = self.address.reference().registry().to_owned();
        match &error {
            Oci::ImageManifestNotFoundError(_) => KitError::Missing { package },
            _ if coded(&[ManifestUnknown, NameUnknown, NotFound]) || status == 404 => {
                KitError::Missing { package }
            }
            Oci::UnauthorizedError { .. } | Oci::AuthenticationFailure(_) => {
                KitError::Denied { package, registry }
            }
            _ if coded(&[Unauthorized, Denied]) || [401, 403].contains(&status) => {
                KitError::Denied { package, registry }
            }
            Oci::DigestError(e) => KitError::NotVerified { package, reason: e.to_string() },
            Oci::IoError(e) if e.kind() == io::ErrorKind::FileTooLarge => {
                KitError::NotVerified { package, reason: e.to_string() }
            }
            _ => {
                let mut reason = error.to_string();
                let mut cause = std::error::Error::source(&error);
                while let Some(e) = cause {
                    reason = format!("{reason}: {e}");
                    cause = e.source();
                }
                KitError::Unreachable { package, reason }
            }
        }
    }
}

fn same(a: &OciErrorCode, b: &OciErrorCode) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// User and password from the environment; else nobody in particular.
fn credentials() -> RegistryAuth {
    let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    match (set("FILMGATE_REGISTRY_USER"), set("FILMGATE_REGISTRY_PASSWORD")) {
        (Some(user), Some(password)) => RegistryAuth::Basic(user, password),
        _ => RegistryAuth::Anonymous,
    }
}

/// Memory for what was announced, and no more.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.bytes.len() + bytes.len() > self.most {
            let message = format!("the registry sends more than the {} bytes announced", self.most);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::FileTooLarge, message)));
        }
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
